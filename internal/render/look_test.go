package render_test

import (
	"os"
	"testing"

	"hongyan/internal/render"
)

func TestLook(t *testing.T) {
	tpl, err := render.Parse(render.Source{Template: "../../templates/welcome.md", Root: "../../templates", Columns: []string{"name", "city"}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := tpl.Render(map[string]string{"name": "张三", "city": "北京"})
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile("/tmp/render-look/welcome.html", c.HTML, 0o644)
	t.Logf("%s\n%s\n%v\n%s", c.Subject, c.Text, tpl.Warnings(), tpl.Columns())
}
