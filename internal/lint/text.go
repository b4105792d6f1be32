package lint

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"hongyan/internal/fault"
)

func (c *check) parts(p *page) {
	text, prose := bytes.TrimSpace(c.mail.Text), p.prose
	if len(text) == 0 {
		c.add(textMissing, "", fault.Textf("the mail has no text part"), fault.Textf("watches, screen readers and spam filters read it"))
	}
	if len(bytes.TrimSpace(c.mail.HTML)) == 0 {
		return
	}
	if len(text) > 0 && differ(text, p) {
		c.add(textDiffers, "", fault.Textf("the text part and the HTML have few words in common"),
			fault.Textf("spam filters compare them; say the same in both"))
	}
	if p.lang == "" {
		c.add(langMissing, "", fault.Textf("<html> has no lang"), fault.Textf("write <html lang=\"zh-CN\"> in the layout"))
	}
	if c.mail.Preheader == "" && !p.preheader {
		c.add(preheaderMissing, "", fault.Textf("there is no preheader"),
			fault.Textf("set preheader: in the template's head, 40 to 90 characters that go on where the subject ends"))
	}
	if len(p.pictures) > 0 && !longer(prose, 40) {
		c.add(imageOnly, "", fault.Textf("the mail is nearly all images"),
			fault.Textf("clients block images at first: say what matters in text"))
	}
}

// longer tells whether a text has at least n columns that are not blank.
func longer(text []byte, n int) bool {
	for _, r := range string(text) {
		if unicode.IsSpace(r) {
			continue
		}
		if n--; r >= 0x1100 {
			n--
		}
		if n <= 0 {
			return true
		}
	}
	return false
}

// A bag remembers words by one bit each; a rare false hit does no harm here.
type bag [1 << 10]uint64

func (b *bag) put(h uint32)      { b[h>>6&(1<<10-1)] |= 1 << (h & 63) }
func (b *bag) has(h uint32) bool { return b[h>>6&(1<<10-1)]&(1<<(h&63)) != 0 }

// differ tells whether more than half of the words of one part are missing in
// the other.
func differ(text []byte, p *page) bool {
	var inText, inHTML bag
	written := make([]uint32, 0, len(text)/2)
	words(string(text), func(h uint32) {
		inText.put(h)
		written = append(written, h)
	})
	var shown, sent score
	words(string(p.prose), func(h uint32) {
		inHTML.put(h)
		shown.count(inText.has(h))
	})
	words(string(p.code), inHTML.put)
	for _, l := range p.links {
		words(l.href, inHTML.put)
	}
	for _, i := range p.pictures {
		words(i.alt, inHTML.put)
		words(i.src, inHTML.put)
	}
	for _, h := range written {
		sent.count(inHTML.has(h))
	}
	return shown.foreign() || sent.foreign()
}

// A score is how many words of one part the other has.
type score struct{ all, hits int }

func (s *score) count(hit bool) {
	s.all++
	if hit {
		s.hits++
	}
}

func (s *score) foreign() bool { return s.all >= 20 && s.hits*2 < s.all }

// words calls for the hash of each ASCII word, in lower case, and each rune
// beyond: Chinese has no blanks between words.
func words(text string, word func(uint32)) {
	h, n := uint32(2166136261), 0
	for _, r := range text {
		if r < 0x80 && (r|0x20 >= 'a' && r|0x20 <= 'z' || r >= '0' && r <= '9') {
			h, n = (h^uint32(r|0x20))*16777619, n+1
			continue
		}
		if n > 0 {
			word(h)
			h, n = 2166136261, 0
		}
		if r >= 0x4e00 && r <= 0x9fff || r >= 0x80 && unicode.IsLetter(r) {
			word((2166136261 ^ uint32(r)) * 16777619)
		}
	}
	if n > 0 {
		word(h)
	}
}

// holes looks for what a template left open: its own braces, the words of Go's
// templates for nothing, and the words of other programs in values.
func (c *check) holes(p *page) {
	prose, code := string(p.prose), string(p.code)
	seen := map[string]bool{}
	if bytes.Contains(c.mail.HTML, []byte("<no value>")) { // unescaped, it reads as a tag
		prose += "<no value>\n"
	}
	for _, text := range []string{c.mail.Subject, c.mail.Preheader, prose, string(c.mail.Text)} {
		for token := range holesIn(text) {
			if !seen[token] && !strings.Contains(code, token) {
				seen[token] = true
				c.add(hole, token, fault.Textf("%q is left in the mail", token), fault.Textf("the column's name may be misspelt, or a value of the list has it"))
			}
		}
	}
	for _, text := range []string{c.mail.Subject + "\n", prose} {
		c.values(text, seen)
	}
}

// holesIn yields what was meant to be replaced: {{…}}, <no value>, %!s(…).
func holesIn(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for rest := text; ; {
			at := strings.Index(rest, "{{")
			if at < 0 {
				break
			}
			rest = rest[at:]
			token := rest[:tokenEnd(rest)]
			if !yield(token) {
				return
			}
			rest = rest[len(token):]
		}
		if strings.Contains(text, "<no value>") && !yield("<no value>") {
			return
		}
		if at := strings.Index(text, "%!"); at >= 0 && len(text) > at+3 && text[at+3] == '(' {
			yield(text[at : at+4])
		}
	}
}

func tokenEnd(s string) int {
	if end := strings.Index(s, "}}"); end >= 0 && end < 60 {
		return end + 2
	}
	return 2
}

// values finds words that programs write for a missing value. A word of the
// author's is none: it stands in the template too. Without the source only a
// text that is nothing else counts.
func (c *check) values(text string, seen map[string]bool) {
	for _, word := range []string{"None", "undefined", "NaN", "null", "NULL", "nil", "#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "[object Object]"} {
		at := strings.Index(text, word)
		if at < 0 || seen[word] || !alone(text, at, len(word)) {
			continue
		}
		whole := (at == 0 || text[at-1] == '\n') && text[at+len(word)] == '\n'
		if bytes.Contains(c.mail.TemplateSource, []byte(word)) || c.mail.TemplateSource == nil && !whole {
			continue
		}
		seen[word] = true
		c.add(holeValue, "", fault.Textf("a value reads %q", word), fault.Textf("mend it in the list, or give the template a default"))
	}
}

// alone tells whether a word stands by itself and does not begin a phrase
// ("None of us").
func alone(text string, at, n int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	after, size := utf8.DecodeRuneInString(text[at+n:])
	if latin(before) || latin(after) {
		return false
	}
	next, _ := utf8.DecodeRuneInString(text[at+n+size:])
	return after != ' ' || !latin(next)
}

func latin(r rune) bool { return r == '_' || r < 0x250 && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
