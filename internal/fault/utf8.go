package fault

import (
	"bytes"
	"unicode/utf8"
)

// NotUTF8 returns the fault of a file that is not UTF-8 text, at the line of
// the first bad byte; nil if it is. A NUL is bad too: UTF-16 is full of them,
// and may be valid otherwise.
func NotUTF8(file string, src []byte) *Fault {
	for line := 1; len(src) > 0; line++ {
		text, rest, _ := bytes.Cut(src, []byte{'\n'})
		if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
			return At(file, line, "this is not UTF-8").
				Hinted("save the file as UTF-8; an editor of Windows calls the other encodings ANSI and Unicode or UTF-16")
		}
		src = rest
	}
	return nil
}
