package web_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/reply"
	"hongyan/internal/web"
	"hongyan/internal/web/login"
	"hongyan/internal/web/webtest"
)

// A house is an office with the dashboard before it, and a browser.
type house struct {
	*webtest.Office
	t    *testing.T
	url  string
	http *http.Client
}

// build opens an office with a weekly letter to people of three kinds.
func build(t *testing.T, people int) *house {
	t.Helper()
	o := webtest.Open(t)
	o.Add(weekly(people))
	o.Hire(web.Account{Name: "qq", Provider: "qq", Address: "news@qq.com", Pace: 1, Windows: []web.Window{{Name: "100/day", Max: 100}}})
	return serve(t, o)
}

func weekly(people int) webtest.Campaign {
	c := webtest.Campaign{
		Campaign: web.Campaign{
			Name: "weekly", File: "campaigns/weekly.yaml", Subject: "The week of the geese", Recipients: "people.csv",
			Accounts: []string{"qq"}, Schedule: "0 9 * * MON", Issue: "2026-11-23T09:00",
			Next: []time.Time{time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)},
		},
		Findings: []web.Finding{{Rule: "alt-missing", Severity: "warning", What: fault.Textf("an image has no text")}},
		Answer:   answer,
	}
	for i := range people {
		c.People = append(c.People, ledger.Row{Line: i + 2, Address: fmt.Sprintf("reader%05d@example.com", i), Name: fmt.Sprintf("Reader %d", i), Fields: map[string]string{"city": "Hangzhou"}})
	}
	return c
}

// answer refuses every tenth and leaves every twenty-fifth in doubt.
func answer(e ledger.Entry, _ time.Time) ledger.Outcome {
	switch {
	case e.Line%25 == 0:
		return ledger.Outcome{State: ledger.InDoubt, Stage: "dot", Reply: "the connection was lost after the last byte", Bytes: 4711}
	case e.Line%10 == 0:
		return ledger.Outcome{State: ledger.Refused, Stage: "dot", Code: 550, Enhanced: "5.1.1", Reply: "The recipient may contain a non-existent account", Class: "bad-address", Rule: "qq/550-non-existent"}
	}
	return ledger.Outcome{State: ledger.Sent, Stage: "dot", Code: 250, Reply: "Ok: queued as"}
}

func serve(t *testing.T, o *webtest.Office) *house {
	t.Helper()
	handler := handlerOf(t, o, false)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	jar, _ := cookiejar.New(nil)
	return &house{Office: o, t: t, url: server.URL, http: &http.Client{Jar: jar}}
}

func handlerOf(t testing.TB, o *webtest.Office, secure bool) http.Handler {
	t.Helper()
	guard := login.New(login.Options{Shelf: o.Store, Secure: secure, Self: "wang"})
	t.Cleanup(guard.Close)
	server, err := web.New(web.Options{
		Books: o.Store, Desk: o, Guard: guard, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Hosts: []string{"mail.example.com"},
		API: http.NotFoundHandler(), Others: map[string]http.Handler{"GET /metrics": http.NotFoundHandler()},
	})
	if err != nil {
		t.Fatal(err)
	}
	return server.Handler()
}

// get returns a page, which must be there.
func (h *house) get(path string) string {
	h.t.Helper()
	status, page := h.ask(http.MethodGet, path, nil)
	if status != http.StatusOK {
		h.t.Fatalf("GET %s: %d\n%s", path, status, page)
	}
	return page
}

// post sends a form and returns the page that it leads to.
func (h *house) post(path string, form url.Values) (int, string) {
	h.t.Helper()
	return h.ask(http.MethodPost, path, form)
}

