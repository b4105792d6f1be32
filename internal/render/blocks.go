package render

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// A box is a block of ours: markup before and after its children.
type box struct {
	ast.BaseBlock
	role        string // "buttons", "cell", "columns", "column", "next" or "callout"
	title       string // of a callout
	open, close string // HTML
}

var kindBox = ast.NewNodeKind("Box")

// Kind implements ast.Node.
func (b *box) Kind() ast.NodeKind { return kindBox }

// Dump implements ast.Node.
func (b *box) Dump(source []byte, level int) {
	ast.DumpHelper(b, source, level, map[string]string{"role": b.role, "title": b.title}, nil)
}

type boxRenderer struct{}

// RegisterFuncs implements renderer.NodeRenderer.
func (boxRenderer) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(kindBox, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		b := n.(*box)
		if entering {
			_, _ = w.WriteString(b.open)
		} else {
			_, _ = w.WriteString(b.close)
		}
		return ast.WalkContinue, nil
	})
	// Clients drop form elements, so that a task's box is a character.
	reg.Register(extast.KindTaskCheckBox, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			_, _ = w.WriteString(tick(n))
		}
		return ast.WalkContinue, nil
	})
}

func tick(n ast.Node) string {
	if n.(*extast.TaskCheckBox).IsChecked {
		return "☑ "
	}
	return "☐ "
}

// columnsParser reads
//
//	::: columns
//	left
//	::: next
//	right
//	:::
type columnsParser struct{}

func (*columnsParser) Trigger() []byte { return []byte{':'} }

func (*columnsParser) Open(_ ast.Node, reader text.Reader, _ parser.Context) (ast.Node, parser.State) {
	if fence(reader) != "columns" {
		return nil, parser.NoChildren
	}
	skipLine(reader)
	return &box{role: "columns"}, parser.HasChildren
}

func (*columnsParser) Continue(_ ast.Node, reader text.Reader, _ parser.Context) parser.State {
	if fence(reader) == "end" {
		skipLine(reader)
		return parser.Close
	}
	return parser.Continue | parser.HasChildren
}

func (*columnsParser) Close(ast.Node, text.Reader, parser.Context) {}
func (*columnsParser) CanInterruptParagraph() bool                 { return true }
func (*columnsParser) CanAcceptIndentedLine() bool                 { return false }

// breakParser reads the line between two columns.
type breakParser struct{}

func (*breakParser) Trigger() []byte { return []byte{':'} }

func (*breakParser) Open(parent ast.Node, reader text.Reader, _ parser.Context) (ast.Node, parser.State) {
	if b, ok := parent.(*box); !ok || b.role != "columns" || fence(reader) != "next" {
		return nil, parser.NoChildren
	}
	skipLine(reader)
	return &box{role: "next"}, parser.NoChildren
}

func (*breakParser) Continue(ast.Node, text.Reader, parser.Context) parser.State {
	return parser.Close
}
func (*breakParser) Close(ast.Node, text.Reader, parser.Context) {}
func (*breakParser) CanInterruptParagraph() bool                 { return true }
func (*breakParser) CanAcceptIndentedLine() bool                 { return false }

// fence returns the word after ":::", "end" for none, and "" for other lines.
func fence(reader text.Reader) string {
	line, _ := reader.PeekLine()
	word, ok := strings.CutPrefix(strings.TrimSpace(string(line)), ":::")
	if !ok {
		return ""
	}
	if word = strings.TrimSpace(word); word == "" {
		return "end"
	}
	return word
}

func skipLine(reader text.Reader) {
	line, segment := reader.PeekLine()
	newline := 0
	if bytes.HasSuffix(line, []byte{'\n'}) {
		newline = 1
	}
	reader.Advance(segment.Stop - segment.Start - newline + segment.Padding)
}

// blocks makes callouts, columns, buttons and attributes of a parsed document.
type blocks struct{ theme theme }

// Transform implements parser.ASTTransformer.
func (t *blocks) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	src := reader.Source()
	var nodes []ast.Node
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			nodes = append(nodes, n)
		}
		return ast.WalkContinue, nil
	})
	for _, n := range nodes {
		switch n := n.(type) {
		case *ast.Link, *ast.Image:
			attributes(n, src)
		case *extast.Table:
			n.SetAttributeString("class", []byte("grid"))
		case *extast.TaskCheckBox:
			if item, ok := n.Parent().Parent().(*ast.ListItem); ok {
				item.SetAttributeString("class", []byte("task"))
			}
		}
	}
	for _, n := range nodes {
		switch n := n.(type) {
		case *ast.Paragraph:
			t.buttons(n, src)
		case *ast.Blockquote:
			t.callout(n, src)
		case *box:
			if n.role == "columns" {
				t.columns(n)
			}
		}
	}
}

// attributes gives a link or an image the {…} that follows it.
func attributes(n ast.Node, src []byte) {
	next, ok := n.NextSibling().(*ast.Text)
	if !ok || !bytes.HasPrefix(next.Segment.Value(src), []byte{'{'}) {
		return
	}
	line, _, _ := bytes.Cut(src[next.Segment.Start:], []byte{'\n'})
	r := text.NewReader(line)
	attrs, ok := parser.ParseAttributes(r)
	if !ok {
		return
	}
	for _, a := range attrs {
		n.SetAttribute(a.Name, attributeText(a.Value))
	}
	_, rest := r.Position()
	cutText(next, next.Segment.Start+rest.Start)
}

