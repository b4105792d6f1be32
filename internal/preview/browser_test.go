package preview_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// browser opens the gallery of dir in a headless chromium.
func browser(t *testing.T, dir string) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on this machine")
	}
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx, chromedp.WithAllocatorOptions(chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1400, 900)))
	t.Cleanup(stop)
	do(ctx, t, chromedp.Navigate("file://"+filepath.Join(dir, "index.html")))
	return ctx
}

func do(ctx context.Context, t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// until waits for a JavaScript condition.
func until(ctx context.Context, t *testing.T, condition string) {
	t.Helper()
	if _, err := chromedp.Run(ctx, chromedp.Poll[chromedp.Void](condition, chromedp.WithPollingTimeout(time.Minute))); err != nil {
		t.Fatalf("%s: %v", condition, err)
	}
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

func TestInABrowser(t *testing.T) {
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
	ctx := browser(t, dir)
	title := func(want string) {
		t.Helper()
		until(ctx, t, fmt.Sprintf("document.querySelector('#about h1').textContent === %q", want))
	}

	title("第 2 封 </script>")
	until(ctx, t, "document.querySelectorAll('#rows .row').length > 5 && document.querySelectorAll('#rows .row').length < 80")
	do(ctx, t, chromedp.KeyEvent("j"), chromedp.KeyEvent(kb.ArrowDown))
	title("第 4 封 </script>")
	do(ctx, t, chromedp.KeyEvent("k"))
	title("第 3 封 </script>")
	do(ctx, t, chromedp.KeyEvent(kb.End))
	title("第 720 封 </script>")
	until(ctx, t, "document.querySelector('#rows .row[aria-selected=true]').dataset.line === '720'")

	until(ctx, t, "document.querySelector('#stage iframe').getAttribute('sandbox') === 'allow-same-origin'")
	do(ctx, t, chromedp.KeyEvent("2"))
	until(ctx, t, "document.querySelector('#stage.mobile iframe')?.clientWidth === 373") // 375 less its borders
	do(ctx, t, chromedp.KeyEvent("3"))
	until(ctx, t, "document.querySelector('#stage.dark:not(.forced) iframe')?.srcdoc.includes('@media (min-width: 0)')")
	do(ctx, t, chromedp.KeyEvent("4"))
	until(ctx, t, "document.querySelector('#stage pre')?.textContent === '您好\\n'")
	do(ctx, t, chromedp.KeyEvent("5"))
	until(ctx, t, "document.querySelector('#stage pre')?.textContent.startsWith('From: ')")

	if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector("#filter").value = "=round"; document.querySelector("#filter").dispatchEvent(new Event("change"))`)); err != nil {
		t.Fatal(err)
	}
	until(ctx, t, "document.querySelector('#count').textContent.startsWith('1 of 7 of 719')")
	title("第 100 封 </script>")
	until(ctx, t, "document.querySelector('#warnings').textContent.includes('line 100 is round')")
	do(ctx, t, chromedp.SendKeys(chromedp.CSS("#search"), "p700@"))
	title("第 700 封 </script>")
	do(ctx, t, chromedp.SendKeys(chromedp.CSS("#search"), "nobody"))
	until(ctx, t, "document.querySelector('#stage').textContent === 'No mail matches.'")
	do(ctx, t, chromedp.Click(chromedp.CSS("#lang")))
	until(ctx, t, "document.querySelector('#stage').textContent === '没有符合条件的邮件。' && document.title === '预览 · hongyan'")
}

func TestImagesShowAndTheNetworkIsNotAsked(t *testing.T) {
	dir := t.TempDir()
	g := create(t, dir)
	m := mailed(t, composer(t), 1)
	m.Images[0].Data = pixel(t, color.RGBA{R: 255, A: 255})
	m.HTML = []byte(`<body style="margin:0;background:#0f0"><img src="cid:logo@hongyan" style="display:block;width:100px;height:100px"><img src="` + tracker(t) + `/x.png"><a href="` + tracker(t) + `/link">link</a></body>`)
	add(t, g, m)
	closed(t, g)
	ctx := browser(t, dir)
	until(ctx, t, "document.querySelector('#stage iframe')?.contentDocument.querySelector('img')?.naturalWidth === 1")
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector("#stage iframe").contentDocument.querySelector("a").click()`)); err != nil {
		t.Fatal(err)
	}
	shot, err := chromedp.Run(ctx, chromedp.Screenshot(chromedp.CSS("#stage iframe")))
	if err != nil {
		t.Fatal(err)
	}
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
