package render_test

import (
	"strings"
	"testing"

	"hongyan/internal/render"
)

func TestEmphasisWorksWithoutBlanksBetweenWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ markdown, want string }{
		{"**提示：**请看", "<strong>提示：</strong>请看"},
		{"**“优惠”**活动", "<strong>“优惠”</strong>活动"},
		{"请看**“优惠”**活动", "请看<strong>“优惠”</strong>活动"},
		{"*（注）*见下", "<em>（注）</em>见下"},
		{"~~原价：~~现价", "<del>原价：</del>现价"},
		{"**该公司（ACME）**成立", "<strong>该公司（ACME）</strong>成立"},
		{"价格**100元**。", "价格<strong>100元</strong>。"},
		{"**“{{.v}}”**{{.v}}", "<strong>“v”</strong>v"},
		{"**{{.v}}！**您好", "<strong>v！</strong>您好"},
		{"snake_case_name", "snake_case_name"},
		{"a * b * c", "a * b * c"},
		{"**bold** and *em*", "<strong>bold</strong> and <em>em</em>"},
		{"***both***", "<em><strong>both</strong></em>"},
		{"3~5天，8~9天", "3~5天，8~9天"},
		{"第一行\n第二行 and\nthird", "第一行第二行 and\nthird"},
		{"中\\ 文", "中文"},
	} {
		got := body(mustRender(t, mustParse(t, letter(t, c.markdown)), map[string]string{"v": "v"}))
		if got != "<p>"+c.want+"</p>\n" {
			t.Errorf("%s\ngot  %swant %s", c.markdown, got, c.want)
		}
	}
}

func TestMarkdownKnowsWhatMailsNeed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ markdown, want string }{
		{"# Title", "<h1>Title</h1>"},
		{"# Title {#here .big}", `<h1 id="here" class="big">Title</h1>`},
		{":tada:", "🎉"},
		{"- [x] done\n- [ ] open", `<li class="task">☑ done</li>`},
		{"> [!TIP]\n> text", `<p class="callout-title tip-title">建议</p>`},
		{"> [!CAUTION] **Mine**\n>\n> text", `caution-title">**Mine**</p>` + "\n<p>text</p>"},
		{"> [!OTHER]\n> text", "<blockquote>\n<p>[!OTHER]\ntext</p>"},
		{"[a](https://e.com){.button}", `<td class="button-cell"><a href="https://e.com" class="button">a</a></td>`},
		{"go [a](https://e.com){.button} now", `<p>go <a href="https://e.com" class="button">a</a> now</p>`},
		{"![a](https://e.com/a.png){width=80 .round}", `<img src="https://e.com/a.png" alt="a" width="80" class="round">`},
		{"[a](https://e.com){no attributes", `<a href="https://e.com">a</a>{no attributes`},
		{"::: columns\na\n\n::: next\nb\n:::\nafter", "<p>b</p>\n</div></div>"},
		{"::: columns\na\n:::\nafter", "<p>after</p>"},
		{"::: next\nx", "<p>::: next"},
		{"```go\nvar x = 1\n```", `<span style="color:#cf222e">var</span>`},
		{"```\nplain <b>\n```", "<pre class=\"code\"><code>plain &lt;b&gt;\n</code></pre>"},
		{"term\n: words", "<dt>term</dt>\n<dd>words</dd>"},
		{"note[^a]\n\n[^a]: text", `role="doc-noteref">1</a>`},
		{"see https://e.com/a，请点", `<a href="https://e.com/a">https://e.com/a</a>，请点`},
		{"{{range split \";\" .v}}\n| {{.}} | x |\n{{end}}", "<p>| 1 | x |"},
		{"| h | i |\n| - | - |\n{{range split \";\" .v}}\n| {{.}} | x |\n{{end}}\n| end | y |", "<td>1</td>\n<td>x</td>\n</tr>\n<tr>\n<td>2</td>\n<td>x</td>\n</tr>\n<tr>\n<td>end</td>"},
		{"- a\n{{if .v}}\n- b\n{{end}}\n- c", "<ul>\n<li>a</li>\n<li>b</li>\n<li>c</li>\n</ul>"},
	} {
		got := body(mustRender(t, mustParse(t, letter(t, c.markdown)), map[string]string{"v": "1;2"}))
		if !strings.Contains(got, c.want) {
			t.Errorf("%s\ngot  %s\nwant %s", c.markdown, got, c.want)
		}
	}
}