func (h *house) ask(method, path string, form url.Values) (int, string) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html,*/*;q=0.8")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := h.http.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer.StatusCode, string(page)
}

func (h *house) start() ledger.Key {
	h.t.Helper()
	k := ledger.Key{Campaign: "weekly", Issue: "2026-11-23T09:00"}
	if err := h.Start(h.t.Context(), k, "wang"); err != nil {
		h.t.Fatal(err)
	}
	return k
}

func (h *house) step(n int) {
	h.t.Helper()
	if _, err := h.Step(h.t.Context(), n, time.Now()); err != nil {
		h.t.Fatal(err)
	}
}

// acts are what the log has, the latest first.
func (h *house) acts() (out []string) {
	h.t.Helper()
	for act, err := range h.Store.Acts(h.t.Context(), 0, 0) {
		if err != nil {
			h.t.Fatal(err)
		}
		out = append(out, strings.TrimSpace(act.By+" "+act.What+" "+act.Campaign+" "+act.About+" "+act.Note))
	}
	return out
}

// says wants all of some things in a page, in this order.
func says(t *testing.T, page string, wanted ...string) {
	t.Helper()
	at := 0
	for _, want := range wanted {
		i := strings.Index(page[at:], want)
		if i < 0 {
			t.Fatalf("no %q after byte %d of\n%s", want, at, page)
		}
		at += i
	}
}

func TestOverviewTellsWhatIsHeldFaultyUnderWayOverAndDue(t *testing.T) {
	t.Parallel()
	h := build(t, 30)
	h.Add(webtest.Campaign{Campaign: web.Campaign{Name: "draft", Accounts: []string{"qq"}, Faults: fault.Faults{fault.At("draft.yaml", 3, "unknown key %q", "subjct")}}})
	old := webtest.Campaign{Campaign: web.Campaign{Name: "welcome", Accounts: []string{"qq"}}, People: []ledger.Row{{Line: 2, Address: "a@example.com"}}}
	h.Add(old)
	if err := h.Start(t.Context(), ledger.Key{Campaign: "welcome", Issue: "main"}, "wang"); err != nil {
		t.Fatal(err)
	}
	h.step(2) // it is over
	h.start()
	h.step(10)
	hold := ledger.Hold{Account: "qq", Since: time.Now(), Until: time.Now().Add(time.Hour), Reason: "too many mails", Rule: "qq/frequency", Reply: "550 frequency limited"}
	if err := h.Store.Hold(t.Context(), hold); err != nil {
		t.Fatal(err)
	}
	says(t, h.get("/"), "Account qq is held", "too many mails", "550 frequency limited", "draft has faults", "draft.yaml:3", "unknown key",
		"Under way", "weekly", "2026-11-23T09:00", "running", "Last results", "welcome", "Due next", "2026-11-30")
}

func TestEveryPageOpensInBothLanguages(t *testing.T) {
	t.Parallel()
	h := build(t, 120)
	k := h.start()
	h.step(60)
	id := int64(0)
	for e, err := range h.Store.Entries(t.Context(), k, ledger.Filter{Limit: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		id = e.ID
	}
	issue := "/issues/weekly/2026-11-23T09:00"
	pages := []string{
		"/", "/campaigns", "/campaigns/weekly", "/campaigns/weekly/draft", "/campaigns/weekly/preview?n=3", "/campaigns/weekly/preview?as=text",
		"/campaigns/weekly/preview?as=source", "/campaigns/weekly/letter?n=3", issue, issue + "?state=sent&q=reader", fmt.Sprintf("%s/entries/%d", issue, id),
		issue + "/timeline", issue + "/report/csv", issue + "/report/html", issue + "/report/jsonl", issue + "/report/failed",
		"/accounts", "/suppressions", "/suppressions.csv", "/settle", "/log", "/login",
		"/acts/start?campaign=weekly", "/acts/test?campaign=weekly", "/acts/retry?campaign=weekly&issue=2026-11-23T09:00",
		"/acts/settle?campaign=weekly&issue=2026-11-23T09:00&to=sent", "/acts/lift?account=qq", "/acts/unsuppress?address=a@example.com",
	}
	for _, lang := range []string{"en", "zh"} {
		if status, _ := h.post("/lang", url.Values{"lang": {lang}, "back": {"/log"}}); status != http.StatusOK {
			t.Fatalf("%s: %d", lang, status)
		}
		for _, page := range pages {
			if text := h.get(page); strings.Contains(text, "ZgotmplZ") || strings.Contains(text, "%!") || strings.Contains(text, "&lt;nil&gt;") {
				t.Errorf("%s in %s:\n%s", page, lang, text)
			}
		}
	}
	if !slices.Contains(strings.Split(h.get("/log"), "\n"), `<html lang="zh-CN">`) {
		t.Error("the chosen language did not stay")
	}
	for _, nowhere := range []string{"/nothing", "/issues/weekly/none", "/campaigns/none", issue + "/entries/1", issue + "/report/exe", "/acts/fly"} {
		if status, _ := h.ask(http.MethodGet, nowhere, nil); status != http.StatusNotFound {
			t.Errorf("%s: %d", nowhere, status)
		}
	}
}

// A process dies over the first mail, somebody has left before the second, and
// comes back later; the third was given up, and two accounts are held.
func TestWhatHongyanItselfSaidIsSaidInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	o := webtest.Open(t)
	o.Add(weekly(4))
	k, now := ledger.Key{Campaign: "weekly", Issue: "1"}, time.Now()
	if err := o.Start(t.Context(), k, "wang"); err != nil {
		t.Fatal(err)
	}
	entries, err := o.Store.Claim(t.Context(), k, "qq", 3, now)
	if err != nil || len(entries) != 3 {
		t.Fatal(entries, err)
	}
	left := ledger.Suppression{Address: entries[1].Address, Source: ledger.Unsubscribe, Reason: "too often", By: "recipient", At: time.Date(2026, 11, 23, 9, 0, 0, 0, time.Local)}
	err = o.Store.Record(t.Context(),
		ledger.Intent{ID: entries[0].ID, Account: "qq", MessageID: "<1@example.com>", At: now},
		ledger.Outcome{ID: entries[1].ID, State: ledger.Suppressed, Account: "qq", Reply: left.Why(), Rule: string(left.Source), At: now, Free: true},
		ledger.Intent{ID: entries[2].ID, Account: "qq", MessageID: "<3@example.com>", At: now},
		ledger.Outcome{ID: entries[2].ID, State: ledger.Refused, Account: "qq", Code: 450, Class: string(reply.Transient), Rule: "qq/later", Reply: ledger.GivenUp(1, "later"), At: now})
	if err != nil {
		t.Fatal(err)
	}
	for account, reason := range map[string]string{"qq": string(reply.RateAccount), "163": ledger.LinksLost(3)} {
		if err := o.Store.Hold(t.Context(), ledger.Hold{Account: account, Since: now, Until: now.Add(time.Hour), Reason: reason}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.Store.Suppress(t.Context(), left); err != nil {
		t.Fatal(err)
	}
	if err := o.Store.Note(t.Context(), ledger.Act{At: now, By: "recipient", What: "resubscribe", About: left.Address}); err != nil {
		t.Fatal(err)
	}
	o.Restart(t)
	h := serve(t, o)
	entry := func(i int) string { return fmt.Sprintf("/issues/weekly/1/entries/%d", entries[i].ID) }
	for _, c := range []struct{ page, en, zh string }{
		{"/settle", ledger.AbandonedWhy, "交出邮件时程序中断"},
		{"/issues/weekly/1", ledger.AbandonedWhy, "交出邮件时程序中断"},
		{entry(0), ledger.AbandonedWhy, "交出邮件时程序中断"},
		{"/issues/weekly/1", "unsubscribe on 2026-11-23: too often", "退订（2026-11-23）：too often"},
		{entry(1), "unsubscribe on 2026-11-23: too often", "退订（2026-11-23）：too often"},
		{"/issues/weekly/1", "given up after 1 attempt: later", "尝试 1 次后放弃：later"},
		{"/issues/weekly/1", `<td class="small">transient<br>`, `<td class="small">暂时故障<br>`},
		{entry(2), "<dd>transient</dd>", "<dd>暂时故障</dd>"},
		{"/acts/retry?campaign=weekly&issue=1", `value="transient"><span>transient `, `value="transient"><span>暂时故障 `},
		{"/", "<p>rate-account</p>", "<p>账号限流</p>"},
		{"/", "<p>3 links lost in a row</p>", "<p>连续断线 3 次</p>"},
		{"/suppressions", `<span class="soft">recipient</span>`, `<span class="soft">收件人</span>`},
		{"/log", "<bdi>recipient</bdi></td><th scope=\"row\">resubscribe", "<bdi>收件人</bdi></td><th scope=\"row\">重新订阅"},
	} {
		for lang, want := range map[string]string{"en": c.en, "zh": c.zh} {
			h.post("/lang", url.Values{"lang": {lang}, "back": {"/log"}})
			if page := h.get(c.page); !strings.Contains(page, want) {
				t.Errorf("%s in %s has no %q:\n%s", c.page, lang, want, page)
			} else if strings.Contains(page, "text/plain; charset") {
				t.Errorf("%s says what stands at the head of the catalogue", c.page)
			}
		}
	}
}
