package render_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"text/template"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"hongyan/internal/render"
)

// benchFields are the eight fields of testdata/mails/bench.md.
var benchFields = map[string]string{
	"name": "张三", "city": "北京", "order": "A-2026-1123", "total": "1,234.50",
	"item": "毛笔一套", "count": "3", "day": "2026年11月23日", "code": "QX7Y-22",
}

func BenchmarkRender(b *testing.B) {
	tpl, err := render.Parse(render.Source{Template: "testdata/mails/bench.md"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tpl.Render(benchFields); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRenderNaive is what a mailer does without shapes: text/template and
// goldmark for each recipient; not even styles or a text part.
func BenchmarkRenderNaive(b *testing.B) {
	src, err := os.ReadFile("testdata/mails/bench.md")
	if err != nil {
		b.Fatal(err)
	}
	_, body, _ := strings.Cut(string(src)[4:], "---\n")
	subject := template.Must(template.New("").Parse("{{.name}}，订单 {{.order}} 已确认"))
	letter := template.Must(template.New("").Parse(body))
	md := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.CJK))
	b.ReportAllocs()
	for b.Loop() {
		var s, m, h bytes.Buffer
		if err := subject.Execute(&s, benchFields); err != nil {
			b.Fatal(err)
		}
		if err := letter.Execute(&m, benchFields); err != nil {
			b.Fatal(err)
		}
		if err := md.Convert(m.Bytes(), &h); err != nil {
			b.Fatal(err)
		}
	}
}
