package web_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/ledgertest"
	"hongyan/internal/web"
	"hongyan/internal/web/login"
	"hongyan/internal/web/webtest"
)

// ask sends one request to a handler, with headers in pairs; "Host" sets the host.
func ask(t *testing.T, handler http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:8080"+path, nil)
	for pair := range slices.Chunk(headers, 2) {
		if pair[0] == "Host" {
			r.Host = pair[1]
			continue
		}
		r.Header.Set(pair[0], pair[1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// S19: who comes from another site changes nothing.
func TestS19AnotherSiteChangesNothing(t *testing.T) {
	t.Parallel()
	handler := handlerOf(t, build(t, 3).Office, false)
	act := "/acts/suppress?address=victim@example.com"
	for _, c := range []struct {
		name    string
		want    int
		headers []string
	}{
		{"our own page", http.StatusSeeOther, []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://127.0.0.1:8080"}},
		{"typed in by a person", http.StatusSeeOther, []string{"Sec-Fetch-Site", "none"}},
		{"an old browser, our own page", http.StatusSeeOther, []string{"Origin", "http://127.0.0.1:8080"}},
		{"no browser at all", http.StatusSeeOther, nil},
		{"another site", http.StatusForbidden, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}},
		{"another site of the same domain", http.StatusForbidden, []string{"Sec-Fetch-Site", "same-site", "Origin", "http://127.0.0.1:9999"}},
		{"an old browser, another site", http.StatusForbidden, []string{"Origin", "https://evil.example"}},
		{"an old browser, another port", http.StatusForbidden, []string{"Origin", "http://127.0.0.1:9999"}},
		{"a frame without an origin", http.StatusForbidden, []string{"Origin", "null"}},
	} {
		form := append([]string{"Content-Type", "application/x-www-form-urlencoded"}, c.headers...)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:8080"+act, strings.NewReader("address=victim%40example.com"))
		for pair := range slices.Chunk(form, 2) {
			r.Header.Set(pair[0], pair[1])
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s: %d, not %d", c.name, w.Code, c.want)
		}
	}
}

// S19: there is no door that another site may knock at.
func TestS19AnotherSiteMayPostNowhere(t *testing.T) {
	t.Parallel()
	handler := handlerOf(t, build(t, 3).Office, false)
	paths := []string{"/login", "/logout", "/lang", "/accounts/qq/probe", "/", "/nothing", "/static/style.css", "/live/overview", "/api/v1/issues"}
	for _, act := range []string{web.ActStart, web.ActPause, web.ActResume, web.ActTest, web.ActRetry, web.ActSettle, web.ActLift, web.ActSuppress, web.ActUnsuppress} {
		paths = append(paths, "/acts/"+act)
	}
	for _, path := range paths {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			if w := ask(t, handler, method, path, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); w.Code != http.StatusForbidden {
				t.Errorf("%s %s: %d", method, path, w.Code)
			}
		}
	}
}

// S19: reading changes nothing, whatever is asked.
func TestS19ReadingChangesNothing(t *testing.T) {
	t.Parallel()
	h := build(t, 60)
	k := h.start()
	h.step(60)
	h.step(1)
	before, err := h.Store.Totals(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	query := "?sure=yes&campaign=weekly&issue=2026-11-23T09:00&account=qq&address=a@example.com&class=bad-address&to=resend&test_to=a@example.com&list="
	for _, act := range []string{web.ActStart, web.ActPause, web.ActResume, web.ActTest, web.ActRetry, web.ActSettle, web.ActLift, web.ActSuppress, web.ActUnsuppress} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			h.ask(method, "/acts/"+act+query, nil)
		}
	}
	for _, path := range []string{"/logout", "/accounts/qq/probe"} {
		if status, _ := h.ask(http.MethodGet, path, nil); status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %d", path, status)
		}
	}
	after, err := h.Store.Totals(t.Context(), k)
	if err != nil || before != after {
		t.Errorf("%+v became %+v, %v", before, after, err)
	}
	if acts := h.acts(); len(acts) > 0 || len(h.Tested()) > 0 {
		t.Errorf("acts by reading: %q", acts)
	}
}

// S20: with a password nobody sees or does anything without a session.
func TestS20NothingIsOpenButTheLogin(t *testing.T) {
	t.Parallel()
	h := build(t, 3)
	h.start()
	if err := login.SetPassword(t.Context(), h.Store, "correct horse battery"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"/", "/campaigns", "/campaigns/weekly", "/campaigns/weekly/letter", "/issues/weekly/2026-11-23T09:00", "/issues/weekly/2026-11-23T09:00/report/csv",
		"/accounts", "/suppressions", "/suppressions.csv", "/settle", "/log", "/acts/start?campaign=weekly", "/live/overview", "/live/accounts", "/metrics",
	} {
		w := ask(t, handlerOf(t, h.Office, false), http.MethodGet, path, "Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
		if body := w.Body.String(); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/login" || strings.Contains(body, "weekly") {
			t.Errorf("%s: %d to %q:\n%s", path, w.Code, w.Header().Get("Location"), body)
		}
		w = ask(t, handlerOf(t, h.Office, false), http.MethodGet, path, "Accept", "application/openmetrics-text;version=1.0.0,*/*;q=0.1")
		if body := w.Body.String(); w.Code != http.StatusUnauthorized || strings.Contains(body, "weekly") {
			t.Errorf("%s, asked by a program: %d\n%s", path, w.Code, body)
		}
	}
	if w := ask(t, handlerOf(t, h.Office, false), http.MethodPost, "/acts/pause"); w.Code != http.StatusUnauthorized {
		t.Errorf("an act: %d", w.Code)
	}
	if status, page := h.post("/login", url.Values{"name": {"li"}, "password": {"wrong horse"}}); status != http.StatusUnauthorized {
		t.Errorf("a wrong password: %d\n%s", status, page)
	}
	if status, page := h.post("/login", url.Values{"name": {"li"}, "password": {"correct horse battery"}}); status != http.StatusOK {
		t.Fatalf("the password: %d\n%s", status, page)
	}
	h.post("/acts/pause", url.Values{"campaign": {"weekly"}, "issue": {"2026-11-23T09:00"}})
	if acts := h.acts(); !slices.Equal(acts, []string{"li pause weekly"}) {
		t.Errorf("acts: %q", acts)
	}
	h.post("/logout", nil)
	if page := h.get("/log"); !strings.Contains(page, `name="password"`) {
		t.Errorf("after the logout:\n%s", page)
	}
}

// S21: a name that somebody has pointed at this machine is not ours.
func TestS21OnlyOurOwnNamesAreHeeded(t *testing.T) {
	t.Parallel()
	handler := handlerOf(t, build(t, 3).Office, false)
	for host, want := range map[string]int{
		"127.0.0.1:8080": http.StatusOK, "localhost:8080": http.StatusOK, "LOCALHOST": http.StatusOK, "[::1]:8080": http.StatusOK,
		"mail.example.com": http.StatusOK, "Mail.Example.Com:443": http.StatusOK, "localhost.": http.StatusOK,
		"evil.example": http.StatusMisdirectedRequest, "evil.example:8080": http.StatusMisdirectedRequest, "10.0.0.7": http.StatusMisdirectedRequest,
		"127.0.0.1.evil.example": http.StatusMisdirectedRequest, "": http.StatusMisdirectedRequest, "mail.example.com.evil.example": http.StatusMisdirectedRequest,
	} {
		for _, path := range []string{"/", "/static/style.css", "/live/nothing", "/login", "/api/v1/issues", "/metrics"} {
			w := ask(t, handler, http.MethodGet, path, "Host", host)
			if got := w.Code == http.StatusMisdirectedRequest; got != (want == http.StatusMisdirectedRequest) {
				t.Errorf("%s called as %q: %d", path, host, w.Code)
			}
		}
	}
}

// hostile is what people have put into names, subjects and answers.
func hostile() []string {
	return []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'><svg/onload=alert(1)>`, `</title><script>alert(1)</script>`,
		`</textarea><script>alert(1)</script>`, `javascript:alert(1)`, `" onmouseover="alert(1)`, `{{.}}`, `<iframe srcdoc="<script>alert(1)</script>">`,
		"\u202Egpj.exe", "\x1b]0;title\a", `<style>*{display:none}</style>`, `<base href="//evil.example/">`, `&lt;script&gt;`,
	}
}

