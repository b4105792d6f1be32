package lint

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"hongyan/internal/fault"
)

// emphasis looks for Markdown marks that were not read as such, as happens
// with **提示：**请看. Names masked as 张** and the merry 谢谢~~ of chats are
// not that: with the source at hand only what the template wrote counts.
func (c *check) emphasis(p *page) {
	code, seen := string(p.code), map[string]bool{}
	for _, text := range []string{c.mail.Subject, string(p.prose), string(c.mail.Text)} {
		for _, mark := range []string{"**", "__", "~~"} {
			if !strings.Contains(text, mark) {
				continue
			}
			for line := range strings.Lines(text) {
				near, ok := c.stray(line, mark)
				if !ok || seen[near] || strings.Contains(code, near) {
					continue
				}
				seen[near] = true
				c.add(strayEmphasis, near, fault.Textf("%q is left in the text", near),
					fault.Textf("put a blank outside the marks, or write <b>…</b>"))
			}
		}
	}
}

// stray returns the mark with a rune or two of its neighbourhood.
func (c *check) stray(line, mark string) (near string, ok bool) {
	found := 0
	for at := 0; ; {
		i, n := nextRow(line, at, mark[0])
		if n == 0 {
			return near, ok && (found > 1 || mark == "**" && c.mail.TemplateSource != nil)
		}
		at = i + n
		if n != 2 || !marks(line[:i], line[i+2:]) {
			continue
		}
		found++
		for _, s := range []string{mark + first(line[i+2:], 2), last(line[:i], 2) + mark} {
			if !ok && len(s) > 2 && (c.mail.TemplateSource == nil || c.line(s) > 0) {
				near, ok = s, true
			}
		}
	}
}

// nextRow finds the next row of a byte, at least two long.
func nextRow(s string, from int, b byte) (at, n int) {
	i := strings.Index(s[from:], string([]byte{b, b}))
	if i < 0 {
		return 0, 0
	}
	at = from + i
	for at+n < len(s) && s[at+n] == b {
		n++
	}
	return at, n
}

// marks tells whether two marks between these texts can be emphasis: not in
// 2**10 or snake__case, not between blanks.
func marks(before, after string) bool {
	l, _ := utf8.DecodeLastRuneInString(before)
	r, _ := utf8.DecodeRuneInString(after)
	blank := func(r rune) bool { return r == utf8.RuneError || unicode.IsSpace(r) }
	return !(blank(l) && blank(r)) && !(latin(l) && latin(r))
}

func first(s string, n int) string {
	end := 0
	for range n {
		r, size := utf8.DecodeRuneInString(s[end:])
		if size == 0 || unicode.IsSpace(r) {
			break
		}
		end += size
	}
	return s[:end]
}

func last(s string, n int) string {
	start := len(s)
	for range n {
		r, size := utf8.DecodeLastRuneInString(s[:start])
		if size == 0 || unicode.IsSpace(r) {
			break
		}
		start -= size
	}
	return s[start:]
}
