package render

import (
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
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

// A stray is a mark of emphasis, or a link, that stayed text, and where it stands.
type stray struct {
	at   int // offset in the Markdown
	mark string
	link bool
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
	src := []byte(strings.TrimSpace(w.page.footer + "\n\n" + w.page.leave))
	if len(src) == 0 {
		return
	}
	w.gap()
	w.say("--")
	w.line()
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
