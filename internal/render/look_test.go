package render_test

import (
	"encoding/base64"
	"os"
	"strings"
	"testing"

	"hongyan/internal/render"
)

func TestLook(t *testing.T) {
	for _, l := range []string{"default", "plain", "newsletter", "notice", "none"} {
		for _, m := range []string{"../../templates/welcome.md", "testdata/mails/showcase.md"} {
			tpl, err := render.Parse(render.Source{Template: m, Root: "../../templates", Layout: l})
			if err != nil {
				t.Fatal(err)
			}
			c, err := tpl.Render(map[string]string{"name": "张三", "city": "上海", "姓名": "张三", "Order No.": "A-17/2", "total": "1234.5", "day": "2026-11-23", "items": "毛笔;宣纸 <b>;墨", "url": "https://example.com/a?b=c&d=e"})
			if err != nil {
				t.Fatal(err)
			}
			h := string(c.HTML)
			for _, i := range c.Images {
				h = strings.ReplaceAll(h, "cid:"+i.CID, "data:"+i.Type+";base64,"+base64.StdEncoding.EncodeToString(i.Data))
			}
			n := strings.TrimSuffix(m[strings.LastIndex(m, "/")+1:], ".md")
			os.WriteFile("/tmp/render-look/"+n+"-"+l+".html", []byte(h), 0o644)
			if l == "default" {
				t.Logf("%s\n%s\n%v\n%s", c.Subject, c.Text, tpl.Warnings(), tpl.Columns())
			}
		}
	}
}
