package lint_test

import (
	"fmt"
	"strings"
	"testing"

	"hongyan/internal/lint"
)

// good is a mail that nobody has anything to say against.
func good() lint.Mail {
	html := page(`<div style="display:none">您的九月账单已经准备好，请在月底之前查看</div>
		<p style="color:#222222;background-color:#ffffff">亲爱的张三，您的九月账单已经准备好。请在月底之前打开账单页面，核对金额以后再付款，谢谢您一直以来的支持。</p>
		<p><img src="cid:logo" alt="鸿雁" width="120" height="40"> <a href="https://example.com/bill?id=7">打开九月账单</a></p>`)
	text := "亲爱的张三，您的九月账单已经准备好。请在月底之前打开账单页面，核对金额以后再付款，谢谢您一直以来的支持。\n\n打开九月账单 (https://example.com/bill?id=7)\n"
	return lint.Mail{
		Subject: "您的九月账单", Preheader: "请在月底之前查看", HTML: []byte(html), Text: []byte(text),
		Images: []lint.Image{{CID: "logo", Name: "logo.png", Type: "image/png", Size: 4000}},
	}
}

func page(body string) string {
	return `<!doctype html><html lang="zh-CN"><head><title>账单</title></head><body>` + body + `</body></html>`
}

// with returns the good mail with more in its body, in both parts.
func with(body string) lint.Mail {
	m := good()
	m.HTML = []byte(strings.Replace(string(m.HTML), "</body>", body+"</body>", 1))
	return m
}

func said(findings []lint.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s %s: %s\n", f.Severity, f.Rule, f.What)
	}
	return b.String()
}

func TestAGoodMailGetsNoFinding(t *testing.T) {
	t.Parallel()
	if got := said(lint.Check(good())); got != "" {
		t.Errorf("got\n%s", got)
	}
}

func TestEachSlipIsFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ body, want string }{
		{`<img src="cid:logo">`, "warning img-alt: the image cid:logo has no alt\n"},
		{`<img src="cid:logo" alt="">`, ""},
		{`<img src="cid:photo" alt="照片">`, "error link-broken: the image cid:photo is not in the mail\n"},
		{`<img src="photo.png" alt="照片">`, "error link-broken: \"photo.png\" leads nowhere\n"},
		{`<img alt="照片">`, "error link-broken: an image has no source\n"},
		{
			`<img src="https://t.example.com/o.gif?u=7" width="1" height="1">`,
			"warning image-tracking: https://t.example.com/o.gif?u=7 looks like a tracking pixel\n",
		},
		{`<a href="">更多</a>`, "warning link-empty: the link \"更多\" has no target\n"},
		{`<a href="#">更多</a>`, "warning link-empty: the link \"更多\" has no target\n"},
		{`<a>更多</a>`, "warning link-empty: the link \"更多\" has no target\n"},
		{`<a name="top"></a>`, ""},
		{`<a href="https://example.com/a"></a>`, "warning link-empty: the link to https://example.com/a has no text\n"},
		{`<a href="https://example.com/a"><img src="cid:logo" alt="首页"></a>`, ""},
		{`<a href="#end">到末尾</a>`, "error link-broken: the link \"到末尾\" leads to #end, which is not in the mail\n"},
		{`<a href="#end">到末尾</a><p id="end"></p>`, ""},
		{`<a href="http://example.com/">官网首页</a>`, "warning link-insecure: http://example.com/ is not encrypted\n"},
		{`<a href="https://bit.ly/3x">官网首页</a>`, "info link-shortened: https://bit.ly/3x hides its target behind a shortener\n"},
		{`<a href="https://example.com/a">点击这里</a>`, "info link-vague: the link says only \"点击这里\"\n"},
		{`<a href="https://example.com/a">Click here!</a>`, "info link-vague: the link says only \"Click here!\"\n"},
		{`<a href="https://evil.example.net/">www.qq.com</a>`, "warning link-deceives: the link shows qq.com and leads to evil.example.net\n"},
		{`<a href="https://mail.qq.com/">https://qq.com/a</a>`, ""},
		{`<a href="https://example.com/report.pdf">report.pdf</a>`, ""},
		{`<a href="mailto:a@example.com">写信给我们</a><a href="tel:+8610">打电话</a>`, ""},
		{`<p>您好，{{.nmae}}</p>`, "error hole: \"{{.nmae}}\" is left in the mail\n"},
		{`<p>您好，&lt;no value&gt;</p>`, "error hole: \"<no value>\" is left in the mail\n"},
		{`<p>您好，<no value></p>`, "error hole: \"<no value>\" is left in the mail\n"},
		{`<p>共 %!d(string=三) 份</p>`, "error hole: \"%!d(\" is left in the mail\n"},
		{`<pre><code>{{.name}} **x**</code></pre>`, ""},
		{`<td>#N/A</td>`, "warning hole-value: a value reads \"#N/A\"\n"},
		{`<td>None</td>`, "warning hole-value: a value reads \"None\"\n"},
		{`<p>None of them came, and Nonetheless nobody cared.</p>`, ""},
		{`<p>**提示：**请看</p>`, "warning stray-emphasis: \"**提示\" is left in the text\n"},
		{`<p>__init__ 与 ~~删去~~ 的价格</p>`, "warning stray-emphasis: \"__in\" is left in the text\nwarning stray-emphasis: \"~~删去\" is left in the text\n"},
		{`<p>2**10，138****1234，谢谢~~，____，snake__case 与 a ** b，张**</p>`, ""},
		{`<p style="color:#999">浅灰的字</p>`, "warning contrast: \"浅灰的字\" is #999999 on #ffffff: contrast 2.8:1\n"},
		{`<h1 style="color:#888">大标题</h1>`, ""},
		{`<div style="background:#004085"><p style="color:rgb(0, 64, 133)">同色</p></div>`, "warning contrast: \"同色\" is #004085 on #004085: contrast 1.0:1\n"},
		{
			`<div style="background:#000 url(a.png)"><p style="color:#111">看不清也说不准</p></div>`,
			"warning client-support: background-image: not supported for 15% of the readers, partly for 4% (Outlook Windows)\n" +
				"info client-unverified: background-image may not work in QQ Mail, NetEase (unverified: guides of 2017 and 2019 advise against it)\n",
		},
		{`<table bgcolor="black"><tr><td><font color="#333333">暗处</font></td></tr></table>`, "warning contrast: \"暗处\" is #333333 on #000000: contrast 1.6:1\n"},
		{`<script>alert(1)</script>`, "error active-content: <script> in a mail is removed and looks like an attack\n"},
		{`<p onclick="f()">点我看看</p>`, "error active-content: onclick in a mail is removed and looks like an attack\n"},
		{`<iframe src="https://example.com/"></iframe>`, "error active-content: <iframe> in a mail is removed and looks like an attack\n"},
	} {
		m := with(c.body)
		var got []lint.Finding
		for _, f := range lint.Check(m) {
			if f.Rule != "client-degrades" {
				got = append(got, f)
			}
		}
		if said(got) != c.want {
			t.Errorf("%s\ngot\n%swant\n%s", c.body, said(got), c.want)
		}
	}
}

