package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/web"
	"hongyan/internal/web/api"
	"hongyan/internal/web/webtest"
)

// many are 250 issues, of which some were planned at the same moment, as many
// suppressions and as many acts.
func many(t *testing.T) *client {
	t.Helper()
	c := newClient(t)
	var gone []ledger.Suppression
	for i := range 250 {
		at := time.Now().Add(time.Duration(i/4) * time.Second)
		if _, err := c.Store.Plan(t.Context(), ledger.Key{Campaign: "weekly", Issue: fmt.Sprint("no. ", i)}, ledger.Plan{At: at}); err != nil {
			t.Fatal(err)
		}
		if err := c.Store.Note(t.Context(), ledger.Act{At: at, By: "wang", What: "lift", About: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
		list := []string{"", "weekly"}[i%2]
		gone = append(gone, ledger.Suppression{List: list, Address: fmt.Sprintf("r%03d@example.com", i/2), Source: ledger.Manual, Reason: "asked & thanked", By: "wang", At: at})
	}
	if _, err := c.Store.Suppress(t.Context(), gone...); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryListComesInPagesThatLinkToTheNext(t *testing.T) {
	t.Parallel()
	c := many(t)
	for path, pages := range map[string][]int{
		"/issues":                             {100, 100, 50},
		"/issues?limit=125":                   {125, 125},
		"/issues?limit=1000":                  {250},
		"/suppressions":                       {100, 100, 50},
		"/suppressions?limit=99":              {99, 99, 52},
		"/suppressions?list=&limit=125":       {125},
		"/suppressions?list=weekly&limit=124": {124, 1},
		"/suppressions?q=%26+THANKED&list=":   {100, 25},
		"/suppressions?q=r12&limit=5":         {5, 5},
		"/suppressions?q=nobody":              {0},
		"/acts":                               {100, 100, 50},
	} {
		bare, _, _ := strings.Cut(path, "?")
		var got []int
		seen := map[string]bool{}
		for next := path; next != "" && len(got) <= len(pages); {
			_, w := c.send(http.MethodGet, next, nil)
			var page []map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || page == nil || w.Code != http.StatusOK {
				t.Fatalf("%s: %d, %v: %s", next, w.Code, err, w.Body)
			}
			for _, one := range page {
				seen[fmt.Sprint(one)] = true
			}
			got = append(got, len(page))
			if next = linked(w); next != "" {
				next = bare + next
			}
		}
		all := 0
		for _, n := range got {
			all += n
		}
		if !slices.Equal(got, pages) || len(seen) != all {
			t.Errorf("%s: pages of %v with %d different, want %v", path, got, len(seen), pages)
		}
	}
}

func TestAnIssuePlannedAnewBetweenTwoPagesHidesNone(t *testing.T) {
	t.Parallel()
	c := many(t)
	_, w := c.send(http.MethodGet, "/issues?limit=200", nil)
	var page []struct{ Issue string }
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, one := range page {
		seen[one.Issue] = true
	}
	last := ledger.Key{Campaign: "weekly", Issue: page[len(page)-1].Issue}
	if err := c.Store.Refreeze(t.Context(), last, ledger.Plan{At: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	for next := linked(w); next != ""; next = linked(w) {
		_, w = c.send(http.MethodGet, "/issues"+next, nil)
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		for _, one := range page {
			seen[one.Issue] = true
		}
	}
	if len(seen) != 250 {
		t.Errorf("%d issues were seen", len(seen))
	}
}

// A watched ledger remembers the shortest step that it was asked for.
type watched struct {
	web.Books
	shortest time.Duration
}

func (w *watched) Timeline(ctx context.Context, k ledger.Key, step time.Duration) ([]ledger.Moment, error) {
	if w.shortest == 0 || step < w.shortest {
		w.shortest = step
	}
	return w.Books.Timeline(ctx, k, step)
}

func TestATimelineIsBoundedWhateverTheSpanOfItsIssue(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	const people = 2500
	books := &watched{Books: c.Store}
	c.handler = api.New(api.Options{Books: books, Desk: c.Office}, func(h http.Handler) http.Handler { return h })
	for name, every := range map[string]time.Duration{"short": time.Second, "long": 100 * time.Second, "slow": 24 * time.Hour} {
		c.settle(name, people, every)
	}
	for path, want := range map[string]struct {
		moments        int
		step, shortest time.Duration
	}{
		"short/main/timeline?step=60":      {42, time.Minute, time.Minute},
		"short/main/timeline?step=1":       {625, 4 * time.Second, time.Second},
		"short/main/timeline?step=7":       {358, 7 * time.Second, 7 * time.Second},
		"long/main/timeline?step=60":       {521, 480 * time.Second, time.Minute},
		"long/main/timeline?step=1":        {977, 256 * time.Second, 64 * time.Second},
		"long/main/timeline?step=7":        {558, 448 * time.Second, 112 * time.Second},
		"slow/main/timeline?step=1":        {825, 1 << 18 * time.Second, 64 * time.Second},
		"slow/main/timeline?step=31622400": {8, 366 * 24 * time.Hour, 366 * 24 * time.Hour},
	} {
		books.shortest = 0
		got := c.timeline(path)
		if len(got) != want.moments || got[0].Step != want.step.Seconds() || books.shortest != want.shortest {
			t.Errorf("%s: %d moments of %gs, the ledger was asked for %s; want %+v", path, len(got), got[0].Step, books.shortest, want)
		}
		sent := 0
		for _, one := range got {
			sent += one.Totals.Sent
		}
		if sent != people {
			t.Errorf("%s: %d were sent", path, sent)
		}
		bare, _, _ := strings.Cut(path, "?")
		if same := c.timeline(fmt.Sprintf("%s?step=%.0f", bare, got[0].Step)); !slices.Equal(got, same) {
			t.Errorf("%s: it is not the timeline by steps of %gs", path, got[0].Step)
		}
	}
}

// A moment is one step of a timeline.
type moment struct {
	At     time.Time
	Step   float64 `json:"step_seconds"`
	Totals struct{ Sent int }
}

func (c *client) timeline(path string) (out []moment) {
	c.t.Helper()
	_, w := c.send(http.MethodGet, "/issues/"+path, nil)
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || len(out) == 0 {
		c.t.Fatalf("%s: %v: %s", path, err, w.Body)
	}
	return out
}

// settle sends the mails of an issue, one every so long.
func (c *client) settle(name string, people int, every time.Duration) {
	c.t.Helper()
	crowd := webtest.Campaign{Campaign: web.Campaign{Name: name, Accounts: []string{"qq"}}}
	for i := range people {
		crowd.People = append(crowd.People, ledger.Row{Line: i + 2, Address: fmt.Sprintf("r%05d@example.com", i)})
	}
	c.Add(crowd)
	k := ledger.Key{Campaign: name, Issue: "main"}
	if err := c.Start(c.t.Context(), k, "wang"); err != nil {
		c.t.Fatal(err)
	}
	var events []ledger.Event
	at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for e, err := range c.Store.Entries(c.t.Context(), k, ledger.Filter{}) {
		if err != nil {
			c.t.Fatal(err)
		}
		events = append(events, ledger.Intent{ID: e.ID, Account: "qq", MessageID: "<1@example.com>", At: at}, ledger.Outcome{ID: e.ID, State: ledger.Sent, Account: "qq", At: at})
		at = at.Add(every)
	}
	if err := c.Store.Record(c.t.Context(), events...); err != nil {
		c.t.Fatal(err)
	}
}
