package render

import (
	"github.com/alecthomas/chroma/v2"
	chromahtml "github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/alecthomas/chroma/v2/styles"
	"github.com/yuin/goldmark"
	emoji "github.com/yuin/goldmark-emoji"
	highlighting "github.com/yuin/goldmark-highlighting/v2"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// newMarkdown is the Markdown of hongyan: GFM without the single tilde, with
// footnotes, definition lists, emoji, highlighted code, and what blocks.go and
// emphasis.go add. Raw HTML is allowed: the author is trusted, values are not
// in the source.
func newMarkdown(th theme, token string) goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(
			extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignStyle)),
			extension.Linkify,
			extension.TaskList,
			extension.Footnote,
			extension.DefinitionList,
			extension.NewCJK(extension.WithEastAsianLineBreaks(), extension.WithEscapedSpace()),
			emoji.New(emoji.WithRenderingMethod(emoji.Unicode)),
			highlighting.NewHighlighting(
				highlighting.WithCustomStyle(codeStyle()),
				highlighting.WithFormatOptions(chromahtml.PreventSurroundingPre(true)),
				highlighting.WithWrapperRenderer(wrapCode),
			),
		),
		goldmark.WithParserOptions(
			parser.WithAttribute(),
			parser.WithInlineParsers(util.Prioritized(&emphasis{token: token}, 450)),
			parser.WithBlockParsers(
				util.Prioritized(&columnsParser{}, 90),
				util.Prioritized(&breakParser{}, 80),
			),
			parser.WithASTTransformers(util.Prioritized(&blocks{theme: th}, 900)),
		),
		goldmark.WithRendererOptions(
			html.WithUnsafe(),
			renderer.WithNodeRenderers(
				util.Prioritized(boxRenderer{}, 100),
				util.Prioritized(extension.NewStrikethroughHTMLRenderer(), 500),
			),
		),
	)
}

// codeStyle is chroma's "github" without a colour for blanks.
func codeStyle() *chroma.Style {
	base := styles.Get("github")
	quiet, err := base.Builder().Add(chroma.TextWhitespace, "noinherit").Build()
	if err != nil {
		return base
	}
	return quiet
}

func wrapCode(w util.BufWriter, _ highlighting.CodeBlockContext, entering bool) {
	if entering {
		_, _ = w.WriteString(`<pre class="code"><code>`)
		return
	}
	_, _ = w.WriteString("</code></pre>\n")
}
