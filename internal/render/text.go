package render

import (
	"slices"
	"strings"

	emojiast "github.com/yuin/goldmark-emoji/ast"
	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/util"
	"golang.org/x/net/html"
)

// A textWriter writes the text part from the Markdown tree: never from the
// HTML, so that there is nothing to decode, and never the source, so that no
// markup is left.
type textWriter struct {
	page   *page
	src    []byte
	prog   program
	prefix string   // begins each line: quotes and indents
	first  string   // begins the next line instead, once: a list's mark
	fresh  bool     // at the beginning of a line
	blank  int      // line breaks still to write
	links  []string // the footnotes
	found  []stray
}

// A stray is a mark of emphasis that stayed text, and where it stands.
type stray struct {
	at   int // offset in the Markdown
	mark string
}

// program renders a document.
func (pg *page) program(doc ast.Node, src []byte) (program, *textWriter) {
	w := &textWriter{page: pg, src: src, fresh: true}
	w.children(doc)
	if len(w.links) > 0 {
		w.gap()
		for i, link := range w.links {
			w.say("[" + itoa(i+1) + "] ")
			w.address(link)
			w.line()
		}
	}
	w.footer()
	w.blank = 0
	w.prog.lit("\n")
	return w.prog, w
}

// footer says what the layout says below the letter.
func (w *textWriter) footer() {
	if w.page.footer == "" {
		return
	}
	w.gap()
	w.say("--")
	w.line()
	src := []byte(w.page.footer)
	inner := &textWriter{page: w.page, src: src, fresh: true}
	inner.inlineLinks(w.page.parse(src))
	w.flush()
	w.prog.ops = append(w.prog.ops, inner.prog.ops...)
}

func (w *textWriter) inlineLinks(doc ast.Node) {
	page := *w.page
	page.links = "inline"
	w.page = &page
	w.children(doc)
}

// gap makes sure that one empty line follows.
func (w *textWriter) gap() { w.blank = 2 }

// line ends the line.
func (w *textWriter) line() { w.blank = max(w.blank, 1) }

// flush writes what is due before more text: line breaks and the prefix.
func (w *textWriter) flush() {
	w.breaks()
	if !w.fresh {
		return
	}
	w.fresh = false
	prefix := w.prefix
	if w.first != "" {
		prefix, w.first = w.first, ""
	}
	if prefix != "" {
		w.prog.lit(prefix)
	}
}

// breaks writes the line breaks that are due, but none at the very beginning.
func (w *textWriter) breaks() {
	if len(w.prog.ops) == 0 {
		w.blank = 0
	}
	for ; w.blank > 0; w.blank-- {
		w.trim()
		w.prog.lit("\n")
		w.fresh = true
		if w.blank > 1 {
			w.prog.lit(strings.TrimRight(w.prefix, " "))
		}
	}
}

// trim cuts blanks off the end of the last literal.
func (w *textWriter) trim() {
	if n := len(w.prog.ops); n > 0 && w.prog.ops[n-1].hole < 0 {
		w.prog.ops[n-1].lit = strings.TrimRight(w.prog.ops[n-1].lit, " ")
	}
}

// say writes a text that may hold tokens and line breaks.
func (w *textWriter) say(s string) {
	for i, part := range strings.Split(s, "\n") {
		if i > 0 {
			w.line()
			if part == "" {
				w.flush()
				continue
			}
		}
		if part == "" {
			continue
		}
		w.flush()
		w.page.cut(part, w.prog.lit, func(n int) {
			w.prog.ops = append(w.prog.ops, op{hole: n, at: verbatim})
		})
	}
}

// address writes the target of a link as it must be typed.
func (w *textWriter) address(dest string) {
	w.flush()
	ops, bad := w.page.address(dest, false)
	if bad < 0 {
		w.prog.ops = append(w.prog.ops, ops...)
	}
}

func (w *textWriter) children(n ast.Node) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		w.node(c)
	}
}

// with writes a block whose lines begin with a prefix.
func (w *textWriter) with(prefix string, write func()) {
	was := w.prefix
	w.breaks()
	w.prefix += prefix
	write()
	w.prefix = was
}