// cutText removes the text up to an offset of the source, whatever pieces it
// came in; a line break stays.
func cutText(t *ast.Text, end int) {
	for t != nil && t.Segment.Start < end {
		next, _ := t.NextSibling().(*ast.Text)
		t.Segment = t.Segment.WithStart(min(end, t.Segment.Stop))
		if t.Segment.Len() == 0 && !t.SoftLineBreak() && !t.HardLineBreak() {
			t.Parent().RemoveChild(t.Parent(), t)
		}
		t = next
	}
}

func attributeText(v any) []byte {
	if b, ok := v.([]byte); ok {
		return b
	}
	return fmt.Appendf(nil, "%v", v)
}

func isButton(n ast.Node) bool {
	if _, ok := n.(*ast.Link); !ok {
		return false
	}
	class, _ := n.AttributeString("class")
	b, _ := class.([]byte)
	return bytes.Contains(append(append([]byte{' '}, b...), ' '), []byte(" button "))
}

// buttons turns a paragraph of nothing but buttons into a table of padded
// cells, the only form that Outlook draws.
func (t *blocks) buttons(p *ast.Paragraph, src []byte) {
	var links []ast.Node
	for c := p.FirstChild(); c != nil; c = c.NextSibling() {
		if isButton(c) {
			links = append(links, c)
		} else if blank, ok := c.(*ast.Text); !ok || len(bytes.TrimSpace(blank.Segment.Value(src))) > 0 {
			return
		}
	}
	if len(links) == 0 {
		return
	}
	out := &box{
		role:  "buttons",
		open:  `<table role="presentation" class="buttons" cellspacing="0" cellpadding="0" border="0"><tr>` + "\n",
		close: "</tr></table>\n",
	}
	for i, link := range links {
		cell := &box{role: "cell", close: "</td>\n"}
		cell.open = `<td class="button-cell` + ghostClass(link) + `">`
		if i > 0 {
			cell.open = `<td class="button-gap" width="12">&nbsp;</td>` + "\n" + cell.open
		}
		cell.AppendChild(cell, link)
		out.AppendChild(out, cell)
	}
	p.Parent().ReplaceChild(p.Parent(), p, out)
}

// ghostClass hands the further classes of a button on to its cell.
func ghostClass(link ast.Node) string {
	class, _ := link.AttributeString("class")
	b, _ := class.([]byte)
	var out strings.Builder
	for word := range strings.FieldsSeq(string(b)) {
		if word != "button" {
			out.WriteString(" " + escapeMarkup(word) + "-cell")
		}
	}
	return out.String()
}

var calloutHead = regexp.MustCompile(`^\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\][ \t]*(.*?)\s*$`)

var calloutTitles = map[string][2]string{
	"NOTE": {"Note", "提示"}, "TIP": {"Tip", "建议"}, "IMPORTANT": {"Important", "重要"},
	"WARNING": {"Warning", "注意"}, "CAUTION": {"Caution", "警告"},
}

// callout turns a quote that begins with [!NOTE] into a box with a title.
func (t *blocks) callout(q *ast.Blockquote, src []byte) {
	p, ok := q.FirstChild().(*ast.Paragraph)
	if !ok || p.Lines().Len() == 0 {
		return
	}
	first := p.Lines().At(0)
	m := calloutHead.FindSubmatch(first.Value(src))
	if m == nil {
		return
	}
	title := calloutTitles[string(m[1])][0]
	if t.theme.zh {
		title = calloutTitles[string(m[1])][1]
	}
	if len(m[2]) > 0 {
		title = string(m[2])
	}
	dropLine(p)
	if p.ChildCount() == 0 {
		q.RemoveChild(q, p)
	}
	class := strings.ToLower(string(m[1]))
	out := &box{role: "callout", title: title, close: "</td></tr></table>\n"}
	out.open = `<table role="presentation" class="callout ` + class +
		`" width="100%" cellspacing="0" cellpadding="0" border="0"><tr><td class="callout-cell ` + class + `-cell">` + "\n" +
		`<p class="callout-title ` + class + `-title">` + escapeMarkup(title) + "</p>\n"
	adopt(out, q)
	q.Parent().ReplaceChild(q.Parent(), q, out)
}

// dropLine removes what a paragraph's first line became.
func dropLine(p ast.Node) {
	for c := p.FirstChild(); c != nil; c = p.FirstChild() {
		p.RemoveChild(p, c)
		if t, ok := c.(*ast.Text); ok && (t.SoftLineBreak() || t.HardLineBreak()) {
			return
		}
	}
}

func adopt(to, from ast.Node) {
	for c := from.FirstChild(); c != nil; c = from.FirstChild() {
		to.AppendChild(to, c)
	}
}

// columns splits the children at the breaks. Inline blocks with a largest
// width fall below each other by themselves; Outlook gets a table.
func (t *blocks) columns(b *box) {
	column := &box{role: "column"}
	all := []*box{column}
	for c := b.FirstChild(); c != nil; c = b.FirstChild() {
		if next, ok := c.(*box); ok && next.role == "next" {
			b.RemoveChild(b, c)
			column = &box{role: "column"}
			all = append(all, column)
			continue
		}
		column.AppendChild(column, c)
	}
	width := t.theme.width / len(all)
	for _, column := range all {
		column.open = fmt.Sprintf(`<!--[if mso]><td width="%d" valign="top"><![endif]-->`+
			`<div class="column" style="max-width:%dpx"><div class="column-inner">`+"\n", width, width)
		column.close = "</div></div><!--[if mso]></td><![endif]-->\n"
		b.AppendChild(b, column)
	}
	b.open = `<div class="columns"><!--[if mso]><table role="presentation" width="100%" cellspacing="0" cellpadding="0" border="0"><tr><![endif]-->` + "\n"
	b.close = "<!--[if mso]></tr></table><![endif]--></div>\n"
}