// S22: what others wrote stays text on every page.
func TestS22WhatOthersWroteStaysText(t *testing.T) {
	t.Parallel()
	o := webtest.Open(t)
	bad := hostile()
	name := strings.Join(bad, " ")
	c := webtest.Campaign{
		Campaign: web.Campaign{
			Name: name, File: name, Subject: name, List: name, Recipients: name, Accounts: []string{"qq"}, Schedule: name, Issue: bad[1],
			Faults: nil,
		},
		Findings: []web.Finding{{Rule: bad[0], Severity: "warning", Place: bad[1], What: fault.Textf("%s", name), Hint: fault.Textf("%s", name)}},
		Notes:    []fault.Text{fault.Textf("%s", name)},
		Answer: func(e ledger.Entry, _ time.Time) ledger.Outcome {
			if e.Line%2 == 0 {
				return ledger.Outcome{State: ledger.InDoubt, Stage: bad[0], Reply: name}
			}
			return ledger.Outcome{State: ledger.Refused, Stage: bad[0], Code: 550, Enhanced: bad[1], Reply: name, Class: bad[2], Rule: bad[3]}
		},
	}
	for i, text := range bad {
		c.People = append(c.People, ledger.Row{Line: i + 1, Address: fmt.Sprintf("%d@example.com", i), Name: text, Fields: map[string]string{text: text}})
	}
	o.Add(c)
	o.Add(webtest.Campaign{Campaign: web.Campaign{Name: "faulty", Faults: fault.Faults{fault.At(bad[0], 1, "%s", name).Hinted("%s", name)}}})
	o.Hire(web.Account{Name: "qq", Provider: bad[0], Address: name, Limits: []fault.Text{fault.Textf("%s", name)}, Learned: []fault.Text{fault.Textf("%s", name)}})
	o.Share(web.Crew{
		Workers: []web.Worker{{Name: name, Works: true, Alive: true, Accounts: []string{name, "qq"}}},
		Queue:   []web.Queue{{Key: ledger.Key{Campaign: name, Issue: name}, Account: name, Due: 1, Since: time.Now()}},
	})
	h := serve(t, o)
	k := ledger.Key{Campaign: name, Issue: bad[1]}
	if err := h.Start(t.Context(), k, name); err != nil {
		t.Fatal(err)
	}
	h.step(10)
	hold := ledger.Hold{Account: "qq", Since: time.Now(), Human: true, Reason: name, Rule: name, Reply: name}
	if err := h.Store.Hold(t.Context(), hold); err != nil {
		t.Fatal(err)
	}
	if err := h.Store.Note(t.Context(), ledger.Act{By: name, What: bad[0], Key: k, About: name, Note: name, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Store.Suppress(t.Context(), ledger.Suppression{List: name, Address: `"<script>"@example.com`, Source: ledger.Manual, Reason: name, By: name, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	campaign, issue := "/campaigns/"+url.PathEscape(name), "/issues/"+url.PathEscape(name)+"/"+url.PathEscape(bad[1])
	pages := []string{
		"/", "/campaigns", campaign, campaign + "/draft", campaign + "/preview?n=2", campaign + "/preview?as=source&n=3", issue, issue + "?q=" + url.QueryEscape(bad[1]),
		"/accounts", "/suppressions?q=" + url.QueryEscape(bad[2]), "/suppressions?list=" + url.QueryEscape(name), "/settle", "/log", "/?done=" + url.QueryEscape(bad[0]),
		"/acts/start?campaign=" + url.QueryEscape(name), "/acts/retry?campaign=" + url.QueryEscape(name) + "&issue=" + url.QueryEscape(bad[1]),
		"/acts/unsuppress?address=" + url.QueryEscape(name) + "&back=" + url.QueryEscape("javascript:alert(1)"), "/acts/lift?account=" + url.QueryEscape(name),
	}
	for e, err := range h.Store.Entries(t.Context(), k, ledger.Filter{Limit: 12}) {
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, fmt.Sprintf("%s/entries/%d", issue, e.ID))
	}
	for _, page := range pages {
		isClean(t, page, h.get(page))
	}
}

// isClean parses a page and wants nothing in it that runs or leads away.
func isClean(t *testing.T, path, page string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type == html.TextNode && strings.ContainsAny(n.Data, "\x1b\u202E") {
			t.Errorf("%s: control characters in %q", path, n.Data)
		}
		if n.Type != html.ElementNode {
			continue
		}
		src := attribute(n, "src")
		if n.Data == "script" && !strings.HasPrefix(src, "/static/") || slices.Contains([]string{"style", "base", "object", "embed"}, n.Data) || n.Data == "img" && !strings.HasPrefix(src, "/static/") {
			t.Errorf("%s: <%s src=%q>", path, n.Data, src)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "srcdoc" || strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") && a.Key == "href" {
				t.Errorf("%s: <%s %s=%q>", path, n.Data, a.Key, a.Val)
			}
		}
	}
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// S22: no page can be framed, no answer be taken for what it is not, and a mail
// is shown where it can neither run nor fetch.
func TestS22HeadersHoldEveryPageAndTheMailInItsFrame(t *testing.T) {
	t.Parallel()
	h := build(t, 3)
	handler := handlerOf(t, h.Office, false)
	for _, path := range []string{"/", "/login", "/static/script.js", "/nothing", "/suppressions.csv", "/campaigns/weekly/letter"} {
		w := ask(t, handler, http.MethodGet, path)
		csp := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "'unsafe-eval'") || w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: %v", path, w.Header())
		}
		if letter := strings.HasSuffix(path, "letter"); letter != strings.Contains(csp, "sandbox") || letter != strings.Contains(csp, "frame-ancestors 'self'") || !letter && strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %s", path, csp)
		}
	}
	letter := ask(t, handler, http.MethodGet, "/campaigns/weekly/letter").Header().Get("Content-Security-Policy")
	for _, source := range []string{"http", "*", "'self' data:", "script-src", "allow-"} { // nothing is fetched, nothing runs
		if strings.Contains(letter, source) {
			t.Errorf("a mail may use %s: %s", source, letter)
		}
	}
	frame := h.get("/campaigns/weekly/preview")
	if !strings.Contains(frame, `<iframe class="letter" sandbox title=`) {
		t.Errorf("the mail's frame is not sandboxed:\n%s", frame)
	}
}

