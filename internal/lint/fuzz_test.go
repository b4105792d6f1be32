package lint_test

import (
	"bytes"
	"testing"

	"hongyan/internal/lint"
)

// Any bytes are a mail to be looked at: no panic, every finding has its words
// and a line that the template has.
func FuzzCheck(f *testing.F) {
	f.Add("题", "<p style='color:#fff;background:url(' bgcolor=\"#1\">**a**<a href=%zz>{{</a>", "**a** {{.x}} None", "# t\n**a**\n")
	f.Add("!!", "<style>@media{a{b:c}}/*</style><img src=data:image/svg+xml,><a href='https://['>x", "", "")
	f.Add("", "<style>@</style><p style=\":;:;(('\">%!s(", "__a__~~", "x")
	f.Fuzz(func(t *testing.T, subject, html, text, source string) {
		m := lint.Mail{Subject: subject, HTML: []byte(html), Text: []byte(text), Template: "t.md", TemplateSource: []byte(source)}
		for _, found := range lint.Check(m) {
			if found.What.String() == "" || found.Line < 0 || found.Line > 1+bytes.Count(m.TemplateSource, []byte{'\n'}) {
				t.Errorf("%+v", found)
			}
		}
		if string(m.HTML) != html || string(m.Text) != text {
			t.Error("the mail was changed")
		}
	})
}
