package reply

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes a server's text safe to show in a terminal, a log or a table:
// control characters (so every ANSI sequence), direction marks, invisible
// format characters and broken UTF-8 become visible escapes such as \x1b, a tab
// a space. Clean of clean text is that text.
func Clean(s string) string {
	if !strings.ContainsFunc(s, unsafeRune) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\t':
			b.WriteByte(' ')
		case !unsafeRune(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// unsafeRune tells what a terminal would obey instead of show: C0, C1, DEL, bidi
// controls and the other format characters (Cf), line and paragraph separators.
func unsafeRune(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}
