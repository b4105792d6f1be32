package message

import "sync"

// A sheet is the paper of one mail: its own bytes, and the places where bytes
// stand that it shares with other mails. Used again after release.
type sheet struct {
	text     []byte
	shared   []insert
	segments [][]byte
	scratch  []byte // a body in canonical form
	home     *sync.Pool
}

// insert is shared bytes that stand before text[at:].
type insert struct {
	at    int
	bytes []byte
}

// share appends bytes without copying them, unless a segment of their own
// would cost more.
func (s *sheet) share(b []byte) {
	const small = 4 << 10
	if len(b) <= small {
		s.text = append(s.text, b...)
		return
	}
	s.shared = append(s.shared, insert{len(s.text), b})
}

// seal lays the segments out; text must not grow afterwards.
func (s *sheet) seal() {
	from := 0
	for _, in := range s.shared {
		s.segments = append(s.segments, s.text[from:in.at], in.bytes)
		from = in.at
	}
	s.segments = append(s.segments, s.text[from:])
}

func (s *sheet) release() {
	const big = 1 << 20
	if cap(s.text) > big {
		return
	}
	clear(s.shared)
	clear(s.segments)
	s.text, s.shared, s.segments = s.text[:0], s.shared[:0], s.segments[:0]
	s.home.Put(s)
}

// writer writes leaves into a sheet, each behind the tree's next constant.
type writer struct {
	sheet     *sheet
	constants [][]byte
	weight    int // bytes of files
}

func (w *writer) next() {
	w.sheet.text = append(w.sheet.text, w.constants[0]...)
	w.constants = w.constants[1:]
}

// text writes a body in the shorter of the two encodings.
func (w *writer) text(kind string, body []byte) {
	w.next()
	b := append(append(w.sheet.text, "Content-Type: "...), kind...)
	if quotedIsShorter(body) {
		b = append(b, "\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"...)
		w.sheet.text = appendQuoted(b, body)
		return
	}
	b = append(b, "\r\nContent-Transfer-Encoding: base64\r\n\r\n"...)
	w.sheet.scratch = appendCanonical(w.sheet.scratch[:0], body)
	w.sheet.text = appendBase64(b, w.sheet.scratch)
}

// part writes the header block of a file.
func (w *writer) part(kind, disposition, name, cid string) {
	w.next()
	w.sheet.text = appendPartHead(w.sheet.text, kind, disposition, name, cid)
}

// weigh refuses a mail whose files are too big together.
func (w *writer) weigh(part string, size int) error {
	if w.weight += size; w.weight > maxFiles {
		return unfit(part, "the files of the mail have %d MB together, more than a mail may have (%d MB)", w.weight>>20, maxFiles>>20)
	}
	return nil
}

// end writes the last constant; a mail that is one leaf needs a line end.
func (w *writer) end() {
	w.next()
	if b := w.sheet.text; len(b) < 2 || b[len(b)-2] != '\r' {
		w.sheet.text = append(b, "\r\n"...)
	}
}
