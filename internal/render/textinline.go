package render

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	emojiast "github.com/yuin/goldmark-emoji/ast"
	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/util"
	"golang.org/x/net/html"
)

func (w *textWriter) inline(n ast.Node) {
	switch n := n.(type) {
	case *ast.Text:
		w.plain(n)
	case *ast.String:
		w.say(string(n.Value))
	case *ast.CodeSpan:
		w.code(n)
	case *ast.Link:
		w.link(n, string(util.UnescapePunctuations(n.Destination)))
	case *ast.AutoLink:
		w.autoLink(n)
	case *ast.Image:
		w.children(n) // its text is the alternative
	case *ast.RawHTML:
		var raw strings.Builder
		for i := range n.Segments.Len() {
			segment := n.Segments.At(i)
			raw.Write(segment.Value(w.src))
		}
		w.rawHTML(raw.String())
	case *emojiast.Emoji:
		w.say(string(n.Value.Unicode))
	case *extast.TaskCheckBox:
		w.say(tick(n))
	case *extast.FootnoteLink:
		w.say(w.noteMark(n.Index))
	case *extast.FootnoteBacklink:
	default:
		w.children(n)
	}
}

func (w *textWriter) plain(n *ast.Text) {
	value := n.Segment.Value(w.src)
	if !n.IsRaw() {
		w.stray(n, value)
		value = decode(value)
	}
	w.say(string(value))
	switch {
	case n.HardLineBreak():
		w.line()
	case n.SoftLineBreak():
		if !wideBreak(n, w.src) && !w.fresh && w.blank == 0 {
			w.say(" ")
		}
	}
}

// decode resolves backslashes and entities as goldmark's HTML does; a blank that
// must not break is a blank.
func decode(value []byte) []byte {
	value = util.UnescapePunctuations(value)
	value = util.ResolveNumericReferences(value)
	value = util.ResolveEntityNames(value)
	return bytes.ReplaceAll(value, []byte("\u00a0"), []byte(" "))
}

// wideBreak reports whether a soft break stands between two CJK characters.
func wideBreak(n *ast.Text, src []byte) bool {
	next, ok := n.NextSibling().(*ast.Text)
	if !ok {
		return false
	}
	last, first := []rune(string(n.Segment.Value(src))), []rune(string(next.Segment.Value(src)))
	return len(last) > 0 && len(first) > 0 && isCJK(last[len(last)-1]) && isCJK(first[0])
}

// stray notes emphasis that stayed text: nobody means to send **.
func (w *textWriter) stray(n *ast.Text, value []byte) {
	for _, mark := range []string{"**", "~~"} {
		if strings.Contains(string(value), mark) {
			at := n.Segment.Start + strings.Index(string(value), mark)
			w.found = append(w.found, stray{at: at, mark: mark})
		}
	}
	for i := range value {
		if at := n.Segment.Start + i; value[i] == ']' {
			w.torn(at)
		}
	}
}

// tornLink is the end of a link with a blank in its target, which Markdown
// takes for text.
var tornLink = regexp.MustCompile(`^\]\([^()\n]*[^\s()][ \t]+[^\s()][^()\n]*\)\{?`)

var scheme = regexp.MustCompile(`(?i)^\s*(https?|mailto|tel):`)

// furthest is how many bytes a link's text may have to be looked for.
const furthest = 4 << 10

