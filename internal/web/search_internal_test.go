package web

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/sqlite"
)

// TestASearchThatTakesLongGoesOnWhereItStopped gives a search no time at all: it
// comes on by a stretch a page and misses nobody.
func TestASearchThatTakesLongGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	const people = 2*stretch + 100
	s, k := &Server{Options: Options{Books: planned(t, people)}}, ledger.Key{Campaign: "weekly", Issue: "1"}
	for _, c := range []struct {
		text         string
		state        ledger.State
		found, pages int
		lines        []int
	}{
		{text: "reader", found: perPage, pages: 1, lines: []int{0}},
		{text: "reader00007@", found: 1, pages: 3, lines: []int{stretch + 2, 2*stretch + 2, 0}},
		{text: fmt.Sprintf("reader%05d@", people-1), found: 1, pages: 3, lines: []int{stretch + 2, 2*stretch + 2, 0}},
		{text: "nobody", found: 0, pages: 3, lines: []int{stretch + 2, 2*stretch + 2, 0}},
		{state: ledger.Refused, found: 0, pages: 3, lines: []int{stretch + 2, 2*stretch + 2, 0}},
	} {
		v, rows := issueView{standing: standing{Key: k}, Text: c.text, State: c.state}, 0
		for page := range c.pages {
			var err error
			if v.Found, err = s.search(v).find(t.Context(), time.Now()); err != nil {
				t.Fatal(err)
			}
			if v.Line != c.lines[page] {
				t.Errorf("%q: page %d is looked through to line %d, want %d", c.text+string(c.state), page, v.Line, c.lines[page])
			}
			v.After, rows = v.More, rows+len(v.Rows)
		}
		if rows != c.found {
			t.Errorf("%q: found %d, want %d", c.text+string(c.state), rows, c.found)
		}
		if end := v.More == 0; end != (c.found < perPage) {
			t.Errorf("%q: at the end: %v", c.text, end)
		}
	}
}

// planned is a ledger with an issue that nobody was mailed of yet.
func planned(t *testing.T, people int) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	k := ledger.Key{Campaign: "weekly", Issue: "1"}
	_, err = store.Plan(t.Context(), k, ledger.Plan{At: time.Now()})
	_, enqueued := store.Enqueue(t.Context(), k, func(yield func(ledger.Row, error) bool) {
		for i := range people {
			if !yield(ledger.Row{Line: i + 2, Address: fmt.Sprintf("reader%05d@example.com", i)}, nil) {
				return
			}
		}
	})
	if err := cmp.Or(err, enqueued); err != nil {
		t.Fatal(err)
	}
	return store
}
