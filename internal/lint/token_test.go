package lint

import (
	"bytes"
	"fmt"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// tokenized is a page as the tokenizer alone reads it.
func tokenized(src []byte) string {
	p := blank(&Memory{})
	z := html.NewTokenizer(bytes.NewReader(src))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return shownBy(p)
		case html.TextToken:
			p.words(z.Raw())
		case html.StartTagToken, html.SelfClosingTagToken:
			p.start(readTag(z))
		case html.EndTagToken:
			name, _ := z.TagName()
			p.end(atom.Lookup(name))
		}
	}
}

func shownBy(p *page) string {
	q := *p
	q.memory = nil
	return fmt.Sprintf("%+v", q)
}

func pages() []string {
	return []string{
		`<!doctype html><html lang="zh"><head><title>账单 &amp;</title><style>a > b{color:red}@media{}</style></head><body><p id=a>您好<br/>再见</p></BODY>`,
		`<!DOCTYPE><!--[if mso]><table><![endif]--><!--a--!><b>b</b>--><!----><i>i</i><!--><u>u</u><!---><s>s</s><!-- -- > --><p>p`,
		`<script>if (a < b) document.write("<p></p>")</script><p>x</p><script>y</script><script></script>z`,
		`<title></title><title>a</title ><textarea><b></textarea><xmp><i></xmp><iframe>x</iframe><noscript>y</noscript>1 < 2 <3 </ 4> <> </> <?php ?> <`,
		`<a title="a > b" href='c'>d</a><a href=e/>f</a><img src=x alt="></a>"><p></p x="y"></P></ p>g</h1><h1>`,
		`<plaintext>a</plaintext><p>b</p>`, `a < b`, `<a`, `<a href="`, `</`, `<!-`, `<!--`, `<!---`, `<!`, `<!>x`, `<p>`, `&lt;&`, "",
	}
}

func TestWhatIsReadAgainIsReadAlike(t *testing.T) {
	t.Parallel()
	for _, first := range pages() {
		for _, second := range pages() {
			src := []byte(first + second)
			memory := &Memory{}
			readPage(src, memory)
			if got, want := shownBy(readPage(src, memory)), tokenized(src); got != want {
				t.Errorf("%s\ngot  %s\nwant %s", src, got, want)
			}
		}
	}
}

func FuzzTokens(f *testing.F) {
	for _, page := range pages() {
		f.Add([]byte(page))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		memory := &Memory{}
		readPage(src, memory)
		if got, want := shownBy(readPage(src, memory)), tokenized(src); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}
