package render_test

import (
	"bytes"
	"html/template"
	"os"
	"slices"
	"strings"
	"testing"
	texttemplate "text/template"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	goldmarkhtml "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"hongyan/internal/render"
)

// everywhere has a value in each place where one may stand.
const everywhere = `# Heading {{.v}} here

Text {{.v}}, **bold {{.v}}**, *em {{.v}}*, ~~del {{.v}}~~ and ` + "`code {{.v}}`" + `, {{.v}}{{.v}}.

{{.v}}

- item {{.v}}
- {{.v}}
  1. {{.v}}

> quote {{.v}}

> [!NOTE] title {{.v}}
> callout {{.v}}

| head {{.v}} | {{.v}} |
| :--- | ---: |
| cell {{.v}} | x |

[link {{.v}}](https://e.com/{{.v}}/a?q={{.v}}#{{.v}} "title {{.v}}") <https://{{.v}}.e.com/{{.v}}> [whole]({{.v}}) [mail](mailto:{{.v}})
https://e.com/?bare={{.v}} [ref]

[ref]: https://e.com/ref?x={{.v}}

![alt {{.v}}](https://e.com/{{.v}}.png) ![whole]({{.v}})

[button {{.v}}](https://e.com/b?{{.v}}={{.v}}){.button}

::: columns
left {{.v}}
::: next
right {{.v}}
:::

` + "```\nfence {{.v}}\n```\n\n```go\nx := \"{{.v}}\"\n```" + `

    indented {{.v}}

term {{.v}}
: definition {{.v}}[^1]

[^1]: note {{.v}}

<div title="raw {{.v}}" data-x='{{.v}}'>raw {{.v}} <a href="{{.v}}">x</a> <a href='https://e.com/?{{.v}}'>y</a></div>

inline <b title="{{.v}}">raw {{.v}}</b> end {{.v}}
`

// tree is what a document is made of: elements, the names of their attributes,
// and how deep they stand. Line breaks that a value brings are not counted.
func tree(t testing.TB, doc []byte) string {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	var walk func(n *html.Node, depth int)
	walk = func(n *html.Node, depth int) {
		if n.Type == html.ElementNode && n.Data != "br" {
			b.WriteString(strings.Repeat(" ", depth) + n.Data)
			for _, a := range n.Attr {
				b.WriteString(" " + a.Key)
			}
			b.WriteByte('\n')
		}
		if n.Type == html.CommentNode {
			b.WriteString(strings.Repeat(" ", depth) + "<!--" + n.Data + "-->\n")
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, depth+1)
		}
	}
	walk(root, 0)
	return b.String()
}

// addresses returns every address of a document.
func addresses(t testing.TB, doc []byte) []string {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for n := range root.Descendants() {
		for _, a := range n.Attr {
			if a.Key == "href" || a.Key == "src" {
				out = append(out, a.Val)
			}
		}
	}
	return out
}

func corpus(t testing.TB) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/hostile.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	unescape := strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\0`, "\x00", `\t`, "\t", `\u2028`, "\u2028", `\u202e`, "\u202e")
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && !strings.HasPrefix(line, "## ") {
			out = append(out, unescape.Replace(line))
		}
	}
	return out
}

// harmlessBesides checks one value in every place against a harmless one.
func harmlessBesides(t interface {
	testing.TB
}, tpl *render.Template, want string, value string,
) {
	t.Helper()
	if strings.TrimSpace(value) == "" {
		return
	}
	c, err := tpl.Render(map[string]string{"v": value})
	if err != nil {
		t.Fatalf("%q: %v", value, err)
	}
	if got := tree(t, c.HTML); got != want {
		t.Fatalf("%q changes the elements:\n%s", value, diff(want, got))
	}
	for _, a := range addresses(t, c.HTML) {
		scheme, _, found := strings.Cut(a, ":")
		scheme = strings.ToLower(strings.TrimSpace(scheme))
		if found && !strings.ContainsAny(scheme, "/?#") && !slices.Contains([]string{"http", "https", "mailto", "tel", "cid"}, scheme) {
			t.Fatalf("%q made the address %q", value, a)
		}
	}
	if plain := asText(value); !strings.Contains(string(c.Text), plain) {
		t.Fatalf("the text part lacks %q:\n%s", plain, c.Text)
	}
	if strings.ContainsAny(c.Subject, "\r\n\x00") {
		t.Fatalf("the subject became %q", c.Subject)
	}
}

// asText is a value as mails carry it: LF lines, no controls.
func asText(v string) string {
	v = strings.ToValidUTF8(v, "\uFFFD")
	v = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(v)
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, v)
}

func diff(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return "line " + a[i] + " became " + b[i]
		}
	}
	return "longer or shorter"
}

func everywhereTemplate(t testing.TB, layout string) (*render.Template, string) {
	s := letter(t, everywhere)
	s.Subject, s.Layout = "subject {{.v}}", layout
	tpl := mustParse(t, s)
	return tpl, tree(t, mustRender(t, tpl, map[string]string{"v": "harmless"}).HTML)
}

func TestHostileValuesAreText(t *testing.T) {
	t.Parallel()
	for _, layout := range []string{"none", "default"} {
		tpl, want := everywhereTemplate(t, layout)
		for _, value := range corpus(t) {
			harmlessBesides(t, tpl, want, value)
		}
	}
}

func TestAnyValueIsText(t *testing.T) {
	t.Parallel()
	tpl, want := everywhereTemplate(t, "none")
	tricks := corpus(t)
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.OneOf(
			rapid.String(),
			rapid.Map(rapid.SliceOfN(rapid.SampledFrom(tricks), 1, 3), func(s []string) string { return strings.Join(s, "") }),
			rapid.StringOfN(rapid.RuneFrom([]rune("<>&\"'`*_~[](){}|#-=!:/?\\\n\t \u00a0中zq0")), 1, 40, -1),
		).Draw(rt, "value")
		harmlessBesides(t, tpl, want, value)
	})
}

