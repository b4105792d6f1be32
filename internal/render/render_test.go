package render_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"hongyan/internal/fault"
	"hongyan/internal/render"
)

var update = flag.Bool("update", false, "write the golden files anew")

// write puts files into a folder of its own and returns the folder.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// letter is a source with the layout "none", so that only the letter shows.
func letter(t testing.TB, markdown string) render.Source {
	t.Helper()
	dir := write(t, map[string]string{"mail.md": markdown})
	return render.Source{Template: filepath.Join(dir, "mail.md"), Layout: "none", Subject: "s"}
}

func mustParse(t testing.TB, s render.Source) *render.Template {
	t.Helper()
	tpl, err := render.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

func mustRender(t testing.TB, tpl *render.Template, fields map[string]string) render.Content {
	t.Helper()
	c, err := tpl.Render(fields)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// body returns what the letter became, without the document around it.
func body(c render.Content) string {
	_, rest, _ := strings.Cut(string(c.HTML), "<body>\n")
	out, _, _ := strings.Cut(rest, "</body>")
	return out
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it anew), got:\n%s", file, got)
	}
}

func TestMailsLookAsTheyDid(t *testing.T) {
	t.Parallel()
	fields := map[string]map[string]string{}
	data, err := os.ReadFile("testdata/mails/fields.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &fields); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, template, layout string }{
		{"welcome", "../../templates/welcome.md", ""},
		{"welcome-nobody", "../../templates/welcome.md", "plain"},
		{"showcase", "testdata/mails/showcase.md", "newsletter"},
		{"showcase-beijing", "testdata/mails/showcase.md", "none"},
		{"bench", "testdata/mails/bench.md", "notice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tpl := mustParse(t, render.Source{Template: c.template, Layout: c.layout, Root: "../../templates"})
			got := mustRender(t, tpl, fields[c.name])
			golden(t, "testdata/mails/"+c.name+".html", string(got.HTML))
			golden(t, "testdata/mails/"+c.name+".txt", "Subject: "+got.Subject+"\n\n"+string(got.Text))
		})
	}
}

func TestAnEmptyFieldIsNeverPrinted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ markdown, missing string }{
		{"Dear {{.name}},", "name"},
		{"Dear {{$.name}},", "name"},
		{`Dear {{field "name"}},`, "name"},
		{"Dear {{upper .name}},", "name"},
		{"Dear {{.name | upper}},", "name"},
		{`{{printf "Dear %s," .name}}`, "name"},
		{"{{$n := .name}}Dear {{$n}},", "name"},
		{"{{if .there}}Dear {{.name}},{{end}}", "name"},
		{"{{markdown .name}}", "name"},
		{`Dear {{or .name "朋友"}},`, ""},
		{`Dear {{.name | default "朋友"}},`, ""},
		{`Dear {{or .name ""}},`, ""},
		{"{{if .name}}Dear {{.name}},{{end}}", ""},
		{"{{with .name}}Dear {{.}},{{end}}", ""},
		{`{{range split ";" .name}}{{.}}{{end}}`, ""},
		{`{{if eq .name "x"}}x{{end}}`, ""},
	} {
		tpl := mustParse(t, letter(t, c.markdown))
		for _, name := range []string{"", " ", "\u3000"} {
			_, err := tpl.Render(map[string]string{"name": name, "there": "yes"})
			missing, _ := errors.AsType[*render.MissingField](err)
			switch {
			case c.missing == "" && err != nil && name == "":
				t.Errorf("%s: %v", c.markdown, err)
			case c.missing != "" && (missing == nil || missing.Name != c.missing):
				t.Errorf("%s with %q: got %v, want %q missing", c.markdown, name, err, c.missing)
			}
		}
	}
}

func TestAMissingFieldIsAnEmptyOne(t *testing.T) {
	t.Parallel()
	_, err := mustParse(t, letter(t, "{{.name}}")).Render(nil)
	if err == nil || err.Error() != `field "name" is empty` {
		t.Errorf("got %v", err)
	}
}

func TestColumnsMayHaveChineseNamesAndBlanks(t *testing.T) {
	t.Parallel()
	s := letter(t, `{{.姓名}} {{field "Order No."}} {{upper (field "Order No.")}}`)
	s.Columns = []string{"姓名", "Order No."}
	tpl := mustParse(t, s)
	c := mustRender(t, tpl, map[string]string{"姓名": "张三", "Order No.": "a-1"})
	if got := string(c.Text); got != "张三 a-1 A-1\n" {
		t.Errorf("got %q", got)
	}
	if got := strings.Join(tpl.Columns(), "|"); got != "Order No.|姓名" {
		t.Errorf("columns %q", got)
	}
}

