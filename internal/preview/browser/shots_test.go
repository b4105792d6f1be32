package browser_test

import (
	"flag"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hongyan/internal/preview/browser"
	"hongyan/internal/render"
)

var shots = flag.String("shots", "", "folder for the README's pictures; make screenshots")

// TestScreenshots takes the README's pictures when it is given a folder. Without
// one it still opens each layout and sees that the mail is there.
func TestScreenshots(t *testing.T) {
	templates, err := filepath.Abs("../../../templates")
	if err != nil {
		t.Fatal(err)
	}
	page := browser.Test(t, "about:blank")
	for _, layout := range []string{"default", "plain", "newsletter", "notice"} {
		mail := welcome(t, templates, layout)
		dark := strings.ReplaceAll(mail, "@media (prefers-color-scheme: dark)", "@media all")
		if dark == mail {
			t.Errorf("%s has no dark colours", layout)
		}
		for _, view := range []struct {
			name, html string
			width      int64
		}{{"desktop", mail, 720}, {"mobile", mail, 375}, {"dark", dark, 720}} {
			shoot(t, page, layout+"-"+view.name, view.html, view.width)
			page.Until(`document.body.innerText.includes("张三")`)
			if wide := page.Eval("document.documentElement.scrollWidth"); wide > float64(view.width) {
				t.Errorf("%s: %v points wide on a screen of %d", layout, wide, view.width)
			}
		}
	}
}

// TestScreenshotOfTheDemo takes a picture of what `make demo` says.
func TestScreenshotOfTheDemo(t *testing.T) {
	if *shots == "" {
		t.Skip("make screenshots")
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	demo := exec.CommandContext(t.Context(), "make", "--no-print-directory", "demo")
	demo.Dir = root
	demo.Env = append(os.Environ(), "HONGYAN_STATE="+t.TempDir(), "HONGYAN_LANG=en")
	said, err := demo.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool {
		return strings.HasPrefix(line, "CGO_ENABLED") || strings.HasPrefix(line, "./bin/")
	})
	text := strings.ReplaceAll(strings.Join(lines, "\n"), demo.Env[len(demo.Env)-2][len("HONGYAN_STATE="):], "state")
	page := browser.Test(t, "about:blank")
	shoot(t, page, "demo", terminal(text), 980)
}

// terminal is a page that looks like one.
func terminal(text string) string {
	return `<!doctype html><meta charset="utf-8"><style>
		body { margin: 0; background: #131417; color: #d9dce1; font: 14px/1.6 "DejaVu Sans Mono", "Noto Sans Mono CJK SC", "WenQuanYi Micro Hei Mono", "Noto Color Emoji", monospace; }
		header { padding: 10px 16px; background: #2a2d33; } i { display: inline-block; width: 12px; height: 12px; border-radius: 6px; margin-right: 8px; }
		pre { margin: 0; padding: 16px 20px 20px; white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; } b { color: #6cc0dc; font-weight: 400; }
		</style><header><i style="background:#ed6a5e"></i><i style="background:#f4bf4f"></i><i style="background:#61c554"></i></header><pre><b>$</b> make demo
` + html.EscapeString(text) + `</pre>`
}

func welcome(t *testing.T, templates, layout string) string {
	t.Helper()
	tmpl, err := render.Parse(render.Source{
		Template: filepath.Join(templates, "welcome.md"), Layout: layout, Subject: "欢迎加入鸿雁", Root: templates,
		Theme: map[string]string{"name": "鸿雁", "tagline": "一封不漏，一封不重"},
	})
	if err != nil {
		t.Fatal(err)
	}
	content, err := tmpl.Render(map[string]string{"name": "张三", "city": "北京"})
	if err != nil {
		t.Fatal(err)
	}
	return string(content.HTML)
}

// shoot opens a page, and takes its picture if there is a folder for it.
func shoot(t *testing.T, page browser.Tester, name, html string, width int64) {
	t.Helper()
	file := filepath.Join(t.TempDir(), name+".html")
	if err := os.WriteFile(file, []byte(html), 0o600); err != nil {
		t.Fatal(err)
	}
	page.Size(width, 700, 2)
	page.Go("file://" + file)
	page.Until(`document.readyState === "complete"`)
	if *shots == "" {
		return
	}
	shot := browser.Small(t, page.Shot("body"))
	if len(shot) > 150<<10 {
		t.Errorf("%s has %d KB", name, len(shot)>>10)
	}
	if err := os.WriteFile(filepath.Join(*shots, name+".png"), shot, 0o644); err != nil {
		t.Fatal(err)
	}
}
