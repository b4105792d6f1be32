package postgres_test

import (
	"iter"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres/postgrestest"
)

// TestALongListKnowsWhomItHasMet: rows are written in lots, and an address is
// looked up only if it may have been met.
func TestALongListKnowsWhomItHasMet(t *testing.T) {
	const n = 12_000
	s := open(t, postgrestest.Start(t, false).Place(t), long)
	planned(t, s, n)
	again, err := s.Enqueue(t.Context(), welcome(), twice(n))
	if err != nil {
		t.Fatal(err)
	}
	if again.Known != n || again.Duplicates != n || again.Added != 0 {
		t.Errorf("%d known, %d duplicates, %d new", again.Known, again.Duplicates, again.Added)
	}
	other := ledger.Key{Campaign: "welcome", Issue: "2"}
	if _, err := s.Plan(t.Context(), other, ledger.Plan{At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	fresh, err := s.Enqueue(t.Context(), other, twice(n))
	if err != nil {
		t.Fatal(err)
	}
	if fresh.Added != n || fresh.Duplicates != n {
		t.Errorf("%d new, %d duplicates", fresh.Added, fresh.Duplicates)
	}
}

// twice is a list that begins anew at its end.
func twice(n int) iter.Seq2[ledger.Row, error] {
	return func(yield func(ledger.Row, error) bool) {
		for range 2 {
			for row, err := range people(n) {
				if !yield(row, err) {
					return
				}
			}
		}
	}
}