func TestAllFaultsAtOnceEachWithItsLine(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("testdata/faults/*.md")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range cases {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			_, err := render.Parse(render.Source{
				Template: file, Root: "testdata/faults", Subject: "s",
				Names: render.Names{Columns: []string{"name", "city", "url", "Order No."}},
			})
			if _, ok := errors.AsType[fault.Faults](err); !ok {
				t.Fatalf("got %v, want faults", err)
			}
			golden(t, strings.TrimSuffix(file, ".md")+".txt", err.Error()+"\n")
		})
	}
}

func TestASourceOfAnotherEncodingIsNotSent(t *testing.T) {
	t.Parallel()
	const gbk, marked = "# \xc4\xe3\xba\xc3\n", "\ufeff你好\n"
	layout := "{{template \"own.css\" .}}\n{{.Body}}"
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"template":    {map[string]string{"mail.md": "x\n" + gbk}, "mail.md:2: this is not UTF-8"},
		"partial":     {map[string]string{"mail.md": `{{template "sign" .}}`, "partials/sign.md": gbk}, "sign.md:1: this is not UTF-8"},
		"layout":      {map[string]string{"mail.md": "x", "layouts/mine.html": gbk}, "mine.html:1: this is not UTF-8"},
		"style sheet": {map[string]string{"mail.md": "x", "layouts/mine.html": layout, "layouts/own.css": "/* " + gbk}, "own.css:1: this is not UTF-8"},
		"marked":      {map[string]string{"mail.md": marked, "layouts/mine.html": marked + layout, "layouts/own.css": marked}, ""},
		"not used":    {map[string]string{"mail.md": "x", "partials/sign.md": gbk, "layouts/other.html": gbk}, ""},
	} {
		dir := write(t, c.files)
		s := render.Source{Template: filepath.Join(dir, "mail.md"), Root: dir, Layout: "none", Subject: "s"}
		if c.files["layouts/mine.html"] != "" {
			s.Layout = "mine"
		}
		got := ""
		if _, err := render.Parse(s); err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) || c.want == "" && got != "" || strings.Count(got, "\n") > 1 {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestAnImageThatNoMailCanCarrySaysWhy(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"logo.png": "\x89PNG\r\n\x1a\n", "in/page.png": "<!DOCTYPE html>", "in/photo.png": "\xff\xd8\xff\xe0", "in/list.bmp": "BM", "in/draw.svg": "<svg/>",
		"in/mail.md": "![](../logo.png)\n![](page.png)\n![](photo.png)\n![](list.bmp)\n![](large.png)\n![](none.png)\n![](draw.svg)\n",
	})
	large, err := os.Create(filepath.Join(dir, "in", "large.png"))
	if err == nil {
		err = errors.Join(large.Truncate(17<<20), large.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = render.Parse(render.Source{
		Template: filepath.Join(dir, "in", "mail.md"), Subject: "s", Layout: "default",
		SubjectFile: "c.yaml", Theme: map[string]string{"logo": "./gone.png"}, Lines: map[string]int{"theme.logo": 7},
	})
	in := filepath.Join(dir, "in")
	want := strings.ReplaceAll(`mail.md:1: the image "../logo.png" lies outside the folders of the mail
    images may lie in IN and below
mail.md:2: "page.png" is not the image that its name says
    its bytes are not those of image/png: save it anew, or give it its right name
mail.md:3: "photo.png" is not the image that its name says
    its bytes are not those of image/png: save it anew, or give it its right name
mail.md:4: "list.bmp" is no image that mails can carry
mail.md:5: the image "large.png" cannot be read: "large.png" is not a file of at most 16 MiB
mail.md:6: there is no image "none.png"
c.yaml:7: there is no image "gone.png"`, "IN", "., "+in)
	if got := strings.ReplaceAll(fmt.Sprint(err), in+string(filepath.Separator)+"mail.md", "mail.md"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAThemeOfTheCampaignIsBlamedInItsLine(t *testing.T) {
	t.Parallel()
	s := letter(t, "x")
	s.SubjectFile, s.Theme, s.Lines = "c.yaml", map[string]string{"width": "5000"}, map[string]int{"theme.width": 4, "layout": 9}
	for layout, want := range map[string]string{
		"default": `c.yaml:4: theme: width is "5000", not a number of pixels from 10 to 1200`,
		"foo":     `c.yaml:9: there is no layout "foo"`,
	} {
		s.Layout = layout
		if _, err := render.Parse(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestSubjectsAndNamesStayOneLine(t *testing.T) {
	t.Parallel()
	line, err := render.ParseLine("c.yaml", 3, "发票-{{.name}}.pdf", render.Names{Columns: []string{"name"}})
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{
		"张三":                           "发票-张三.pdf",
		"a\r\nBcc: b@example.com":      "发票-a Bcc: b@example.com.pdf",
		"a\u2028b\x00c\u0085d\te":      "发票-a bc d e.pdf",
		"{{.name}} {{template \"x\"}}": "发票-{{.name}} {{template \"x\"}}.pdf",
	} {
		got, err := line.Render(map[string]string{"name": value})
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", value, got, err, want)
		}
	}
	_, err = render.ParseLine("c.yaml", 3, "{{.nmae}}{{foo}}", render.Names{Columns: []string{"name"}})
	if err == nil || !strings.Contains(err.Error(), "c.yaml:3: the list has no column \"nmae\"") || !strings.Contains(err.Error(), `"foo"`) {
		t.Errorf("got %v", err)
	}
}

func TestTheCampaignWinsOverTheFrontMatter(t *testing.T) {
	t.Parallel()
	s := letter(t, "---\nsubject: front\nlayout: notice\ntheme: {brand: '#123456', name: front}\n---\n[go](https://e.com){.button}\n")
	s.Subject, s.Layout = "", ""
	if c := mustRender(t, mustParse(t, s), nil); c.Subject != "front" || !strings.Contains(string(c.HTML), "#123456") {
		t.Errorf("front matter was not heard: %s", c.Subject)
	}
	s.Subject, s.Layout, s.Theme = "campaign", "default", map[string]string{"brand": "#abcdef"}
	c := mustRender(t, mustParse(t, s), nil)
	if c.Subject != "campaign" || !strings.Contains(string(c.HTML), "#abcdef") || strings.Contains(string(c.HTML), "#123456") {
		t.Errorf("the campaign was not heard: %s", c.Subject)
	}
	if !strings.Contains(string(c.HTML), ">front</div>") {
		t.Error("the front matter's other theme keys are gone")
	}
}

func TestTheFrontMatterIsTakenAsItIsWritten(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{"007": "007", "1.50": "1.50", "2026-11-23": "2026-11-23", "&s yes": "yes", "|\n  two\n": "two", "''": "s", "": "s", "~": "s"} {
		s := letter(t, "---\nsubject: "+written+"\npreheader:\ntheme:\n---\nhello\n")
		if s.Subject = ""; want == "s" {
			s.Subject = "s"
		}
		if c := mustRender(t, mustParse(t, s), nil); c.Subject != want || c.Preheader != "" {
			t.Errorf("%q: got the subject %q and the preheader %q", written, c.Subject, c.Preheader)
		}
	}
	s := letter(t, "---\nsubject:\n---\nhello\n")
	s.Subject = ""
	if _, err := render.Parse(s); err == nil || !strings.Contains(err.Error(), "the mail has no subject") {
		t.Errorf("got %v", err)
	}
}

func TestTheCampaignsPreheaderWinsOverTheFrontMatters(t *testing.T) {
	t.Parallel()
	for _, front := range []string{"", "---\npreheader: front\n---\n"} {
		s := letter(t, front+"hello\n")
		s.Layout, s.Preheader = "default", "给{{.name}}的信"
		c := mustRender(t, mustParse(t, s), map[string]string{"name": "李<雷>"})
		if c.Preheader != "给李<雷>的信" || !strings.Contains(string(c.HTML), "给李&lt;雷&gt;的信") || strings.Contains(string(c.HTML), "front") {
			t.Errorf("front matter %q: %q", front, c.Preheader)
		}
	}
}

func TestAFaultInTheCampaignsPreheaderNamesItsLine(t *testing.T) {
	t.Parallel()
	s := letter(t, "hello\n")
	s.SubjectFile, s.SubjectLine, s.Preheader, s.PreheaderLine, s.Columns = "c.yaml", 3, "{{.nmae}}", 5, []string{"name"}
	if _, err := render.Parse(s); err == nil || !strings.Contains(err.Error(), `c.yaml:5: the list has no column "nmae"`) {
		t.Errorf("got %v", err)
	}
}

func TestAFolderOnDiskWinsOverWhatShips(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"mail.md":               `{{template "signature" .}}{{.name}}`,
		"layouts/default.html":  "<html><body>mine: {{.Body}}</body></html>",
		"partials/signature.md": "yours, {{.name}} and ",
	})
	tpl := mustParse(t, render.Source{Template: filepath.Join(dir, "mail.md"), Root: dir, Subject: "s"})
	c := mustRender(t, tpl, map[string]string{"name": "Li"})
	if got := string(c.HTML); got != "<html><body>mine: <p>yours, Li and Li</p>\n</body></html>" {
		t.Errorf("got %q", got)
	}
	var names []string
	for _, f := range tpl.Files() {
		if !filepath.IsAbs(f) {
			t.Errorf("%s is not absolute", f)
		}
		names = append(names, filepath.Base(f))
	}
	if got := strings.Join(names, " "); got != "default.html mail.md signature.md" {
		t.Errorf("files: %s", got)
	}
}

func TestLocalImagesBecomeInlineParts(t *testing.T) {
	t.Parallel()
	logo, err := os.ReadFile("testdata/mails/img/logo.png")
	if err != nil {
		t.Fatal(err)
	}
	dir := write(t, map[string]string{"图/标 志.png": string(logo), "mail.md": "![a](<图/标 志.png>)\n\n![b](https://e.com/x.png)\n\n<img src='图/标 志.png' alt=c>\n\n![q]({{qr .url}})"})
	tpl := mustParse(t, render.Source{Template: filepath.Join(dir, "mail.md"), Layout: "none", Subject: "s"})
	c := mustRender(t, tpl, map[string]string{"url": "https://e.com/1"})
	if len(c.Images) != 2 || c.Images[0].Type != "image/png" || string(c.Images[0].Data) != string(logo) || c.Images[0].Name != "标 志.png" {
		t.Fatalf("images: %d", len(c.Images))
	}
	if !filepath.IsAbs(c.Images[0].File) || c.Images[1].File != "" || c.Images[1].Name != "qr.png" {
		t.Errorf("files: %q, %q", c.Images[0].File, c.Images[1].File)
	}
	html := string(c.HTML)
	if strings.Count(html, "cid:"+c.Images[0].CID) != 2 || strings.Count(html, `src="cid:`+c.Images[1].CID+`"`) != 1 || !strings.Contains(html, "https://e.com/x.png") {
		t.Errorf("got %s", html)
	}
	if !strings.Contains(html, `width="96"`) {
		t.Error("an image without a width is drawn too large by Outlook")
	}
	if again := mustRender(t, tpl, map[string]string{"url": "https://e.com/1"}); again.Images[1].CID != c.Images[1].CID {
		t.Error("the same code has another content ID")
	}
}

func TestATemplateCannotRunAway(t *testing.T) {
	t.Parallel()
	for _, markdown := range []string{
		"{{range 1000000000}}{{end}}",
		"{{range 100000000}}x{{end}}",
		`{{printf "%999999999d" 1}}`,
		`{{printf "%*d" 99999999 1}}`,
		`{{pad 999999999 "x"}}`,
		strings.Repeat("x", 700<<10) + "{{.big}}",
	} {
		_, err := mustParse(t, letter(t, markdown)).Render(map[string]string{"big": strings.Repeat("y", 700<<10)})
		if _, ok := errors.AsType[*fault.Fault](err); !ok {
			t.Errorf("%.40s: got %v, want a fault", markdown, err)
		}
	}
}

func TestAStrayMarkIsAWarningWithItsLine(t *testing.T) {
	t.Parallel()
	s := letter(t, "---\nsubject: s\n---\nok **bold**\n\n{{if .a}}x{{end}}\n\nstray ** here {{.a}} and ** there\n")
	warnings := mustParse(t, s).Warnings()
	if len(warnings) != 1 || warnings[0].Line != 8 || warnings[0].File != s.Template {
		t.Errorf("got %v", warnings)
	}
}

func TestManyRenderAtOnce(t *testing.T) {
	t.Parallel()
	tpl := mustParse(t, letter(t, `{{if .a}}A{{.a}}{{end}}{{or .b ""}} {{markdown .c}} {{.d}}`))
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 300 {
				c := strings.TrimSpace(strings.Repeat("*x* ", i%140+1))
				fields := map[string]string{"a": strings.Repeat("a", i%2), "b": strings.Repeat("b", worker%2), "c": c, "d": "d"}
				got, err := tpl.Render(fields)
				want := strings.TrimSpace(strings.Repeat("A"+fields["a"], i%2)+fields["b"]) + " "
				text := strings.TrimLeft(want, " ") + strings.Repeat("x ", i%140+1) + "d\n"
				if err != nil || string(got.Text) != text {
					t.Errorf("got %q, %v, want %q", got.Text, err, text)
					return
				}
			}
		})
	}
	group.Wait()
}
