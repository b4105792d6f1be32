package browser

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"
)

// A Tester is a page whose failures fail the test.
type Tester struct {
	page *Page
	t    testing.TB
}

// Test opens an address for a test. Without a browser the test is skipped, but
// fails on CI, where there has to be one.
func Test(t testing.TB, url string) Tester {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(stop)
	page, err := Open(ctx, url, 1400, 900)
	if errors.Is(err, ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = page.Close() })
	return Tester{page, t}
}

func (t Tester) must(err error) {
	t.t.Helper()
	if err != nil {
		t.t.Fatal(err)
	}
}

// Until waits for a JavaScript condition.
func (t Tester) Until(condition string) { t.t.Helper(); t.must(t.page.Until(condition)) }

// Run runs JavaScript.
func (t Tester) Run(script string) { t.t.Helper(); t.Eval("(() => {" + script + "; return 0})()") }

// Eval runs JavaScript and returns its value, a number.
func (t Tester) Eval(script string) float64 {
	t.t.Helper()
	value, err := t.page.Eval(script)
	t.must(err)
	return value
}

// Press presses keys one after the other.
func (t Tester) Press(keys ...string) {
	t.t.Helper()
	for _, key := range keys {
		t.must(t.page.Press(key))
	}
}

// Type types into the element that a CSS selector finds.
func (t Tester) Type(selector, text string) { t.t.Helper(); t.must(t.page.Type(selector, text)) }

// Click clicks the element that a CSS selector finds.
func (t Tester) Click(selector string) { t.t.Helper(); t.must(t.page.Click(selector)) }

// Go opens another address.
func (t Tester) Go(url string) { t.t.Helper(); t.must(t.page.Go(url)) }

// Size makes the window so large, with so many points to a CSS pixel.
func (t Tester) Size(width, height int64, scale float64) {
	t.t.Helper()
	t.must(t.page.Size(width, height, scale))
}

// Dark makes the page look as on a machine that likes it dark.
func (t Tester) Dark(dark bool) { t.t.Helper(); t.must(t.page.Dark(dark)) }

// Speak makes the browser ask for pages in a language, such as "zh-CN".
func (t Tester) Speak(language string) { t.t.Helper(); t.must(t.page.Speak(language)) }

// View is a PNG of what the window shows.
func (t Tester) View() []byte {
	t.t.Helper()
	view, err := t.page.View()
	t.must(err)
	return view
}

// Shot is a PNG of the element that a CSS selector finds.
func (t Tester) Shot(selector string) []byte {
	t.t.Helper()
	shot, err := t.page.Shot(selector)
	t.must(err)
	return shot
}