func TestTextReadsLikeALetter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, markdown, want string }{
		{"heading", "# 你好 {{.v}}\n\n## Sub\ntext", "你好 v\n======\n\nSub\n---\n\ntext\n"},
		{"links", "[a](https://e.com/a) and [b](https://e.com/b?{{.v}})", "a [1] and b [2]\n\n[1] https://e.com/a\n[2] https://e.com/b?v\n"},
		{"the address once", "<https://e.com/x> https://e.com/y [https://e.com/z](https://e.com/z)", "https://e.com/x https://e.com/y https://e.com/z\n"},
		{"mail", "[a@e.com](mailto:a@e.com) <b@e.com>", "a@e.com b@e.com\n"},
		{"button", "[Go {{.v}}](https://e.com/{{.v}}){.button}", "Go v: https://e.com/v\n"},
		{"no markup", "**b** *i* ~~d~~ `c` ![alt](https://e.com/x.png) &amp; \\* &copy;", "b i d c alt & * ©\n"},
		{"breaks", "a  \nb\\\nc\nd", "a\nb\nc d\n"},
		{"list", "- a\n  - b\n    c\n- d\n\n3. e\n4. f\n", "- a\n  - b c\n- d\n\n3. e\n4. f\n"},
		{"loose list", "- a\n\n  b\n- c", "- a\n\n  b\n\n- c\n"},
		{"quote", "> a\n>\n> b\n> > c", "> a\n>\n> b\n>\n> > c\n"},
		{"code", "```go\nif x {\n\n\ty()\n}\n```\n\n    z", "    if x {\n\n    \ty()\n    }\n\n    z\n"},
		{"rule", "a\n\n---\n\nb", "a\n\n" + strings.Repeat("-", 40) + "\n\nb\n"},
		{"table", "| 名 | n |\n| --- | ---: |\n| 汉字 | 1 |\n| {{.v}} | 22 |", "名     n\n----  --\n汉字   1\nv     22\n"},
		{"wide table", "| 名 | n |\n| - | - |\n| " + strings.Repeat("长", 40) + " | {{.v}} |\n| b | 2 |", "名: " + strings.Repeat("长", 40) + "\nn: v\n\n名: b\nn: 2\n"},
		{"callout", "> [!NOTE] 须知\n> a\n>\n> b", "【须知】\n  a\n\n  b\n"},
		{"columns", "::: columns\na\n::: next\nb\n:::", "a\n\nb\n"},
		{"raw HTML", "<div>a<br>b &amp; <img alt=\"pic\" src=x:> <b>c</b></div>\n\n<script>no()</script>\n\nx<br>y <span title=\"t\">z</span>", "a\nb & pic c\n\nx\ny z\n"},
		{"empty value", "a {{or .none \"\"}}\n\nb", "a\n\nb\n"},
		{"nothing", "", "\n"},
	} {
		got := string(mustRender(t, mustParse(t, letter(t, c.markdown)), map[string]string{"v": "v"}).Text)
		if got != c.want {
			t.Errorf("%s\ngot  %q\nwant %q", c.name, got, c.want)
		}
		for line := range strings.Lines(got) {
			if strings.TrimRight(line, " \n") != strings.TrimSuffix(line, "\n") {
				t.Errorf("%s: trailing blanks in %q", c.name, line)
			}
		}
	}
}

func TestLinksMayStandInTheLine(t *testing.T) {
	t.Parallel()
	s := letter(t, "[a](https://e.com/a) and [b](https://e.com/b)")
	s.Links = "inline"
	if got := string(mustRender(t, mustParse(t, s), nil).Text); got != "a (https://e.com/a) and b (https://e.com/b)\n" {
		t.Errorf("got %q", got)
	}
}

