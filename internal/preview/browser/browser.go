// Package browser drives a headless Chromium over our own pages: for tests, and
// for the pictures of the README. It must never be built into hongyan, nor ask
// anything but the page that it is given.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// ErrMissing says how to get a browser.
var ErrMissing = errors.New("there is no chromium on this machine: make needs, or apt-get install chromium")

// patience is for how long a condition is waited for.
const patience = time.Minute

// A Page is one open page. It is not safe for concurrent use.
type Page struct {
	ctx     context.Context // of the tab, which lives in it
	stop    []context.CancelFunc
	profile string
}

// Open opens an address in a new browser with a new, empty profile.
func Open(ctx context.Context, url string, width, height int) (*Page, error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, ErrMissing
	}
	profile, err := os.MkdirTemp("", "hongyan-chromium-")
	if err != nil {
		return nil, fmt.Errorf("browser: %w", err)
	}
	p := &Page{profile: profile}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WindowSize(width, height),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true))
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	p.stop = append(p.stop, stop)
	p.ctx, stop = chromedp.NewContext(ctx)
	p.stop = append(p.stop, stop)
	if err := p.do(chromedp.Navigate(url)); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Close ends the browser.
func (p *Page) Close() error {
	err := chromedp.Cancel(p.ctx)
	for _, stop := range p.stop {
		stop()
	}
	if err := errors.Join(err, os.RemoveAll(p.profile)); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("browser: %w", err)
	}
	return nil
}

func (p *Page) do(steps ...chromedp.Action[chromedp.Void]) error {
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		return fmt.Errorf("browser: %w", err)
	}
	return nil
}

// Go opens another address.
func (p *Page) Go(url string) error { return p.do(chromedp.Navigate(url)) }

// Until waits for a JavaScript condition, on the next page too if the one that
// is shown is being left.
func (p *Page) Until(condition string) error {
	end := time.Now().Add(patience)
	for {
		_, err := chromedp.Run(p.ctx, chromedp.Poll[chromedp.Void](condition, chromedp.WithPollingTimeout(patience)))
		if err == nil {
			return nil
		}
		left := strings.Contains(err.Error(), "navigated") || strings.Contains(err.Error(), "Cannot find context")
		if !left || time.Now().After(end) {
			return fmt.Errorf("browser: %s: %w", condition, err)
		}
	}
}

// Eval runs JavaScript, whose value is a number, and returns it.
func (p *Page) Eval(script string) (float64, error) {
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[float64](script))
	if err != nil {
		return 0, fmt.Errorf("browser: %s: %w", script, err)
	}
	return value, nil
}

// Press presses a key, such as "j" or kb.End.
func (p *Page) Press(key string) error { return p.do(chromedp.KeyEvent(key)) }

// Type types into the element that a CSS selector finds.
func (p *Page) Type(selector, text string) error {
	return p.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Click clicks the element that a CSS selector finds, and looks for it again when
// the page put another one in its place meanwhile: nothing was clicked then.
func (p *Page) Click(selector string) error {
	end := time.Now().Add(patience)
	for {
		err := p.do(chromedp.Click(chromedp.CSS(selector)))
		if err == nil || !strings.Contains(err.Error(), "Could not find node") || time.Now().After(end) {
			return err
		}
	}
}

// Size makes the window so large, with so many points to a CSS pixel.
func (p *Page) Size(width, height int64, scale float64) error {
	return p.do(chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale)))
}

// Dark makes the page look as on a machine that likes it dark.
func (p *Page) Dark(dark bool) error {
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	return p.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}

// Speak makes the browser ask for pages in a language, such as "zh-CN".
func (p *Page) Speak(language string) error {
	return p.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": language}})
		return err
	}))
}

// View is a PNG of what the window shows.
func (p *Page) View() ([]byte, error) {
	view, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return nil, fmt.Errorf("browser: %w", err)
	}
	return view, nil
}

// Shot is a PNG of the element that a CSS selector finds.
func (p *Page) Shot(selector string) ([]byte, error) {
	shot, err := chromedp.Run(p.ctx, chromedp.Screenshot(chromedp.CSS(selector)))
	if err != nil {
		return nil, fmt.Errorf("browser: %s: %w", selector, err)
	}
	return shot, nil
}
