package report

import (
	"fmt"
	"strings"
	"unicode"
)

// Printable makes foreign text (a server's reply, a list's cell) safe to show
// on a terminal or a page: line breaks and tabs become blanks; controls,
// escape sequences, bidi overrides and other unseen signs are spelt out as
// \u001b.
func Printable(s string) string {
	if !strings.ContainsFunc(s, unseen) {
		return s
	}
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '\n' || r == '\t':
			b.WriteByte(' ')
		case r == '\r':
		case unseen(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unseen leaves the joiners of emoji and Indic scripts alone.
func unseen(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	switch {
	case r < 0x7f:
		return r < ' '
	case r == nonJoiner, r == joiner, '\u2e80' <= r && r <= '\ud7ff':
		return false
	}
	return r == unicode.ReplacementChar || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)
}
