package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hongyan/internal/preview/browser"
)

// previewed runs `hongyan preview --serve` over a folder of files and returns
// the address of the page.
func previewed(t *testing.T, files map[string]string) (dir, url string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		put(t, filepath.Join(dir, name), text)
	}
	out, in := io.Pipe()
	d := newDoor(nil)
	d.out, d.err = in, io.Discard
	d.flags.config = filepath.Join(dir, "config.yaml")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.serveLive(ctx, filepath.Join(dir, "campaign.yaml"), "127.0.0.1:0") }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return dir, strings.TrimSpace(line)
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTheLivePageShowsTheFilesAsTheyAre(t *testing.T) {
	t.Parallel()
	dir, url := previewed(t, map[string]string{
		"config.yaml":   "account: sandbox\naccounts:\n  sandbox: {provider: sandbox, address: demo@qq.com}\n",
		"campaign.yaml": "name: live\nsubject: \"您好，{{.name}}\"\ntemplate: letter.md\nlayout: plain\nrecipients: list.csv\n",
		"letter.md":     "# {{.name}}\n\n欢迎来到{{.city}}。\n",
		"list.csv":      "email,name,city\nli@example.com,李雷,北京\nhan@example.com,韩梅梅,上海\nnobody,无名,广州\n",
	})
	page := browser.Test(t, url)
	title := "document.querySelector('#about h1').textContent === "
	text := "document.querySelector('#stage iframe')?.contentDocument.body?.textContent.includes"
	fault := "document.querySelector('#stage .faults')?.textContent.includes"

	page.Until(title + "'您好，李雷' && " + text + "('欢迎来到北京。')")
	page.Press("j")
	page.Until(title + "'您好，韩梅梅' && " + text + "('欢迎来到上海。')")

	put(t, filepath.Join(dir, "letter.md"), "# {{.nmae}}\n\n欢迎来到{{.city}}。\n")
	page.Until(fault + "('nmae') && " + fault + "('letter.md:1') && " + fault + "('name')")
	put(t, filepath.Join(dir, "campaign.yaml"), "name: live\nsubjet: 您好\ntemplate: letter.md\nlayout: plain\nrecipients: list.csv\n")
	page.Until(fault + "('campaign.yaml:2') && " + fault + "('letter.md:1')")
	put(t, filepath.Join(dir, "campaign.yaml"), "name: live\nsubject: 早安\ntemplate: letter.md\nlayout: plain\nrecipients: list.csv\n")
	put(t, filepath.Join(dir, "letter.md"), "# {{.name}}\n\n又见{{.city}}。\n")
	page.Until(title + "'早安' && " + text + "('又见上海。')")

	put(t, filepath.Join(dir, "letter.md"), "# {{.name}}\n\n![图](img/a.png)\n")
	page.Until(fault + "('img/a.png')")
	put(t, filepath.Join(dir, "img", "a.png"), "\x89PNG\r\n\x1a\n")
	page.Until("document.querySelector('#stage iframe')?.srcdoc.includes('data:image/png;base64,')")
	put(t, filepath.Join(dir, "layouts", "plain.html"), "<html><head><title>x</title></head><body><p>我的版式</p>{{.Content}}</body></html>")
	page.Until(fault + "('layouts') || " + text + "('我的版式')")
	if err := os.Remove(filepath.Join(dir, "layouts", "plain.html")); err != nil {
		t.Fatal(err)
	}
	page.Until("document.querySelector('#stage iframe') && !" + text + "('我的版式')")

	put(t, filepath.Join(dir, "list.csv"), "email,name,city\nzhao@example.com,赵六,深圳\nli@example.com,李雷,北京\nhan@example.com,韩梅梅,成都\nnobody,无名,广州\n")
	page.Until("document.querySelector('#count').textContent === '2 of 4' && document.querySelector('#to').textContent.includes('li@example.com')")
	page.Type("#search", "nobody")
	page.Until("document.querySelector('#stage').textContent === 'No mail matches.'")
	page.Run("document.querySelector('#search').value = '5'; document.querySelector('#search').dispatchEvent(new Event('input'))")
	page.Until(fault + "('list.csv:5')")
}
