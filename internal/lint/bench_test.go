package lint_test

import (
	"fmt"
	"strings"
	"testing"

	"hongyan/internal/lint"
)

// invoice is a mail of about 7 KB as a layout makes it: inline styles on
// every cell, a head with a style sheet.
func invoice() lint.Mail {
	var html, text, source strings.Builder
	html.WriteString(`<!doctype html><html lang="zh-CN"><head><title>账单</title><style>body{margin:0}@media (max-width:600px){.w{width:100%!important}}@media (prefers-color-scheme:dark){.w{background:#111!important}}</style></head><body style="margin:0;background-color:#f4f4f4"><div style="display:none;max-height:0">九月账单</div><table role="presentation" class="w" width="600" align="center" style="width:600px;background-color:#ffffff;border-collapse:collapse">`)
	for i := range 20 {
		fmt.Fprintf(&html, `<tr><td style="padding:8px 12px;font-size:14px;line-height:1.6;color:#333333;border-bottom:1px solid #eeeeee">第 %d 项 服务费</td><td style="padding:8px 12px;font-size:14px;color:#333333" align="right">¥%d.00</td></tr>`, i, i*7)
		fmt.Fprintf(&text, "第 %d 项 服务费  ¥%d.00\n", i, i*7)
	}
	for i := range 8 {
		fmt.Fprintf(&html, `<p style="color:#333333;font-size:14px">如有疑问，请查看<a href="https://example.com/help/%d" style="color:#0b57d0">第 %d 篇说明</a> &amp; 联系我们。</p>`, i, i)
		fmt.Fprintf(&text, "如有疑问，请查看第 %d 篇说明 (https://example.com/help/%d) & 联系我们。\n", i, i)
		fmt.Fprintf(&source, "如有疑问，请查看[第 %d 篇说明](https://example.com/help/%d) & **联系**我们。\n", i, i)
	}
	html.WriteString(`</table></body></html>`)
	return lint.Mail{
		Subject: "张三，您的九月账单", Preheader: "请查看", HTML: []byte(html.String()), Text: []byte(text.String()),
		Size: 20 << 10, MaxSize: 50 << 20, Template: "t.md", TemplateSource: []byte(source.String()),
	}
}

func BenchmarkCheck(b *testing.B) {
	b.Run("one", func(b *testing.B) { benchmarkCheck(b, nil) })
	b.Run("of many", func(b *testing.B) { benchmarkCheck(b, &lint.Memory{}) })
}

func benchmarkCheck(b *testing.B, memory *lint.Memory) {
	m := invoice()
	m.Memory = memory
	b.SetBytes(int64(len(m.HTML)))
	b.ReportAllocs()
	for b.Loop() {
		lint.Check(m)
	}
}
