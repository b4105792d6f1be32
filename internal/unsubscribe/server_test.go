package unsubscribe_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/ledgertest"
	"hongyan/internal/unsubscribe"
)

// A hall is the pages over a ledger of their own.
type hall struct {
	*ledgertest.Memory
	t     *testing.T
	pages http.Handler
	links unsubscribe.Links
}

func newHall(t *testing.T) *hall {
	t.Helper()
	h := &hall{t: t, Memory: ledgertest.NewMemory()}
	keys := keyring(t, h.Memory, time.Now())
	h.links = unsubscribe.Links{URL: "https://example.com/u", List: "news", Keys: keys}
	var err error
	h.pages, err = unsubscribe.NewHandler(unsubscribe.Options{
		URL: h.links.URL, Keys: keys, Books: h.Memory, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// page and button are where the links of Li lead.
func (h *hall) page() string { return h.links.Page("li@example.com") }

func (h *hall) button() string {
	way := h.links.Headers("li@example.com")[0][1]
	return way[1:strings.Index(way, ">")]
}

func (h *hall) ask(method, to, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, to, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.pages.ServeHTTP(w, r)
	return w
}

// gone checks whether Li has left.
func (h *hall) gone(want bool) {
	h.t.Helper()
	if _, ok, err := h.Suppressed(h.t.Context(), "news", "li@example.com"); err != nil || ok != want {
		h.t.Errorf("unsubscribed: %v, want %v, %v", ok, want, err)
	}
}

const oneClick = "List-Unsubscribe=One-Click"

// TestLookingChangesNothing (S23): scanners, previews and prefetching browsers
// follow links, with whatever headers.
func TestLookingChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	for _, to := range []string{h.page(), h.button()} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND"} {
			for _, purpose := range []string{"", "prefetch", "preview"} {
				w := h.ask(method, to+"?do=leave&"+oneClick, "do=leave&"+oneClick, "Sec-Purpose", purpose, "Content-Type", "application/x-www-form-urlencoded")
				if want := map[bool]int{true: 200, false: 405}[method == "GET" || method == "HEAD"]; w.Code != want {
					t.Errorf("%s: %d", method, w.Code)
				}
			}
		}
		h.ask("POST", to+"?do=leave&"+oneClick, "") // a post of nothing, all of it in the address
	}
	h.gone(false)
	page := h.ask("GET", h.page(), "").Body.String()
	for _, never := range []string{"<script", "http-equiv", "onload", "autofocus", "src="} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %s", never)
		}
	}
}

// TestOneClickLeaves (RFC 8058): at once, without cookie, redirect or login,
// in both encodings, as often as it comes.
func TestOneClickLeaves(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	multipart := "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n"
	for range 2 {
		for kind, body := range map[string]string{
			"application/x-www-form-urlencoded": oneClick, "multipart/form-data; boundary=b": multipart,
		} {
			w := h.ask("POST", h.button(), body, "Content-Type", kind)
			if w.Code != 200 || w.Header().Get("Set-Cookie") != "" || w.Header().Get("Location") != "" {
				t.Errorf("%s: %d %v", kind, w.Code, w.Header())
			}
			h.gone(true)
		}
	}
	if n := h.acts(); n != 1 {
		t.Errorf("%d acts were noted", n)
	}
	s, _, err := h.Suppressed(t.Context(), "news", "li@example.com")
	if err != nil || s.Source != ledger.Unsubscribe || s.By != "recipient" || s.List != "news" {
		t.Errorf("it says %+v, %v", s, err)
	}
}

func (h *hall) acts() (n int) {
	for _, err := range h.Acts(h.t.Context(), 0, 0) {
		if err != nil {
			h.t.Fatal(err)
		}
		n++
	}
	return n
}