func TestLinksThatLeadNowhereForAStranger(t *testing.T) {
	t.Parallel()
	for _, href := range []string{
		"javascript:void(0)", "data:text/html,x", "file:///tmp/a", "www.example.com/a", "/a/b", "//example.com/a",
		"https://localhost/a", "http://127.0.0.1:8080/", "https://10.1.2.3/", "http://192.168.0.1/", "https://[::1]/", "https://100.64.3.4/",
		"https://[::ffff:10.0.0.1]/", "http://169.254.169.254/", "https://intranet/a", "https://nas.local/", "https://", "https://exa mple.com/", "https://example.com，/",
		"https：//example.com", "https://example.com/{{.id}}", "mailto:", "https://example.com/%zz",
	} {
		got := said(lint.Check(with(`<a href="` + href + `">九月的账单</a>`)))
		if !strings.Contains(got, "error link-broken") {
			t.Errorf("%s: got %q", href, got)
		}
	}
	for _, href := range []string{"https://example.com/?a=1&amp;b=2#c", "https://中文.com/路径", "https://8.8.8.8/", "https://xn--fiq228c.cn/", "weixin://dl/chat", "https://example.com./"} {
		if got := said(lint.Check(with(`<a href="` + href + `">九月的账单</a>`))); got != "" {
			t.Errorf("%s: got %q", href, got)
		}
	}
}