func FuzzValues(f *testing.F) {
	tpl, want := everywhereTemplate(f, "none")
	for _, value := range corpus(f) {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) { harmlessBesides(t, tpl, want, value) })
}

func FuzzTemplates(f *testing.F) {
	f.Add(everywhere)
	f.Add("---\nsubject: x\ntheme: {brand: '#fff'}\n---\n{{range split \";\" .v}}| {{.}} |{{end}}")
	f.Add("::: columns\n> [!NOTE]\n::: next\n- [ ] {{.v}}\n:::\n[a](b){.button}")
	for _, file := range []string{"testdata/mails/showcase.md", "testdata/faults/places.md", "testdata/faults/names.md", "../../templates/welcome.md"} {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(src))
	}
	f.Fuzz(func(t *testing.T, markdown string) {
		tpl, err := render.Parse(letter(t, markdown))
		if err != nil {
			return
		}
		for _, value := range []string{"", "x", "<b>\n*"} {
			c, err := tpl.Render(map[string]string{"v": value, "name": value})
			if err == nil && bytes.ContainsAny(c.Text, "\r\x00") {
				t.Errorf("controls in %q", c.Text)
			}
		}
	})
}

// same compares documents as a browser reads them.
func same(t *testing.T, what, got, want string) {
	t.Helper()
	norm := func(s string) string {
		n, err := html.Parse(strings.NewReader(s))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := html.Render(&b, n); err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Fields(b.String()), " ")
	}
	if g, w := norm(got), norm(want); g != w {
		t.Errorf("%s\ngot  %s\nwant %s", what, g, w)
	}
}

// TestHarmlessValuesGoTheSimpleWay compares with text/template and goldmark
// run for the recipient alone.
func TestHarmlessValuesGoTheSimpleWay(t *testing.T) {
	t.Parallel()
	md := goldmark.New(goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignStyle)), extension.Linkify, extension.CJK),
		goldmark.WithRendererOptions(goldmarkhtml.WithUnsafe()))
	for _, markdown := range []string{
		"# {{.a}}\n\n{{.a}} **{{.b}}** *{{.a}}* `{{.b}}`\n",
		"{{if .b}}yes {{.b}}{{else}}no{{end}}\n\n{{range $i, $x := .l}}- {{$i}} {{$x}}\n{{end}}\n",
		"[{{.a}}](https://e.com/{{.b}}?q={{.b}}) ![{{.a}}](https://e.com/{{.b}}.png)\n",
		"{{with .a}}> {{.}}{{end}}\n\n1. {{.a}}\n2. {{.b}}\n\n```\n{{.a}}\n```\n",
		"{{define \"x\"}}({{.}}){{end}}{{template \"x\" .a}} {{printf \"%s-%s\" .a .b}} {{.a | len}}\n",
		"{{$x := .a}}{{$x}}{{/* nothing */}} {{- .b -}} {{eq .a .b}} <b title=\"{{.a}}\">{{.b}}</b>\n",
		"[ref][1] {{.a}}  \nhard {{.b}} \\* &amp;\n\n[1]: https://e.com/{{.b}}\n",
	} {
		markdown = strings.ReplaceAll(markdown, ".l}}", `split "," "p,q"}}`)
		fields := map[string]string{"a": "Ada Li", "b": "b7"}
		got := body(mustRender(t, mustParse(t, letter(t, markdown)), fields))
		split := func(sep, s string) []string { return strings.Split(s, sep) }
		var src, want bytes.Buffer
		naive := texttemplate.Must(texttemplate.New("").Funcs(texttemplate.FuncMap{"split": split}).Parse(markdown))
		if err := naive.Execute(&src, fields); err != nil {
			t.Fatal(err)
		}
		if err := md.Convert(src.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		plain := strings.NewReplacer(` align="left"`, "", ` align="right"`, "", ` class="code"`, "").Replace(got)
		same(t, markdown, plain, want.String())
	}
}

