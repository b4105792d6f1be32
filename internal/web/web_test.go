package web_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/sqlite"
	"hongyan/internal/web"
)

// An office has one campaign and knows what is on its floor.
type office struct {
	web.Desk
	jobs []web.Job
}

func (o *office) Campaigns(context.Context) ([]web.Campaign, error) {
	return []web.Campaign{{
		Name: "weekly", Schedule: "0 9 * * MON", Next: []time.Time{time.Now().Add(time.Hour)},
		Faults: fault.Faults{fault.At("weekly.yaml", 3, "unknown key %q", "<script>alert(1)</script>")},
	}}, nil
}

func (o *office) Jobs(context.Context) ([]web.Job, error) { return o.jobs, nil }

func open(t *testing.T) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func enqueue(t *testing.T, store ledger.Planner, k ledger.Key, addresses ...string) {
	t.Helper()
	if _, err := store.Plan(t.Context(), k, ledger.Plan{At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	rows := func(yield func(ledger.Row, error) bool) {
		for i, address := range addresses {
			if !yield(ledger.Row{Line: i + 2, Address: address}, nil) {
				return
			}
		}
	}
	if _, err := store.Enqueue(t.Context(), k, rows); err != nil {
		t.Fatal(err)
	}
}

func TestOverviewTellsWhatIsUnderWayWhatIsDueAndWhatIsFaulty(t *testing.T) {
	t.Parallel()
	store := open(t)
	now, done := ledger.Key{Campaign: "weekly", Issue: "2026-11-23T09:00"}, ledger.Key{Campaign: "welcome", Issue: "main"}
	enqueue(t, store, done, "a@example.com")
	enqueue(t, store, now, "a@example.com", "b@example.com")
	desk := &office{jobs: []web.Job{{Key: now, Standing: web.Running}}}
	server, err := web.New(web.Options{
		Books: store, Desk: desk, Log: slog.New(slog.DiscardHandler),
		Say: func(_ string, t fault.Text) string { return t.String() },
	})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	server.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	page := w.Body.String()
	if w.Code != http.StatusOK || strings.Contains(page, "<script>alert") {
		t.Errorf("status %d, page:\n%s", w.Code, page)
	}
	places := make([]int, 0, 5)
	for _, want := range []string{"weekly.yaml:3", "&lt;script&gt;alert(1)", "weekly / 2026-11-23T09:00", "running", "welcome / main"} {
		places = append(places, strings.Index(page, want))
	}
	if slices.Contains(places, -1) || !slices.IsSorted(places) {
		t.Errorf("what should stand one after the other is at %v:\n%s", places, page)
	}
}
