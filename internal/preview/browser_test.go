package preview_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"hongyan/internal/preview"
	"hongyan/internal/preview/browser"
)

// opened opens the gallery of dir in a headless chromium.
func opened(t *testing.T, dir string) browser.Tester {
	t.Helper()
	return browser.Test(t, "file://"+filepath.Join(dir, "index.html"))
}

// tracker is a server that nobody may ask; it returns its address.
func tracker(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the gallery asked the network for %s", r.URL)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestViewsSearchFilterAndKeys(t *testing.T) {
	dir := t.TempDir()
	g, server := create(t, dir), tracker(t)
	c := composer(t)
	for line := 2; line <= 720; line++ {
		m := mailed(t, c, line)
		m.HTML = append(m.HTML, `<img src="`+server+`/x.png"><script>fetch("`+server+`/script"); parent.document.title = "escaped"</script>`...)
		if line%100 == 0 {
			m.Warnings = []string{fmt.Sprintf("line %d is round", line), "round"}
		}
		add(t, g, m)
	}
	closed(t, g)
	page := opened(t, dir)
	title := func(want string) {
		t.Helper()
		page.Until(fmt.Sprintf("document.querySelector('#about h1').textContent === %q", want))
	}

	title("第 2 封 </script>")
	page.Until("document.querySelectorAll('#rows .row').length > 5 && document.querySelectorAll('#rows .row').length < 80")
	page.Press("j", kb.ArrowDown)
	title("第 4 封 </script>")
	page.Press("k")
	title("第 3 封 </script>")
	page.Press(kb.End)
	title("第 720 封 </script>")
	page.Until("document.querySelector('#rows .row[aria-selected=true]').dataset.line === '720'")

	page.Until("document.querySelector('#stage iframe').getAttribute('sandbox') === 'allow-same-origin'")
	page.Press("2")
	page.Until("document.querySelector('#stage.mobile iframe')?.clientWidth === 373") // 375 less its borders
	page.Press("3")
	page.Until("document.querySelector('#stage.dark:not(.forced) iframe')?.srcdoc.includes('@media (min-width: 0)')")
	page.Press("4")
	page.Until("document.querySelector('#stage pre')?.textContent === '您好\\n'")
	page.Press("5")
	page.Until("document.querySelector('#stage pre')?.textContent.startsWith('From: ')")

	page.Run(`document.querySelector("#filter").value = "=round"; document.querySelector("#filter").dispatchEvent(new Event("change"))`)
	page.Until("document.querySelector('#count').textContent.startsWith('1 of 7 of 719')")
	title("第 100 封 </script>")
	page.Until("document.querySelector('#warnings').textContent.includes('line 100 is round')")
	page.Type("#search", "p700@")
	title("第 700 封 </script>")
	page.Type("#search", "nobody")
	page.Until("document.querySelector('#stage').textContent === 'No mail matches.'")
	page.Click("#lang")
	page.Until("document.querySelector('#stage').textContent === '没有符合条件的邮件。' && document.title === '预览 · hongyan'")
}

func TestTwentyThousandStayQuick(t *testing.T) {
	dir := t.TempDir()
	g := create(t, dir)
	const mails = 20_000
	for line := 1; line <= mails; line++ {
		add(t, g, preview.Mail{Line: line, Address: fmt.Sprintf("p%d@example.com", line), Subject: fmt.Sprintf("第 %d 封", line), Text: []byte("您好\n")})
	}
	closed(t, g)
	page := opened(t, dir)
	few := func() {
		t.Helper()
		if n := page.Eval("document.querySelectorAll('#rows .row').length"); n < 5 || n > 80 {
			t.Errorf("%v rows in the page", n)
		}
	}
	page.Until("document.querySelector('#about h1').textContent === '第 1 封'")
	few()
	if n := page.Eval("pages.size + packs.size"); n > 2 {
		t.Errorf("%v data files were read for the first mail", n)
	}
	page.Press(kb.End)
	page.Until("document.querySelector('#about h1').textContent === '第 20000 封'")
	few()
	page.Run("document.querySelector('#scroll').scrollTop = 10000 * height")
	page.Until("[...document.querySelectorAll('#rows .row')].some(r => r.dataset.line === '10001')")
	few()
	page.Type("#search", "p19999@")
	page.Until("document.querySelector('#about h1').textContent === '第 19999 封' && document.querySelector('#count').textContent === '1 of 1 of 20000'")
}

func TestImagesShowAndTheNetworkIsNotAsked(t *testing.T) {
	dir := t.TempDir()
	g := create(t, dir)
	m := mailed(t, composer(t), 1)
	m.Images[0].Data = pixel(t, color.RGBA{R: 255, A: 255})
	m.HTML = []byte(`<body style="margin:0;background:#0f0"><img src="cid:logo@hongyan" style="display:block;width:100px;height:100px"><img src="` + tracker(t) + `/x.png"><a href="` + tracker(t) + `/link">link</a></body>`)
	add(t, g, m)
	closed(t, g)
	page := opened(t, dir)
	page.Until("document.querySelector('#stage iframe')?.contentDocument.querySelector('img')?.naturalWidth === 1")
	page.Run(`document.querySelector("#stage iframe").contentDocument.querySelector("a").click()`)
	shot := page.Shot("#stage iframe")
	red, green := colours(t, shot)
	if red < 5000 || green < 5000 {
		if err := os.WriteFile(filepath.Join(t.ArtifactDir(), "gallery.png"), shot, 0o600); err != nil {
			t.Error(err)
		}
		t.Errorf("%d red and %d green points: the image or the page is not shown", red, green)
	}
}

// pixel is a picture of one point.
func pixel(t *testing.T, c color.Color) []byte {
	t.Helper()
	point := image.NewRGBA(image.Rect(0, 0, 1, 1))
	point.Set(0, 0, c)
	var b bytes.Buffer
	if err := png.Encode(&b, point); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// colours counts the red and the green points of a picture.
func colours(t *testing.T, shot []byte) (red, green int) {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			switch r, g, b, _ := picture.At(x, y).RGBA(); {
			case r > 0xF000 && g < 0x1000 && b < 0x1000:
				red++
			case g > 0xF000 && r < 0x1000 && b < 0x1000:
				green++
			}
		}
	}
	return red, green
}