func TestAValueKeepsItsLinesInTheText(t *testing.T) {
	t.Parallel()
	c := mustRender(t, mustParse(t, letter(t, "- {{.v}}\n\n| a |\n| - |\n| {{.v}} |")), map[string]string{"v": "one\r\n**two**\n\n三"})
	if got := string(c.Text); got != "- one\n**two**\n\n三\n\na: one\n**two**\n\n三\n" {
		t.Errorf("got %q", got)
	}
}

func TestStylesStandInTheElements(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"layouts/mine.html": `<html><head><style data-inline>
/* comment */ p, td { color: red; margin: 0 }
.body p { color: blue; font-family: "A B", serif }
p.x { margin: 1px; }
td { width: 50px; background-color: #fff; text-align: right }
.other p { color: green }
</style><style>@media print { p { color: black !important } }</style></head>
<body><p>out</p><div class="body">{{.Body}}</div><p class="x" style="color:pink">last</p></body></html>`,
		"mail.md": "in\n\n<p class=x>{{.v}}</p>\n\n<table><tr><td>c</td></tr></table>\n",
	})
	tpl := mustParse(t, render.Source{Template: dir + "/mail.md", Root: dir, Layout: "mine", Subject: "s"})
	got := string(mustRender(t, tpl, map[string]string{"v": "v"}).HTML)
	for _, want := range []string{
		`<p style="color:red;margin:0">out</p>`,
		`<p style="margin:0;color:blue;font-family:'A B', serif">in</p>`,
		`<p class="x" style="color:blue;font-family:'A B', serif;margin:1px">v</p>`,
		`<p class="x" style="margin:1px;color:pink">last</p>`,
		`<td style="color:red;margin:0;width:50px;background-color:#fff;text-align:right" width="50" bgcolor="#fff" align="right">c</td>`,
		`<style>@media print { p { color: black !important } }</style>`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if strings.Contains(got, "data-inline") {
		t.Error("the rules to inline are still there")
	}
}

func TestLayoutsThatShipAreAccessibleAndSmall(t *testing.T) {
	t.Parallel()
	for _, layout := range []string{"default", "plain", "newsletter", "notice"} {
		s := letter(t, "---\npreheader: 'before {{.v}}'\ntheme: {brand: '#c2410c', name: Name, footer: '[out](https://e.com)'}\n---\n# Hi {{.v}}\n\n[go](https://e.com){.button}\n")
		s.Layout, s.Lang = layout, "en"
		c := mustRender(t, mustParse(t, s), map[string]string{"v": "<v>"})
		html := string(c.HTML)
		for _, want := range []string{
			`<html lang="en" dir="ltr"`, `lang="en" dir="ltr">`, "<title>s</title>", `role="article"`, `name="color-scheme"`,
			"prefers-color-scheme: dark", "<!--[if mso]>", `width="600"`, ">before &lt;v&gt;&#8199;", "PingFang SC", `<a href="https://e.com" style="`,
		} {
			if !strings.Contains(html, want) {
				t.Errorf("%s lacks %s", layout, want)
			}
		}
		if layout != "plain" && !strings.Contains(html, `bgcolor="#c2410c"`) {
			t.Errorf("%s: Outlook draws no button", layout)
		}
		if strings.Count(html, "<table") != strings.Count(html, `role="presentation"`) {
			t.Errorf("%s: a layout table without role", layout)
		}
		if i := strings.Index(html, "preheader"); i < 0 || i > strings.Index(html, "<h1") {
			t.Errorf("%s: the preheader is not first", layout)
		}
		_, rest, _ := strings.Cut(html, "<style>")
		if len(rest) > 0 && len(html) > 24<<10 {
			t.Errorf("%s: %d bytes for a short letter", layout, len(html))
		}
		if strings.Contains(string(c.Text), "before") || !strings.HasSuffix(string(c.Text), "--\nout (https://e.com)\n") {
			t.Errorf("%s: text %q", layout, c.Text)
		}
	}
}
