package notice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"hongyan/internal/gate"
)

// A Webhook is an address that takes notices by HTTP POST.
type Webhook struct {
	Address Address
	Kind    string                                // one of Kinds
	Secret  func(context.Context) (string, error) // to sign with; nil: nothing is signed
	Private bool                                  // it may be reached in clear, and where nothing is public

	Base time.Duration // of the wait between tries; 0 = 1 s
}

const (
	tries   = 4
	longest = 30 * time.Second // between two tries
	patient = 10 * time.Second // with one of them
	most    = 64 << 10         // of an answer
)

// A Failed notice was not taken. It never tells the address.
type Failed struct {
	Host   string
	Status int   // of HTTP; 0: there was no answer
	Err    error // what is wrong
	later  bool  // another try may help
}

func (f *Failed) Error() string {
	if f.Status == 0 || f.Status == http.StatusOK {
		return fmt.Sprintf("webhook at %s: %v", f.Host, f.Err)
	}
	return fmt.Sprintf("webhook at %s: %d %v", f.Host, f.Status, f.Err)
}

func (f *Failed) Unwrap() error { return f.Err }

// errInsecure stands for a notice that would travel in clear.
var errInsecure = errors.New("it would be sent in clear; https is required beyond a private network")

// Send posts a notice, a few times if need be.
func (w *Webhook) Send(ctx context.Context, n Notice) error {
	if !w.Address.Secure() && !w.Private {
		return w.failed(0, errInsecure, false)
	}
	secret := ""
	if w.Secret != nil {
		var err error
		if secret, err = w.Secret(ctx); err != nil {
			return w.failed(0, err, false)
		}
	}
	client := w.client()
	defer client.CloseIdleConnections()
	for try := 1; ; try++ {
		err := w.post(ctx, client, n, secret)
		if err == nil || !err.later || try == tries {
			return orNil(err)
		}
		if !wait(ctx, w.jitter(try)) {
			return err
		}
	}
}

// orNil keeps a nil *Failed from being an error that is not nil.
func orNil(f *Failed) error {
	if f == nil {
		return nil
	}
	return f
}

// jitter is a random wait up to twice the one before.
func (w *Webhook) jitter(try int) time.Duration {
	base := w.Base
	if base == 0 {
		base = time.Second
	}
	return time.Duration(rand.Float64() * float64(min(base<<try, longest)))
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// client follows no redirect, which would give the notice to somebody else, and
// uses no proxy: behind one nobody could tell which address is dialled.
func (w *Webhook) client() *http.Client {
	var guard gate.Gate
	if w.Private {
		guard = gate.Gate{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	}
	dialer := net.Dialer{Timeout: patient, Control: guard.Control}
	return &http.Client{
		Timeout:       patient,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: most},
	}
}

// post is one try.
func (w *Webhook) post(ctx context.Context, client *http.Client, n Notice, secret string) *Failed {
	l, err := write(w.Kind, n, secret, time.Now())
	if err != nil {
		return w.failed(0, err, false)
	}
	target := *w.Address.url
	query := target.Query()
	maps.Copy(query, l.query)
	target.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(l.body))
	if err != nil {
		return w.failed(0, cause(err), false)
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("User-Agent", "hongyan")
	for name, value := range l.header {
		r.Header.Set(name, value)
	}
	answer, err := client.Do(r)
	if err != nil {
		_, private := errors.AsType[*gate.Private](err)
		return w.failed(0, cause(err), !private)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, most))
	if err != nil {
		return w.failed(answer.StatusCode, cause(err), true)
	}
	return w.judge(answer.StatusCode, body)
}

func (w *Webhook) judge(status int, body []byte) *Failed {
	if status < 200 || status > 299 {
		return w.failed(status, errors.New(http.StatusText(status)), status >= 500 || status == http.StatusTooManyRequests)
	}
	if code, why, refused := refusal(w.Kind, body); refused {
		return w.failed(status, fmt.Errorf("it answers %d: %s", code, clip(strings.ToValidUTF8(why, "\uFFFD"), 300)), busy(code))
	}
	return nil
}

func (w *Webhook) failed(status int, err error, later bool) *Failed {
	return &Failed{Host: w.Address.url.Hostname(), Status: status, Err: err, later: later}
}

// cause takes off the layer that tells the whole address.
func cause(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