func (w *textWriter) node(n ast.Node) {
	switch n := n.(type) {
	case *ast.Heading:
		w.heading(n)
	case *ast.Paragraph:
		w.children(n)
		w.gap()
	case *ast.TextBlock:
		w.children(n)
		w.line()
	case *ast.Blockquote:
		w.with("> ", func() { w.children(n) })
		w.gap()
	case *ast.List:
		w.list(n)
	case *ast.FencedCodeBlock, *ast.CodeBlock:
		w.with("    ", func() { w.say(strings.TrimRight(linesOf(n, w.src), "\n")) })
		w.gap()
	case *ast.ThematicBreak:
		w.say(strings.Repeat("-", 40))
		w.gap()
	case *ast.HTMLBlock:
		w.rawHTML(htmlBlock(n, w.src))
		w.gap()
	case *extast.Table:
		w.table(n)
	case *box:
		w.box(n)
	case *extast.DefinitionTerm:
		w.children(n)
		w.line()
	case *extast.DefinitionDescription:
		w.with("    ", func() { w.children(n) })
		w.gap()
	case *extast.FootnoteList:
		w.footnotes(n)
	default:
		w.inline(n)
	}
}

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

// decode resolves backslashes and entities as goldmark's HTML does.
func decode(value []byte) []byte {
	value = util.UnescapePunctuations(value)
	value = util.ResolveNumericReferences(value)
	return util.ResolveEntityNames(value)
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
			w.found = append(w.found, stray{at, mark})
		}
	}
}

func (w *textWriter) code(n *ast.CodeSpan) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			w.say(strings.ReplaceAll(string(t.Segment.Value(w.src)), "\n", " "))
		}
	}
}

func (w *textWriter) heading(n *ast.Heading) {
	w.breaks()
	start := len(w.prog.ops)
	w.prog.ops = append(w.prog.ops, op{hole: -1})
	w.children(n)
	if w.fresh {
		return
	}
	mark := byte('=')
	if n.Level > 1 {
		mark = '-'
	}
	w.trim()
	text := program{ops: append([]op(nil), w.prog.ops[start:]...)}
	w.prog.ops = append(w.prog.ops, op{hole: -1, draw: &underline{text: text, mark: mark, prefix: w.prefix}})
	w.gap()
}

func (w *textWriter) list(n *ast.List) {
	number := n.Start
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		mark := "- "
		if n.IsOrdered() {
			mark = itoa(number) + ". "
			number++
		}
		w.breaks()
		w.first = w.prefix + mark
		w.with(strings.Repeat(" ", len(mark)), func() { w.children(item) })
		w.first = ""
		if n.IsTight {
			w.blank = 1
		}
	}
	w.gap()
	if _, nested := n.Parent().(*ast.ListItem); nested && n.IsTight {
		w.blank = 1
	}
}

func linesOf(n ast.Node, src []byte) string {
	var b strings.Builder
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		b.Write(line.Value(src))
	}
	return b.String()
}

func htmlBlock(n *ast.HTMLBlock, src []byte) string {
	out := linesOf(n, src)
	if n.HasClosure() {
		out += string(n.ClosureLine.Value(src))
	}
	return out
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

func (w *textWriter) noteMark(n int) string {
	if w.page.theme.zh {
		return "〔注" + itoa(n) + "〕"
	}
	return " (note " + itoa(n) + ")"
}

func (w *textWriter) footnotes(n *extast.FootnoteList) {
	w.say(strings.Repeat("-", 20))
	w.gap()
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		w.say(strings.TrimSpace(w.noteMark(c.(*extast.Footnote).Index)) + " ")
		w.children(c)
		w.line()
	}
	w.gap()
}

func (w *textWriter) box(b *box) {
	switch b.role {
	case "callout":
		title := "[" + b.title + "]"
		if w.page.theme.zh {
			title = "【" + b.title + "】"
		}
		w.say(title)
		w.line()
		w.with("  ", func() { w.children(b) })
		w.gap()
	case "buttons":
		for c := b.FirstChild(); c != nil; c = c.NextSibling() {
			w.children(c)
			w.line()
		}
		w.gap()
	default:
		w.children(b)
	}
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
