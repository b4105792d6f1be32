package sqlite_test

import (
	"iter"
	"reflect"
	"sync"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/sqlite"
)

// sameAsCounted compares what the store lists with what somebody counts who has
// only the file.
func sameAsCounted(t *testing.T, s *sqlite.Store, dir, after string) {
	t.Helper()
	r, err := sqlite.OpenReader(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	want, err := r.Issues(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Issues(t.Context())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("after %s the store lists\n%+v, %v; counted are\n%+v", after, got, err, want)
	}
	for _, step := range []time.Duration{time.Minute, time.Hour, time.Second, 7 * time.Second, 24 * time.Hour} {
		want, err := r.Timeline(t.Context(), key, step)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Timeline(t.Context(), key, step)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("after %s the moments of %v are\n%+v, %v; counted are\n%+v", after, step, got, err, want)
		}
	}
}

// TestWhatIsListedIsWhatIsThere writes entries in every way there is.
func TestWhatIsListedIsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	at := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	if _, err := s.Plan(t.Context(), key, ledger.Plan{At: at}); err != nil {
		t.Fatal(err)
	}
	sameAsCounted(t, s, dir, "the plan")

	list := func(bad int) iter.Seq2[ledger.Row, error] {
		return func(yield func(ledger.Row, error) bool) {
			for row, err := range rows(0, 10_000) { // three blocks
				if row.Line == bad {
					row.Address, row.Skip = "", "there is no address"
				}
				if row.Line == 5000 && bad > 0 {
					row.Skip = "there is no name"
				}
				if !yield(row, err) {
					return
				}
			}
		}
	}
	enqueue := func(bad int) {
		t.Helper()
		if _, err := s.Enqueue(t.Context(), key, list(bad)); err != nil {
			t.Fatal(err)
		}
	}
	enqueue(9000)
	sameAsCounted(t, s, dir, "the list")
	enqueue(0)
	sameAsCounted(t, s, dir, "a cure, and a row that is gone")

	entries, err := s.Claim(t.Context(), key, "qq", 6000, at)
	if err != nil || len(entries) != 6000 {
		t.Fatal(len(entries), err)
	}
	states := []ledger.State{ledger.Sent, ledger.Refused, ledger.Deferred, ledger.InDoubt}
	for i, e := range entries {
		begun := at.Add(time.Duration(i) * time.Second / 2)
		intent := ledger.Intent{ID: e.ID, Account: "qq", MessageID: "a@b", At: begun}
		end := ledger.Outcome{ID: e.ID, State: states[i%4], Account: "qq", At: begun.Add(300 * time.Millisecond), Class: "mailbox-unknown"}
		if end.State == ledger.Deferred {
			end.Due = end.At.Add(time.Hour)
		}
		if i%500 == 1 {
			record(t, s, intent)
			sameAsCounted(t, s, dir, "an intent")
			record(t, s, end)
			sameAsCounted(t, s, dir, "an outcome")
			continue
		}
		record(t, s, intent, end)
	}
	sameAsCounted(t, s, dir, "a run")

	if n, err := s.Settle(t.Context(), key, ledger.Settlement{To: ledger.Sent, At: at.Add(9 * time.Hour), By: "wang"}); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	sameAsCounted(t, s, dir, "a settlement")
	if n, err := s.Reopen(t.Context(), key, ledger.Reopening{Classes: []string{"mailbox-unknown"}, At: at.Add(10 * time.Hour), By: "wang"}); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	sameAsCounted(t, s, dir, "a reopening")
}

func record(t *testing.T, s *sqlite.Store, events ...ledger.Event) {
	t.Helper()
	if err := s.Record(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
}

// TestWhatIsListedIsOfOneMoment looks while mails leave: each is in one state at
// any time, and none goes back.
func TestWhatIsListedIsOfOneMoment(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	planned(t, s, 10_000)
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		send(t, s, 9_000, 4)
	})
	for sent := 0; ; {
		issues, err := s.Issues(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		now := issues[0].Totals
		if err := now.Check(); err != nil || now.Rows != 10_000 || now.Sent < sent {
			t.Fatalf("%d were sent, now it is %+v, %v", sent, now, err)
		}
		sent = now.Sent
		select {
		case <-done:
			wg.Wait()
			sameAsCounted(t, s, dir, "the last")
			return
		default:
		}
	}
}
