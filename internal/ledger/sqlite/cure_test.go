package sqlite_test

import (
	"iter"
	"sync"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/sqlite"
)

// TestAClaimNeverWalksPastACuredEntry: a lane that asks again and again while
// the list is enqueued anew must be offered the row that was cured.
func TestAClaimNeverWalksPastACuredEntry(t *testing.T) {
	t.Parallel()
	s, err := sqlite.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for round := range 60 {
		k := ledger.Key{Campaign: "cure", Issue: time.Duration(round).String()}
		if _, err := s.Plan(t.Context(), k, ledger.Plan{At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Enqueue(t.Context(), k, skipping("no name")); err != nil {
			t.Fatal(err)
		}
		if err := s.Refreeze(t.Context(), k, ledger.Plan{At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		var pass sync.WaitGroup
		pass.Go(func() {
			if _, err := s.Enqueue(t.Context(), k, skipping("")); err != nil {
				t.Error(err)
			}
		})
		if n := claimAll(t, s, k); n != 1 {
			t.Errorf("round %d: %d entries were offered", round, n)
		}
		pass.Wait()
	}
}

func skipping(why string) iter.Seq2[ledger.Row, error] {
	return func(yield func(ledger.Row, error) bool) {
		yield(ledger.Row{Line: 2, Address: "a@example.com", Skip: why}, nil)
	}
}

// claimAll claims until nothing is left and nothing may come; it settles what it gets.
func claimAll(t *testing.T, s *sqlite.Store, k ledger.Key) (n int) {
	for {
		entries, err := s.Claim(t.Context(), k, "a", 10, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			n++
			done := ledger.Outcome{ID: e.ID, State: ledger.Refused, Account: "a", At: time.Now()}
			if err := s.Record(t.Context(), done); err != nil {
				t.Fatal(err)
			}
		}
		if len(entries) > 0 {
			continue
		}
		_, more, err := s.NextDue(t.Context(), k, "a")
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return n
		}
	}
}
