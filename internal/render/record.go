package render

import (
	"bytes"
	"errors"
	"strings"
	"text/template"
	"unicode/utf8"

	"hongyan/internal/fault"
)

// A record is what one execution wrote: the shape of the mail and the values
// in their order. It is the io.Writer of the execution, used again and again.
type record struct {
	script *script
	fields map[string]string
	key    []byte // the shape: ids, each value as a flag, trusted text as it is
	values []byte // all values, one after the other
	spans  []span // spans[i] is the value of hole i
	holes  []*site
	images []Image // made for this recipient
	cells  []byte  // of a table while it is drawn
	last   int     // the mark written last, -1 at the beginning
	steps  int
	size   int
}

type span struct{ from, to int }

// What follows an id in the key.
const (
	keyText  = iota // the literal of a mark
	keyEmpty        // a value that prints nothing
	keyHole         // a value
	keyRaw          // trusted Markdown: four bytes of length, then the text
)

const maxSteps = 200_000

// frameHoles are the holes of the layout: subject, preheader and the address of
// the unsubscribe page.
const frameHoles = 3

func (r *record) run(s *script, fields map[string]string) error {
	r.script, r.fields = s, fields
	r.key, r.values, r.spans = r.key[:0], r.values[:0], append(r.spans[:0], span{}, span{}, span{})
	r.holes, r.images = append(r.holes[:0], nil, nil, nil), nil
	r.last, r.steps, r.size = -1, 0, 0
	err := s.tmpl.Execute(r, fields)
	r.fields = nil
	if err != nil {
		return r.explain(err)
	}
	return nil
}

// explain adds to an error of the execution the place that only we know.
func (r *record) explain(err error) error {
	if missing, ok := errors.AsType[*MissingField](err); ok {
		return missing
	}
	file, line := "", 0
	if r.last >= 0 && r.script.marks[r.last].site != nil {
		file, line = r.script.marks[r.last].site.file, r.script.marks[r.last].site.line
	}
	if f, ok := errors.AsType[*fault.Fault](err); ok {
		return &fault.Fault{File: file, Line: line, What: f.What, Hint: f.Hint}
	}
	if exec, ok := errors.AsType[template.ExecError](err); ok {
		return fault.At(file, line, "the template fails: %s", cause(exec.Err))
	}
	return err
}

// cause cuts text/template's own view of the place off an error.
func cause(err error) string {
	text := err.Error()
	if _, after, ok := strings.Cut(text, ">: "); ok && strings.HasPrefix(text, "template: ") {
		return after
	}
	return text
}

// Write takes the id of a mark or one printed value.
func (r *record) Write(p []byte) (int, error) {
	if r.steps++; r.steps > maxSteps {
		return 0, fault.At("", 0, "the template repeats something more than %d times", maxSteps)
	}
	if n, ok := r.script.lookup(p); ok {
		r.last = n
		return len(p), r.mark(n)
	}
	if r.last < 0 {
		return len(p), r.value(p, nil)
	}
	return len(p), r.value(p, r.script.marks[r.last].site)
}

func (r *record) mark(n int) error {
	r.key = append(r.key, r.script.ids[n]...)
	m := &r.script.marks[n]
	if m.field {
		r.key = append(r.key, keyText)
		from := len(r.values)
		r.values = append(r.values, r.fields[m.site.needs[0]]...)
		return r.hole(from, m.site)
	}
	r.key = append(r.key, keyText)
	r.size += len(m.text)
	return r.bounded()
}

func (r *record) value(p []byte, st *site) error {
	r.key = append(r.key, r.script.ids[0]...)
	from := len(r.values)
	if st != nil && st.kind == trusted {
		if err := r.present(st, p); err != nil {
			return err
		}
		n := len(p)
		r.key = append(r.key, keyRaw, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
		r.key = append(r.key, p...)
		r.size += n
		return r.bounded()
	}
	r.values = append(r.values, p...)
	return r.hole(from, st)
}

// hole ends the value that begins at from.
func (r *record) hole(from int, st *site) error {
	p := r.values[from:]
	if err := r.present(st, p); err != nil {
		return err
	}
	if len(p) == 0 {
		r.key = append(r.key, keyEmpty)
		return nil
	}
	if st != nil && st.kind == picture {
		img, err := qrImage(string(p))
		if err != nil {
			return err
		}
		r.addImage(img)
		r.values = append(append(r.values[:from], "cid:"...), img.CID...)
		p = r.values[from:]
	}
	if !isClean(p) {
		r.values = append(r.values[:from], clean(string(p))...)
	}
	r.key = append(r.key, keyHole)
	r.spans = append(r.spans, span{from, len(r.values)})
	r.holes = append(r.holes, st)
	r.size += len(r.values) - from
	return r.bounded()
}

func (r *record) addImage(img Image) {
	for _, have := range r.images {
		if have.CID == img.CID {
			return
		}
	}
	r.images = append(r.images, img)
}

// present refuses to print nothing in the place of a field: nobody gets "Dear ,".
func (r *record) present(st *site, p []byte) error {
	if st == nil {
		return nil
	}
	if st.bare {
		if len(bytes.TrimSpace(p)) == 0 {
			return &MissingField{st.needs[0]}
		}
		return nil
	}
	for _, name := range st.needs {
		if strings.TrimSpace(r.fields[name]) == "" {
			return &MissingField{name}
		}
	}
	return nil
}

func (r *record) bounded() error {
	if r.size > limit {
		return fault.At("", 0, "the mail has more than %d bytes of text", limit)
	}
	return nil
}

// frame sets the values that the layout shows.
func (r *record) frame(values ...string) {
	for i, s := range values {
		from := len(r.values)
		r.values = append(r.values, s...)
		r.spans[i] = span{from, len(r.values)}
	}
}

func (r *record) hold(i int) []byte { return r.values[r.spans[i].from:r.spans[i].to] }

// plain returns literals and values as they come: a one-line template needs no more.
func (r *record) plain() string {
	var b strings.Builder
	next := frameHoles
	for piece := range r.pieces() {
		if piece.hole {
			b.Write(r.hold(next))
			next++
			continue
		}
		b.WriteString(piece.text)
	}
	return b.String()
}

type piece struct {
	text string
	hole bool
}

// pieces reads the shape back from the key.
func (r *record) pieces() func(yield func(piece) bool) {
	return func(yield func(piece) bool) {
		for k := r.key; len(k) > 0; {
			n := int(k[0])<<16 | int(k[1])<<8 | int(k[2])
			m, flag := &r.script.marks[n], k[idSize]
			k = k[idSize+1:]
			if flag == keyText && m.field {
				flag, k = k[0], k[1:]
			}
			var pc piece
			switch flag {
			case keyText:
				pc.text = m.text
			case keyHole:
				pc.hole = true
			case keyRaw:
				size := int(k[0])<<24 | int(k[1])<<16 | int(k[2])<<8 | int(k[3])
				pc.text, k = clean(string(k[4:4+size])), k[4+size:]
			}
			if !yield(pc) {
				return
			}
		}
	}
}

// isClean reports whether a value can go into a mail as it is.
func isClean(p []byte) bool {
	for _, c := range p {
		if odd(rune(c)) {
			return false
		}
	}
	return utf8.Valid(p)
}

// odd reports controls and carriage returns, which no mail may carry.
func odd(r rune) bool { return r < 0x20 && r != '\n' && r != '\t' || r == 0x7f }

// clean makes line breaks LF, drops controls and marks broken UTF-8.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.ReplaceAll(s, "\r", "\n")
	return strings.Map(func(r rune) rune {
		if odd(r) {
			return -1
		}
		return r
	}, s)
}