// TestAPersonLeavesAndComesBack with a reason, and with a change of mind.
func TestAPersonLeavesAndComesBack(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	w := h.ask("POST", h.page(), url.Values{"do": {"leave"}, "reason": {"太多了"}}.Encode(), "Accept-Language", "zh-CN,zh;q=0.9,en;q=0.5")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "您已退订") || !strings.Contains(w.Body.String(), `value="back"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if s, _, _ := h.Suppressed(t.Context(), "news", "li@example.com"); s.Reason != "太多了" {
		t.Errorf("the reason is %q", s.Reason)
	}
	w = h.ask("POST", h.page(), "do=back", "Accept-Language", "de, en;q=0.5")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "You are subscribed again") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	h.gone(false)
	h.ask("POST", h.page(), "do=back")
	if n := h.acts(); n != 2 {
		t.Errorf("%d acts were noted", n)
	}
}

// TestARecipientTakesBackOnlyTheOwnWish: what we know of an address stays.
func TestARecipientTakesBackOnlyTheOwnWish(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	_, err := h.Suppress(t.Context(), ledger.Suppression{List: "news", Address: "li@example.com", Source: ledger.Bounce, By: "qq", At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	w := h.ask("POST", h.page(), "do=back")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "unless its sender has other reasons not to") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	h.gone(true)
}

// TestTheAnswerTellsNothingOfTheLedger (S24): the same to who is known, who has
// left before and who was never on a list.
func TestTheAnswerTellsNothingOfTheLedger(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	for _, do := range []string{"do=leave", "do=back"} {
		first := h.ask("POST", h.page(), do)
		again := h.ask("POST", h.page(), do)
		stranger := h.ask("POST", h.links.Page("nobody@example.org"), do)
		mask := func(w *httptest.ResponseRecorder, address string) string {
			token := strings.TrimPrefix(h.links.Page(address), h.links.URL+"/")
			return fmt.Sprint(w.Code, strings.ReplaceAll(w.Body.String(), token, "TOKEN"))
		}
		if a, b, c := mask(first, "li@example.com"), mask(again, "li@example.com"), mask(stranger, "nobody@example.org"); a != b || a != c {
			t.Errorf("%s: three answers:\n%s\n%s\n%s", do, a, b, c)
		}
	}
}

// TestWhatIsNoTokenIsToldSo, to a person whose mail program cut the link.
func TestWhatIsNoTokenIsToldSo(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	for _, to := range []string{
		h.page()[:len(h.page())-3], h.page() + "x", "https://example.com/u/", "https://example.com/", "https://example.com/u/one-click/",
		"https://example.com/other/" + strings.TrimPrefix(h.page(), "https://example.com/u/"), "https://example.com//evil.example/u/",
	} {
		for _, method := range []string{"GET", "POST"} {
			w := h.ask(method, to, "do=leave&"+oneClick)
			if w.Code != 404 || w.Header().Get("Location") != "" || !strings.Contains(w.Body.String(), "not complete") {
				t.Errorf("%s %s: %d %v", method, to, w.Code, w.Header())
			}
		}
	}
	h.gone(false)
}

// TestTheFormIsSmallAndAForm (S25).
func TestTheFormIsSmallAndAForm(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	for _, c := range []struct {
		kind, body string
		want       int
	}{
		{"application/x-www-form-urlencoded", "do=leave&reason=" + strings.Repeat("x", 1<<10), 413},
		{"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"do\"\r\n\r\n" + strings.Repeat("x", 1<<10), 413},
		{"multipart/form-data", "x", 400},
		{"application/json", `{"do":"leave"}`, 415},
		{"", "do=leave", 415},
		{"text/plain", "do=leave", 415},
		{"application/x-www-form-urlencoded", "do=%zz", 400},
		{"application/x-www-form-urlencoded", "do=else", 400},
	} {
		if w := h.ask("POST", h.page(), c.body, "Content-Type", c.kind); w.Code != c.want {
			t.Errorf("%s %.20q: %d, want %d", c.kind, c.body, w.Code, c.want)
		}
	}
	h.gone(false)
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	for _, w := range []*httptest.ResponseRecorder{h.ask("GET", h.page(), ""), h.ask("POST", h.button(), oneClick), h.ask("GET", "https://example.com/", "")} {
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
			"Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "X-Robots-Tag": "noindex", "Strict-Transport-Security": "max-age",
		} {
			if !strings.Contains(w.Header().Get(name), want) {
				t.Errorf("%s is %q", name, w.Header().Get(name))
			}
		}
	}
}

// TestThePolicyLetsThePageHaveItsSheet: a browser drops a style sheet whose
// digest the policy does not name.
func TestThePolicyLetsThePageHaveItsSheet(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	w := h.ask("GET", h.page(), "")
	_, rest, _ := strings.Cut(w.Body.String(), "<style>")
	sheet, _, ok := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(sheet))
	want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	if !ok || !strings.Contains(sheet, "main {") || !strings.Contains(w.Header().Get("Content-Security-Policy"), want) {
		t.Errorf("the page's sheet has %s, the policy is %s", want, w.Header().Get("Content-Security-Policy"))
	}
}

// TestOneVisitorIsSlowedDown and nobody else.
func TestOneVisitorIsSlowedDown(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	refused := 0
	for range 260 {
		r := httptest.NewRequest("GET", h.page(), nil)
		r.RemoteAddr = "198.51.100.7:4711"
		w := httptest.NewRecorder()
		if h.pages.ServeHTTP(w, r); w.Code == 429 {
			refused++
		}
	}
	if refused == 0 || refused > 60 {
		t.Errorf("%d of 260 were refused", refused)
	}
	for _, other := range []struct{ remote, forwarded string }{{"198.51.100.8:1", ""}, {"[2001:db8::1]:1", ""}, {"127.0.0.1:1", "198.51.100.7, 203.0.113.9"}} {
		r := httptest.NewRequest("GET", h.page(), nil)
		r.RemoteAddr = other.remote
		r.Header.Set("X-Forwarded-For", other.forwarded)
		w := httptest.NewRecorder()
		if h.pages.ServeHTTP(w, r); w.Code != 200 {
			t.Errorf("%+v: %d", other, w.Code)
		}
	}
	r := httptest.NewRequest("GET", h.page(), nil)
	r.RemoteAddr = "203.0.113.10:1"
	r.Header.Set("X-Forwarded-For", "198.51.100.7") // only a proxy on this machine is believed
	w := httptest.NewRecorder()
	if h.pages.ServeHTTP(w, r); w.Code != 200 {
		t.Errorf("a stranger's word was believed: %d", w.Code)
	}
}

// full is a ledger whose disk is.
type full struct{ *ledgertest.Memory }

func (full) Suppress(context.Context, ...ledger.Suppression) (int, error) {
	return 0, errors.New("disk full")
}

// TestABrokenLedgerIsNoSuccess: the mail program is to try again.
func TestABrokenLedgerIsNoSuccess(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	pages, err := unsubscribe.NewHandler(unsubscribe.Options{
		URL: h.links.URL, Keys: h.links.Keys, Books: full{h.Memory}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	h.pages = pages
	if w := h.ask("POST", h.button(), oneClick); w.Code != 503 || strings.Contains(w.Body.String(), "disk") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestNobodyHoldsTheDoor (S25): over a real socket, a body of a gigabyte is cut
// off after its first kilobyte, and the end of the server is waited for.
func TestNobodyHoldsTheDoor(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- unsubscribe.Serve(ctx, l, h.pages) }()

	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	path := strings.TrimPrefix(h.button(), "https://example.com")
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: example.com\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n", path, 1<<30)
	sent, err := io.Copy(conn, io.LimitReader(zeros{}, 1<<30)) // ends when the server hangs up
	if err == nil || sent > 64<<20 {
		t.Errorf("%d bytes were taken, %v", sent, err)
	}
	h.gone(false)

	slow, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprintf(slow, "GET %s HTTP/1.1\r\nHost: exam", path) // and never goes on
	if err := slow.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err = bufio.NewReader(slow).ReadByte()
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		t.Error("a half request was waited for")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestVisitorsAreCounted (S25): beyond so many at once others wait for one to go.
func TestVisitorsAreCounted(t *testing.T) {
	t.Parallel()
	const most = 256
	h := newHall(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- unsubscribe.Serve(ctx, l, h.pages) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	var inside []net.Conn
	for range most {
		inside = append(inside, visit(t, l.Addr().String()))
	}
	if !answered(t, inside[most-1], 10*time.Second) {
		t.Error("the last that has room is not answered")
	}
	outside := visit(t, l.Addr().String())
	if answered(t, outside, 200*time.Millisecond) {
		t.Errorf("visitor %d is answered beside the others", most+1)
	}
	_ = inside[0].Close()
	if !answered(t, outside, 10*time.Second) {
		t.Error("nobody is let in after one has gone")
	}
}

// visit asks for a page and stays.
func visit(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprint(conn, "GET /u/nothing HTTP/1.1\r\nHost: example.com\r\n\r\n")
	return conn
}

func answered(t *testing.T, conn net.Conn, within time.Duration) bool {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	_, err := conn.Read(make([]byte, 1))
	return err == nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
