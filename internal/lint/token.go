package lint

import (
	"bytes"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// read takes the tokens of a page. The tokenizer is exact and looks at every
// byte; most of a mail it need not see again.
func (p *page) read(src []byte) {
	for len(src) > 0 {
		n := p.again(src)
		if n == 0 {
			n = p.token(src)
		}
		src = src[n:]
	}
}

// token takes what the tokenizer finds first, and what belongs to it, and
// returns how long that is.
func (p *page) token(src []byte) (n int) {
	z := html.NewTokenizer(bytes.NewReader(src))
	for {
		kind := z.Next()
		n += len(z.Raw())
		switch kind {
		case html.ErrorToken:
			return len(src)
		case html.TextToken:
			p.words(z.Raw())
		case html.StartTagToken, html.SelfClosingTagToken:
			t := p.memory.tag(z)
			p.start(t)
			if t.raw() {
				continue // only this tokenizer knows that what follows is no HTML
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			p.end(atom.Lookup(name))
		}
		return n
	}
}

// again takes one token in which the tokenizer would find nothing new: a text
// up to the next tag, a tag that was read before, a plain end tag, a comment.
// It returns how long that is, 0 if it is none of these.
func (p *page) again(src []byte) int {
	if src[0] != '<' {
		return p.text(src)
	}
	end := bytes.IndexByte(src, '>') + 1
	if end < 3 {
		return 0
	}
	switch src[1] {
	case '/':
		name := src[2 : end-1]
		if !plainName(name) {
			return 0
		}
		p.end(atom.Lookup(name))
		return end
	case '!':
		return comment(src, end)
	}
	t := p.memory.known(src[:end])
	switch {
	case t == nil:
		return 0
	case t.raw():
		return p.raw(t, src, end)
	}
	p.start(t)
	return end
}

func (p *page) text(src []byte) int {
	n := bytes.IndexByte(src, '<')
	switch {
	case n < 0:
		n = len(src)
	case n+1 == len(src) || !opens(src[n+1]):
		return 0
	}
	p.words(src[:n])
	return n
}

// opens tells whether a byte behind < makes it the beginning of a tag or comment.
func opens(b byte) bool {
	return b == '/' || b == '!' || b == '?' || b|0x20 >= 'a' && b|0x20 <= 'z'
}

// raw takes an element of no HTML, as far as it has no < before its end tag.
func (p *page) raw(t *tag, src []byte, end int) int {
	n := bytes.IndexByte(src[end:], '<')
	if n <= 0 || t.atom == atom.Plaintext || !bytes.HasPrefix(src[end+n:], []byte("</"+t.atom.String()+">")) {
		return 0
	}
	p.start(t)
	p.words(src[end : end+n])
	return end + n
}

// comment returns the length of a comment or declaration whose first > is at
// the end; 0 if it is not a plain one.
func comment(src []byte, end int) int {
	inner, ok := bytes.CutPrefix(src, []byte("<!--"))
	if !ok {
		return end
	}
	n := bytes.Index(inner, []byte("--"))
	if n < 0 || inner[0] == '>' || bytes.HasPrefix(inner, []byte("->")) || !bytes.HasPrefix(inner[n:], []byte("-->")) {
		return 0
	}
	return len("<!--") + n + len("-->")
}

// plainName tells whether an end tag holds nothing but a name in lower case.
func plainName(name []byte) bool {
	for i, b := range name {
		if (b < 'a' || b > 'z') && (i == 0 || b < '0' || b > '9') {
			return false
		}
	}
	return len(name) > 0
}