// TestEscapingEqualsHTMLTemplate takes html/template as the oracle for text,
// attributes and queries.
func TestEscapingEqualsHTMLTemplate(t *testing.T) {
	t.Parallel()
	const page = `<p title="{{.v}}">{{.v}}</p><a href="https://e.com/?q={{.v}}">x</a>`
	oracle := template.Must(template.New("").Parse(page))
	tpl := mustParse(t, letter(t, page))
	for _, value := range corpus(t) {
		if value = asText(value); strings.Contains(value, "\n") || strings.TrimSpace(value) == "" {
			continue
		}
		var want bytes.Buffer
		if err := oracle.Execute(&want, map[string]string{"v": value}); err != nil {
			t.Fatal(err)
		}
		got := body(mustRender(t, tpl, map[string]string{"v": value}))
		same(t, value, strings.ToLower(got), strings.ToLower(want.String())) // %3C is %3c
	}
}

func TestAddressesKeepWhatTheyMean(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ markdown, value, want string }{
		{"[x]({{.v}})", "https://e.com/a b?c=d&e=%20f#g", "https://e.com/a%20b?c=d&e=%20f#g"},
		{"[x]({{.v}})", " https://e.com ", "https://e.com"},
		{"[x]({{.v}})", "javascript:alert(1)", "#blocked"},
		{"[x]({{.v}})", "\tJaVaScRiPt:alert(1)", "#blocked"},
		{"[x]({{.v}})", "java\nscript:alert(1)", "#blocked"},
		{"[x]({{.v}})", "data:text/html,x", "#blocked"},
		{"[x]({{.v}})", "mailto:a@e.com", "mailto:a@e.com"},
		{"[x]({{.v}})", "tel:+86-10", "tel:+86-10"},
		{"[x]({{.v}}:{{.w}})", "javascript", "#blocked"},
		{"[x](java{{.w}}{{.v}})", ":alert(1)", "#blocked"},
		{"[x]({{.v}}/path)", "https://e.com", "https://e.com/path"},
		{"[x](https://e.com/{{.v}}/z)", "a/b?c#d", "https://e.com/a/b%3Fc%23d/z"},
		{"[x](https://{{.v}}.e.com/)", "evil.org/", "https://evil.org%2F.e.com/"},
		{"[x](https://{{.v}}@e.com/)", "a@evil.org", "https://a%40evil.org@e.com/"},
		{"[x](/a?{{.v}})", "b=c&d", "/a?b%3Dc%26d"},
		{"[x](https://e.com/?q={{.v}})", "a&b=c d+é中", "https://e.com/?q=a%26b%3Dc%20d%2B%C3%A9%E4%B8%AD"},
		{"[x](mailto:{{.v}})", "a@e.com?bcc=b@e.com", "mailto:a@e.com%3Fbcc=b@e.com"},
		{`<a href="https://e.com/?a=1&amp;q={{.v}}">x</a>`, "'\"", "https://e.com/?a=1&q=%27%22"},
	} {
		got := mustRender(t, mustParse(t, letter(t, c.markdown)), map[string]string{"v": c.value, "w": "script"})
		if a := addresses(t, got.HTML); len(a) != 1 || a[0] != c.want {
			t.Errorf("%s with %q: got %q, want %q", c.markdown, c.value, a, c.want)
		}
	}
}

func TestMarkdownOfATrustedValueIsMarkdown(t *testing.T) {
	t.Parallel()
	tpl := mustParse(t, letter(t, "{{markdown .bio}} and {{.bio}}"))
	c := mustRender(t, tpl, map[string]string{"bio": "**B** <i>x</i>"})
	if got := body(c); got != "<p><strong>B</strong> <i>x</i> and **B** &lt;i&gt;x&lt;/i&gt;</p>\n" {
		t.Errorf("got %s", got)
	}
	if _, err := tpl.Render(map[string]string{"bio": "![](/etc/passwd)"}); err == nil {
		t.Error("a trusted value made the mail carry a file")
	}
}

func TestAValueThatLooksLikeAMarkIsText(t *testing.T) {
	t.Parallel()
	tpl := mustParse(t, letter(t, "a{{.v}}b{{.w}}c"))
	for _, v := range []string{"\x00\x00\x00", "\x00\x00\x01", "\x01\x02\x03", "{{.w}}"} {
		c := mustRender(t, tpl, map[string]string{"v": v + "!", "w": "w"})
		if got := string(c.Text); got != "a"+asText(v)+"!bwc\n" {
			t.Errorf("%q: got %q", v, got)
		}
	}
}
