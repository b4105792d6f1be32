package render

import (
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// emphasis reads *, _ and ~~ by CommonMark's rules, mended for text without
// blanks between words: a run that touches punctuation on one side and a CJK
// character on the other is flanking, as if the character were punctuation.
// So **提示：**请看 is bold (commonmark-spec #650). A value counts as CJK, so
// that bold text does not depend on what a row holds. A single ~ is a tilde:
// 3~5天、8~9天 is no strikethrough.
type emphasis struct{ token string }

func (e *emphasis) Trigger() []byte { return []byte{'*', '_', '~'} }

func (e *emphasis) Parse(_ ast.Node, block text.Reader, pc parser.Context) ast.Node {
	before := block.PrecendingCharacter()
	line, segment := block.PeekLine()
	char, n := line[0], 1
	for n < len(line) && line[n] == char {
		n++
	}
	if char == '~' && (n != 2 || before == '~') {
		block.Advance(n)
		return ast.NewTextSegment(segment.WithStop(segment.Start + n))
	}
	after := ' '
	if n < len(line) {
		after = util.ToRune(line, n)
	}
	s := sides{before: sideOf(before), after: sideOf(after)}
	s.before.cjk = s.before.cjk || e.endsWithToken(block.Source()[:segment.Start])
	s.after.cjk = s.after.cjk || strings.HasPrefix(string(line[n:]), e.token)
	open, shut := s.flanking(char)
	node := parser.NewDelimiter(open, shut, n, char, delimiters(char))
	node.Segment = segment.WithStop(segment.Start + n)
	block.Advance(n)
	pc.PushDelimiter(node)
	return node
}

func (e *emphasis) endsWithToken(src []byte) bool {
	return len(src) >= tokenSize && strings.HasPrefix(string(src[len(src)-tokenSize:]), e.token)
}

type side struct{ blank, punct, cjk bool }

func sideOf(r rune) side {
	s := side{blank: util.IsSpaceRune(r), cjk: isCJK(r)}
	s.punct = util.IsPunctRune(r) && !s.cjk
	return s
}

type sides struct{ before, after side }

func (s sides) flanking(char byte) (open, shut bool) {
	left := !s.after.blank && (!s.after.punct || s.before.blank || s.before.punct || s.before.cjk)
	right := !s.before.blank && (!s.before.punct || s.after.blank || s.after.punct || s.after.cjk)
	if char == '_' {
		return left && (!right || s.before.punct), right && (!left || s.after.punct)
	}
	return left, right
}

// isCJK reports whether a rune is written without blanks around it: Chinese,
// Japanese and Korean letters and their full-width punctuation.
func isCJK(r rune) bool {
	switch {
	case r < 0x1100:
		return false
	case 0x2e80 <= r && r <= 0x303f, 0xff00 <= r && r <= 0xffef, 0xfe30 <= r && r <= 0xfe4f:
		return true
	}
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo, unicode.Yi)
}

// delimiters makes emphasis of runs of one character.
type delimiters byte

func (d delimiters) IsDelimiter(b byte) bool { return b == byte(d) }

func (d delimiters) CanOpenCloser(a, b *parser.Delimiter) bool { return a.Char == b.Char }

func (d delimiters) OnMatch(n int) ast.Node {
	if d == '~' {
		return extast.NewStrikethrough()
	}
	return ast.NewEmphasis(n)
}
