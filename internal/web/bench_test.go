//go:build unix

package web_test

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"syscall"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/web"
	"hongyan/internal/web/webtest"
)

// bound is how long a page of an issue of 100,000 recipients may take.
const bound = 100 * time.Millisecond

// large is an office with an issue of 100,000 recipients, nine in ten of them
// settled, and 100,000 suppressions.
func large(b *testing.B) (*webtest.Office, ledger.Key) {
	b.Helper()
	o := webtest.Open(b)
	c := weekly(100_000)
	o.Add(c)
	o.Hire(web.Account{Name: "qq", Provider: "qq", Address: "news@qq.com", Windows: []web.Window{{Name: "100000/day", Max: 100_000}}})
	k := ledger.Key{Campaign: "weekly", Issue: "2026-11-23T09:00"}
	if err := o.Start(b.Context(), k, "wang"); err != nil {
		b.Fatal(err)
	}
	begin := time.Now().Add(-3 * time.Hour)
	for i := range 90 {
		if _, err := o.Step(b.Context(), 1000, begin.Add(time.Duration(i)*2*time.Minute)); err != nil {
			b.Fatal(err)
		}
	}
	all := make([]ledger.Suppression, 100_000)
	for i := range all {
		all[i] = ledger.Suppression{List: "weekly", Address: fmt.Sprintf("gone%06d@example.com", i), Source: ledger.Import, By: "wang", At: begin}
	}
	if _, err := o.Store.Suppress(b.Context(), all...); err != nil {
		b.Fatal(err)
	}
	return o, k
}

// spent is what this process has had of the cores.
func spent() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fetch returns a page, which must be there.
func fetch(b *testing.B, handler http.Handler, path string) string {
	b.Helper()
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "http://127.0.0.1"+path, nil)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		b.Fatalf("%s: %d", path, w.Code)
	}
	return w.Body.String()
}

// onward is where a search that has found nobody yet goes on.
var onward = regexp.MustCompile(`data-onward>.*href="([^"#]*)`)

func next(page string) string {
	m := onward.FindStringSubmatch(page)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// BenchmarkPages asks every page of a large state, each time after a mail has
// left and with nothing drawn or counted by the pages yet; and the pages that
// count most once more as the first visitor after a restart finds them. Where a
// search goes on from page to page, the dearest of them counts.
func BenchmarkPages(b *testing.B) {
	o, k := large(b)
	issue := "/issues/weekly/2026-11-23T09:00"
	last := int64(0)
	for e, err := range o.Store.Entries(b.Context(), k, ledger.Filter{States: []ledger.State{ledger.Queued}, Limit: 1}) {
		if err != nil {
			b.Fatal(err)
		}
		last = e.ID
	}
	sendOne := func() {
		if _, err := o.Step(b.Context(), 1, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
	for _, page := range []struct {
		name, path string
		before     func()
	}{
		{"overview", "/", sendOne},
		{"campaigns", "/campaigns", sendOne},
		{"campaign", "/campaigns/weekly", sendOne},
		{"issue", issue, sendOne},
		{"issue-over-time", issue + "/timeline", sendOne},
		{"issue-last-page", fmt.Sprintf("%s?after=%d", issue, last+9_900), sendOne},
		{"issue-refused", issue + "?state=refused", sendOne},
		{"issue-found", issue + "?q=reader44444", sendOne},
		{"issue-found-at-the-end", issue + "?q=reader99999", sendOne},
		{"issue-nobody-found", issue + "?q=zhang", sendOne},
		{"issue-nobody-so-long", issue + "?q=nobody-is-called-so", sendOne},
		{"issue-all-found", issue + "?q=example", sendOne},
		{"issue-refused-found", issue + "?state=refused&q=reader8999", sendOne},
		{"issue-no-such-state-found", issue + "?state=deferred&q=reader", sendOne},
		{"recipient", fmt.Sprintf("%s/entries/%d", issue, last-1), sendOne},
		{"accounts", "/accounts", sendOne},
		{"suppressions", "/suppressions", sendOne},
		{"suppressions-last-page", "/suppressions?after=gone099900@example.com&after_list=weekly", sendOne},
		{"suppressions-found", "/suppressions?q=gone099999", sendOne},
		{"settle", "/settle", sendOne},
		{"log", "/log", sendOne},
		{"overview-after-restart", "/", func() { o.Restart(b) }},
		{"issue-over-time-after-restart", issue + "/timeline", func() { o.Restart(b) }},
	} {
		b.Run(page.name, func(b *testing.B) {
			var each, cost time.Duration
			pages := 0
			for b.Loop() {
				b.StopTimer()
				page.before()
				handler := handlerOf(b, o, false)
				b.StartTimer()
				var slowest, dearest time.Duration
				for path := page.path; path != ""; pages++ {
					begun, before := time.Now(), spent()
					path = next(fetch(b, handler, path))
					slowest, dearest = max(slowest, time.Since(begun)), max(dearest, spent()-before)
				}
				each, cost = each+slowest, cost+dearest
			}
			each, cost = each/time.Duration(b.N), cost/time.Duration(b.N)
			b.ReportMetric(float64(pages)/float64(b.N), "pages")
			b.ReportMetric(float64(each.Nanoseconds()), "ns/op") // of a page, however many a search takes
			b.ReportMetric(float64(cost.Microseconds())/1000, "cpu-ms/page")
			if each > bound && cost > bound { // on a busy machine the clock says nothing
				b.Errorf("%s takes %s (%s of a core), more than %s", page.name, each, cost, bound)
			}
		})
	}
}