// torn notes such a link if it is one beyond doubt: it shows an image, has
// attributes or leads to an address.
func (w *textWriter) torn(at int) {
	end := string(tornLink.Find(w.src[at:]))
	if end == "" {
		return
	}
	before := string(w.src[max(0, at-furthest):at])
	before = before[strings.LastIndexByte(before, '\n')+1:]
	open := strings.LastIndexByte(before, '[')
	if open < 0 || strings.HasSuffix(before, `\`) || strings.HasSuffix(before[:open], `\`) {
		return
	}
	image := strings.HasSuffix(before[:open], "!")
	if image {
		open--
	}
	target, styled := strings.CutSuffix(end[len("]("):], "{")
	if image || styled || scheme.MatchString(target) || strings.HasPrefix(target, w.page.token) {
		w.found = append(w.found, stray{at: at, mark: w.readable(before[open:] + "](" + target), link: true})
	}
}

// readable has dots in the places of the values.
func (w *textWriter) readable(s string) string {
	var b strings.Builder
	w.page.cut(s, func(lit string) { b.WriteString(lit) }, func(int) { b.WriteString("…") })
	return b.String()
}

func (w *textWriter) code(n *ast.CodeSpan) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			w.say(strings.ReplaceAll(string(t.Segment.Value(w.src)), "\n", " "))
		}
	}
}

// link writes a link as people read it: the address once when it is the text.
func (w *textWriter) link(n ast.Node, dest string) {
	dest = string(util.URLEscape([]byte(dest), true))
	label := &textWriter{page: w.page, src: w.src, fresh: true}
	label.children(n)
	same := label.literal() == dest
	if same || isButton(n) || w.page.links == "inline" || len(label.prog.ops) == 0 {
		w.inlineLink(n, dest, same || len(label.prog.ops) == 0)
		return
	}
	w.children(n)
	if to, mail := strings.CutPrefix(dest, "mailto:"); mail && label.literal() == to || strings.HasPrefix(dest, "#") {
		return
	}
	w.links = append(w.links, dest)
	w.say(" [" + itoa(len(w.links)) + "]")
}

func (w *textWriter) inlineLink(n ast.Node, dest string, only bool) {
	if only {
		w.address(dest)
		return
	}
	w.children(n)
	if isButton(n) {
		w.say(": ")
		w.address(dest)
		return
	}
	w.say(" (")
	w.address(dest)
	w.say(")")
}

// literal returns the text with its tokens as they are.
func (w *textWriter) literal() string {
	var b strings.Builder
	for _, o := range w.prog.ops {
		b.WriteString(o.lit)
		if o.hole >= 0 {
			b.WriteString(w.page.tokenOf(o.hole))
		}
	}
	return b.String()
}

func (w *textWriter) autoLink(n *ast.AutoLink) {
	label := string(n.Label(w.src))
	if n.AutoLinkType == ast.AutoLinkEmail {
		w.say(label)
		return
	}
	w.address(string(util.URLEscape([]byte(label), true)))
}

// blockTags begin a new line in the text of raw HTML.
var blockTags = strings.Fields("address article aside blockquote br dd div dl dt footer h1 h2 h3 h4 h5 h6 header hr li ol p pre section table tr ul")

// rawHTML writes the words of raw HTML.
func (w *textWriter) rawHTML(raw string) {
	z := html.NewTokenizer(strings.NewReader(raw))
	skip := false
	for {
		switch tt := z.Next(); tt {
		case html.ErrorToken:
			return
		case html.TextToken:
			if !skip {
				w.words(html.UnescapeString(string(z.Raw())))
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			name, attrs, _ := parseTag(strings.Replace(string(z.Raw()), "</", "<", 1))
			skip = tt == html.StartTagToken && slices.Contains(rawText, name)
			if slices.Contains(blockTags, name) && !w.fresh {
				w.line()
			}
			if alt := find(attrs, "alt"); name == "img" && alt != nil {
				w.words(html.UnescapeString(alt.value))
			}
		}
	}
}

// words writes text of HTML, where any white space is one blank.
func (w *textWriter) words(s string) {
	out := strings.Join(strings.Fields(s), " ")
	if out == "" {
		if s != "" && !strings.Contains(s, "\n") {
			w.say(" ")
		}
		return
	}
	if strings.TrimLeft(s, " \t\n") != s && !w.fresh && w.blank == 0 {
		out = " " + out
	}
	if strings.TrimRight(s, " \t\n") != s {
		out += " "
	}
	w.say(out)
}
