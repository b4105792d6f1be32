package preview

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"unicode/utf8"

	"hongyan/internal/message"
)

// Sizes of the data files: a page of rows is some 60 KB, a pack of mails is
// read when one of them is looked at.
const (
	rowsPerPage  = 500
	mailsPerPack = 50
	packBytes    = 2 << 20
	sourceBytes  = 48 << 10 // of a mail's source that the page shows; the .eml has all
)

// file is a data file in the making: name(number, [item,item…]).
type file struct {
	root   *os.Root
	name   string
	number int // of the file in the making, from 1
	items  int
	buf    []byte
}

// begin opens the next item.
func (f *file) begin() {
	if f.items == 0 {
		f.number++
		f.buf = fmt.Appendf(f.buf[:0], "hongyan.%s(%d,[", f.name, f.number)
	} else {
		f.buf = append(f.buf, ",\n"...)
	}
	f.items++
}

func (f *file) flush() error {
	if f.items == 0 {
		return nil
	}
	f.items = 0
	f.buf = append(f.buf, "]);\n"...)
	return f.root.WriteFile(fmt.Sprintf("data/%s-%04d.js", f.name, f.number), f.buf, 0o600)
}

// table is the rows: [line, address, subject, size, file, pack, slot, warnings, attachments].
type table struct{ file }

func (t *table) add(l *Leaf, at place) error {
	t.name = "rows"
	t.begin()
	t.buf = append(t.buf, l.row...)
	t.buf = fmt.Appendf(t.buf, ",%d,%d", at.pack, at.slot)
	t.buf = append(t.buf, l.tail...)
	if t.items == rowsPerPage {
		return t.flush()
	}
	return nil
}

// place is where the views of a mail are.
type place struct{ pack, slot int }

// views is what the page shows of each mail: [html, text, source].
type views struct{ file }

func (v *views) add(l *Leaf) (place, error) {
	v.name = "mails"
	v.begin()
	at := place{v.number, v.items - 1}
	v.buf = append(v.buf, l.view...)
	if v.items == mailsPerPack || len(v.buf) > packBytes {
		return at, v.flush()
	}
	return at, nil
}

// A Leaf is a mail that has its files and waits for its place in the table.
type Leaf struct {
	row, tail []byte // its row, before and after the place of its views
	view      []byte
	source    bytes.Buffer
	warnings  []string
}

// write writes down what table and views will say of the mail.
func (l *Leaf) write(m Mail, name string, size int64, html []byte) {
	b := strconv.AppendInt(append(l.row[:0], '['), int64(m.Line), 10)
	b = appendString(append(b, ','), m.Address)
	b = appendString(append(b, ','), m.Subject)
	b = strconv.AppendInt(append(b, ','), size, 10)
	l.row = appendString(append(b, ','), name)
	l.tail = append(appendStrings(append(l.tail[:0], ','), m.Warnings), ',')
	l.tail = append(appendStrings(l.tail, m.Attachments), ']')
	b = appendString(append(l.view[:0], '['), html)
	b = appendString(append(b, ','), m.Text)
	b = appendString(append(b, ','), head(&l.source, m.Message))
	l.view = append(b, ']')
	l.warnings = m.Warnings
}

// head is the start of a mail's source, written into a buffer that is used again.
func head(into *bytes.Buffer, m *message.Message) []byte {
	into.Reset()
	if m == nil {
		return nil
	}
	for _, segment := range m.Wire() {
		room := sourceBytes - into.Len()
		if len(segment) > room {
			into.Write(segment[:room])
			into.WriteString("\r\n[…]")
			break
		}
		into.Write(segment)
	}
	return into.Bytes()
}

// tally counts mails by warning, for the filter.
type tally struct {
	mails, warned int
	order         []string // as they came, the first of each
	counts        map[string]int
}

// mostWarnings bounds the filter: warnings that name their recipient are many.
const mostWarnings = 100

func (t *tally) count(warnings []string) {
	t.mails++
	if len(warnings) > 0 {
		t.warned++
	}
	for _, w := range warnings {
		if _, known := t.counts[w]; !known {
			if len(t.order) == mostWarnings {
				continue
			}
			t.order = append(t.order, w)
		}
		t.counts[w]++
	}
}

func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, s)
	}
	return append(dst, ']')
}

// appendString appends a JavaScript string. "<" is escaped, so that it may also
// stand in a script element; each byte that is no UTF-8 becomes U+FFFD.
func appendString[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c != '<' && c < 0x7F {
			i++
			continue
		}
		r, n := rune(c), 1
		if c >= utf8.RuneSelf {
			if r, n = decode(s, i); (r != utf8.RuneError || n > 1) && r != '\u2028' && r != '\u2029' {
				i += n
				continue
			}
		}
		dst = appendEscape(append(dst, s[from:i]...), r)
		i += n
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}

func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

// decode is utf8.DecodeRune, fast for what Chinese consists of.
func decode[T string | []byte](s T, i int) (rune, int) {
	if i+2 < len(s) && s[i] > 0xE0 && s[i] < 0xED && s[i+1]&0xC0 == 0x80 && s[i+2]&0xC0 == 0x80 {
		return rune(s[i]&0x0F)<<12 | rune(s[i+1]&0x3F)<<6 | rune(s[i+2]&0x3F), 3
	}
	return utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
}
