package render_test

import (
	"strings"
	"testing"

	"hongyan/internal/render"
)

func TestDownloadIsTheAddressOfAFileThatGoesAsALink(t *testing.T) {
	t.Parallel()
	const link = "https://files.example.com/f?obj=手册.pdf&signature=A+B/C=="
	src := letter(t, "[下载]({{download \"手册.pdf\"}}){.button}\n\nAlso at {{download \"手册.pdf\"}}\n")
	src.Columns, src.Downloads = []string{"email"}, []string{"手册.pdf", "b.zip"}
	tmpl := mustParse(t, src)
	if got := tmpl.Downloads(); len(got) != 1 || got[0] != "手册.pdf" {
		t.Errorf("downloads %q", got)
	}
	c := mustRender(t, tmpl, map[string]string{"email": "a@example.com", render.DownloadField("手册.pdf"): link})
	if !strings.Contains(string(c.Text), link) {
		t.Errorf("text: %s", c.Text)
	}
	if html := string(c.HTML); !strings.Contains(html, `href="https://files.example.com/f?obj=%E6%89%8B%E5%86%8C.pdf&amp;signature=A+B/C=="`) {
		t.Errorf("html: %s", html)
	}
}

func TestDownloadKnowsWhatGoesAsALink(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		`{{download "brochrue.pdf"}}`: `no attachment "brochrue.pdf" goes as a link`,
		`{{download .name}}`:          "download takes the name of one file",
	} {
		s := letter(t, src)
		s.Columns, s.Downloads = []string{"name"}, []string{"brochure.pdf"}
		_, err := render.Parse(s)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", src, err, want)
		}
	}
}