// S20: acts are signed by who did them, not by programs or recipients.
func TestS20NobodyLogsInUnderANameOfPrograms(t *testing.T) {
	t.Parallel()
	h := build(t, 3)
	status, page := h.post("/login", url.Values{"name": {"li"}, "password": {"correct horse battery"}})
	if says(t, page, "set it with hongyan password"); status != http.StatusUnauthorized {
		t.Errorf("without a password: %d", status)
	}
	if err := login.SetPassword(t.Context(), h.Store, "correct horse battery"); err != nil {
		t.Fatal(err)
	}
	status, page = h.post("/login", url.Values{"name": {"token crm"}, "password": {"correct horse battery"}})
	if says(t, page, "take another"); status != http.StatusBadRequest {
		t.Errorf("a program's name: %d", status)
	}
	h.post("/login", url.Values{"name": {"li\r\n" + strings.Repeat("x", 1000)}, "password": {"correct horse battery"}})
	h.post("/acts/suppress", url.Values{"address": {"gone@example.com"}})
	if acts := h.acts(); len(acts) != 1 || !strings.HasPrefix(acts[0], "li xxx") || len(acts[0]) > 100 {
		t.Errorf("acts: %q", acts)
	}
}

// S20: a dashboard that others reach says why nobody is let in.
func TestS20WithoutAPasswordTheLoginOfAPublicDashboardSaysSo(t *testing.T) {
	t.Parallel()
	guard := login.New(login.Options{Shelf: ledgertest.NewMemory(), Beyond: true, Self: "root"})
	t.Cleanup(guard.Close)
	server, err := web.New(web.Options{Books: ledgertest.NewMemory(), Guard: guard, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	if w := ask(t, server.Handler(), http.MethodGet, "/log", "Accept", "text/html"); w.Header().Get("Location") != "/login" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	says(t, ask(t, server.Handler(), http.MethodGet, "/login").Body.String(), "set it with hongyan password")
}

// S21: what no name can be is asked of no ledger.
func TestS21AddressesOfBytesThatAreNoTextAreRefused(t *testing.T) {
	t.Parallel()
	handler := handlerOf(t, build(t, 3).Office, false)
	for _, path := range []string{
		"/campaigns/%00", "/campaigns/%ff", "/issues/weekly/%00", "/live/issues/weekly/%ff", "/suppressions?list=%00", "/suppressions?q=%ff", "/log?%zz=1",
		"/api/v1/issues/weekly/%00", "/api/v1/suppressions?list=%ff",
	} {
		if w := ask(t, handler, http.MethodGet, path); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := ask(t, handler, http.MethodGet, "/suppressions?q=%E9%9B%81+%26"); w.Code != http.StatusOK {
		t.Errorf("a goose: %d", w.Code)
	}
}

func TestRequestsAreBounded(t *testing.T) {
	t.Parallel()
	h := build(t, 3)
	big := strings.Repeat("a", 9<<20)
	if status, _ := h.post("/acts/suppress", url.Values{"address": {big}}); status != http.StatusConflict {
		t.Errorf("a body of 9 MB: %d", status)
	}
	if acts := h.acts(); len(acts) > 0 {
		t.Errorf("acts: %q", acts)
	}
}

func TestOnlyOurOwnPagesAreGoneBackTo(t *testing.T) {
	t.Parallel()
	h := build(t, 3)
	h.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for back, want := range map[string]string{
		"/log?before=3": "/log?before=3", "//evil.example/": "/", "https://evil.example/": "/", `/\evil.example`: "/", "javascript:alert(1)": "/", "": "/", "log": "/",
	} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+"/lang", strings.NewReader(url.Values{"lang": {"zh"}, "back": {back}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := h.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if got := answer.Header.Get("Location"); got != want {
			t.Errorf("%q leads to %q", back, got)
		}
	}
}