func TestSubjects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ subject, want string }{
		{"", "error subject-empty: the subject is empty\n"},
		{"  ", "error subject-empty: the subject is empty\n"},
		{strings.Repeat("字", 30), ""},
		{strings.Repeat("字", 31), "warning subject-length: the subject is 62 columns wide; most lists of mails cut it at 60 or before\n"},
		{"限时优惠！！", "warning subject-shouting: the subject shouts: \"！！\"\n"},
		{"BUY NOW AND SAVE", "warning subject-shouting: the subject shouts: \"BUY NOW AND SAVE\"\n"},
		{"API and HTTP: what is new", ""},
		{"{{.name}}，您好", "error hole: \"{{.name}}\" is left in the mail\n"},
		{"undefined", "warning hole-value: a value reads \"undefined\"\n"},
	} {
		m := good()
		m.Subject = c.subject
		if got := said(lint.Check(m)); got != c.want {
			t.Errorf("%q\ngot\n%swant\n%s", c.subject, got, c.want)
		}
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	m := with("<style>" + strings.Repeat("p{margin:0}\n", 1500) + "</style>" + strings.Repeat("<p>多</p>", 10000))
	m.Size, m.MaxSize = 60<<20, 50<<20
	m.Images[0].Size = 5 << 20
	got := said(lint.Check(m))
	for _, want := range []string{
		"warning html-size: the HTML is 116 KB; Gmail cuts what is over 102 KB",
		"error message-size: the mail is 61440 KB; the provider takes at most 51200 KB",
		"warning style-size: <style> has 18 KB; Gmail drops all of it past 16 KB",
		"warning image-size: the image logo.png is 5120 KB", "warning image-size: the images are 5120 KB together",
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestParts(t *testing.T) {
	t.Parallel()
	m := good()
	m.Text = nil
	expect(t, m, "warning text-missing")
	m.Text = []byte("Dear customer, your parcel has been shipped today and will arrive within three days at the address you gave us; have it ready.")
	expect(t, m, "warning text-differs")
	m = good()
	m.HTML = []byte(`<p><img src="cid:logo" alt="鸿雁"> 看图</p>`)
	m.Preheader = ""
	expect(t, m, "warning text-differs", "info lang-missing", "info preheader-missing", "warning image-only")
	m = good()
	m.HTML = nil
	if got := said(lint.Check(m)); got != "" {
		t.Errorf("a mail of mere text: got\n%s", got)
	}
}

func expect(t *testing.T, m lint.Mail, rules ...string) {
	t.Helper()
	var got []string
	for _, f := range lint.Check(m) {
		got = append(got, fmt.Sprintf("%s %s", f.Severity, f.Rule))
	}
	if strings.Join(got, ", ") != strings.Join(rules, ", ") {
		t.Errorf("got %v, want %v", got, rules)
	}
}

func TestAFindingNamesTheLineOfTheTemplate(t *testing.T) {
	t.Parallel()
	m := with(`<p>**注意：**请看</p><p>张**、李**</p><a href="http://example.com/old">旧站首页</a><img src="cid:logo"><td>None</td>`)
	m.Template = "templates/bill.md"
	m.TemplateSource = []byte("# 账单\n\n**注意：**请看\n\n{{.names}}\n\n[旧站首页](http://example.com/old)\n")
	got := map[string]int{}
	for _, f := range lint.Check(m) {
		got[f.Rule] = f.Line
		if f.File != m.Template {
			t.Errorf("%s: file %q", f.Rule, f.File)
		}
	}
	if fmt.Sprint(got) != "map[hole-value:0 img-alt:0 link-insecure:7 stray-emphasis:3]" {
		t.Errorf("got %v", got)
	}
	m.TemplateSource = []byte("**注意**\n\n| None |\n")
	if got := said(lint.Check(m)); strings.Contains(got, "None") || strings.Contains(got, "张") {
		t.Errorf("the author's own words, or a masked name: got\n%s", got)
	}
}

func TestOneRuleCannotFloodTheReport(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, `<img src="https://example.com/%d.png">`, i)
	}
	if n := len(lint.Check(with(b.String()))); n != 20 {
		t.Errorf("got %d findings", n)
	}
}

func TestColumnsUsedAndUnused(t *testing.T) {
	t.Parallel()
	got := lint.Columns([]string{"email", "name", "备注"}, []string{"email", "nmae"})
	want := "error column-unknown: the list has no column \"nmae\"\ninfo column-unused: column \"name\" is not used\ninfo column-unused: column \"备注\" is not used\n"
	if said(got) != want || got[0].Hint.String() != `did you mean "name"?` {
		t.Errorf("got\n%s%s", said(got), got[0].Hint)
	}
}

func TestOfManyUnusedColumnsTheFirstAreNamed(t *testing.T) {
	t.Parallel()
	var list []string
	for i := range 200 {
		list = append(list, fmt.Sprint("c", i))
	}
	got := lint.Columns(list, []string{"c3"})
	if len(got) != 11 || got[9].What.String() != `column "c10" is not used` || got[10].What.String() != "189 more columns are not used" {
		t.Errorf("got\n%s", said(got))
	}
	got = lint.Columns(list[:12], []string{"c3"})
	if len(got) != 11 || got[10].What.String() != "1 more column is not used" {
		t.Errorf("got\n%s", said(got))
	}
}
