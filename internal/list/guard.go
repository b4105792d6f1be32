package list

import (
	"bytes"
	"io"
	"unicode/utf8"

	"hongyan/internal/fault"
)

// guard lets decoded text through and keeps true what was assumed of it: that
// it is in the encoding that its head was in, that it holds no NUL, and that no
// row is endless. What it finds it keeps, because a parser above may hide it.
type guard struct {
	r      io.Reader
	path   string
	code   charset
	line   int    // of the text that comes next, from 1
	row    int64  // bytes since the parser began a row
	tail   []byte // the first bytes of a character of which the rest comes next
	broken *fault.Fault
}

// slack is what a parser may have read ahead of the row it is in.
const slack = 64 << 10

func (g *guard) Read(p []byte) (int, error) {
	if g.broken != nil {
		return 0, g.broken
	}
	n, err := g.r.Read(p)
	g.broken = g.check(p[:n], err == io.EOF)
	if g.broken != nil {
		return 0, g.broken
	}
	g.line += bytes.Count(p[:n], []byte{'\n'})
	if g.row += int64(n); g.row > maxRow+slack {
		g.broken = fault.At(g.path, g.line, "the row is longer than %d KiB", maxRow>>10).
			Hinted("is a quote opened above and never closed?")
	}
	return n, err
}

// begin is told by the parser that a row begins.
func (g *guard) begin() { g.row = 0 }

func (g *guard) check(text []byte, end bool) *fault.Fault {
	if before, _, ok := bytes.Cut(text, []byte{0}); ok {
		return g.at(before, "a NUL byte stands in the text").
			Hinted("a list in UTF-16 without its mark? say encoding: utf-16le, or save the list as CSV UTF-8")
	}
	if g.code.code != nil {
		if before, _, ok := bytes.Cut(text, []byte(string(utf8.RuneError))); ok {
			return g.at(before, "this is not %s", g.code.name).
				Hinted("say the encoding of the whole list with encoding:, or save it as CSV UTF-8")
		}
		return nil
	}
	return g.checkUTF8(text, end)
}

// checkUTF8 holds a character that is cut in two by the end of the text back
// for the next time.
func (g *guard) checkUTF8(text []byte, end bool) *fault.Fault {
	whole := text
	if len(g.tail) > 0 {
		whole = append(g.tail, text...)
	}
	keep := 0
	if !end {
		keep = cutOff(whole)
	}
	if body := whole[:len(whole)-keep]; !utf8.Valid(body) {
		return g.at(body[:firstInvalid(body)], "this is not UTF-8, and the lines before it were").
			Hinted("say the encoding of the whole list with encoding: (gb18030 from Excel in Chinese), or save it as CSV UTF-8")
	}
	g.tail = append(g.tail[:0:0], whole[len(whole)-keep:]...)
	return nil
}

func (g *guard) at(before []byte, format string, args ...any) *fault.Fault {
	return fault.At(g.path, g.line+bytes.Count(before, []byte{'\n'}), format, args...)
}

func firstInvalid(text []byte) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(text)
}
