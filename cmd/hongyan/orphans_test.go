package main

import (
	"fmt"
	"testing"
	"time"

	"hongyan/internal/crew"
	"hongyan/internal/edition"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
)

// forsaken has an issue of five given to the workers, of whom an account has put
// two off that the issue does not use. It is had by its own worker still.
func forsaken(t *testing.T, d desk) (*postgres.Store, ledger.Key) {
	t.Helper()
	k := ledger.Key{Campaign: "news", Issue: "main"}
	if err := d.Start(t.Context(), k, "li"); err != nil {
		t.Fatal(err)
	}
	other, err := postgres.Open(t.Context(), string(d.conf.State), postgres.Options{Name: "smith", Works: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	mails, err := other.Claim(t.Context(), k, "gone", 2, time.Now())
	if err != nil || len(mails) != 2 {
		t.Fatal(mails, err)
	}
	at := time.Now().Add(-time.Minute)
	for _, mail := range mails {
		err := other.Record(t.Context(),
			ledger.Intent{ID: mail.ID, Account: "gone", MessageID: "id@example.com", At: at},
			ledger.Outcome{ID: mail.ID, Account: "gone", State: ledger.Deferred, At: at, Due: at.Add(time.Second), Reply: "try again"})
		if err != nil {
			t.Fatal(err)
		}
	}
	return other, k
}

func TestAWorkerTakesOverWhomALostAccountPutOff(t *testing.T) {
	t.Parallel()
	for _, lanes := range []int{1, 2} {
		t.Run(fmt.Sprint(lanes), func(t *testing.T) {
			t.Parallel()
			w, d := atWork(t)
			split := d.conf.Accounts["sandbox"]
			split.Lanes, split.Limits.Connections = lanes, lanes
			d.conf.Accounts["sandbox"] = split
			other, k := forsaken(t, d)
			sent := func(want int) {
				t.Helper()
				if err := w.Pump(t.Context(), crew.Due{Account: "sandbox", Of: lanes}); err != nil {
					t.Fatal(err)
				}
				totals, err := d.store.Totals(t.Context(), k)
				if err != nil || totals.Sent != want || totals.Sent+totals.Deferred != 5 {
					t.Errorf("%+v, %v", totals, err)
				}
			}
			due := func(want int) {
				t.Helper()
				if got, err := w.Due(t.Context()); err != nil || len(got) != want {
					t.Errorf("due: %v, %v", got, err)
				}
			}
			sent(3)
			due(0)
			if more, later, err := (&follower{h: d.house, e: &dispatch{Edition: &edition.Edition{Key: k}}}).awaited(t.Context(), []string{"sandbox"}); !more || later != nil || err != nil {
				t.Errorf("nobody waits for them: %v, %v", later, err)
			}
			if err := other.HandBack(t.Context(), "gone"); err != nil {
				t.Fatal(err)
			}
			due(1)
			sent(5)
			due(0)
			if err := other.Take(t.Context(), "gone"); err != nil {
				t.Error("the account was not given back", err)
			}
			if past, err := other.History(t.Context(), "gone", time.Time{}); err != nil || len(past) != 2 {
				t.Errorf("what the lost account did is its own no more: %v, %v", past, err)
			}
		})
	}
}

// Other issues may use it still: who has work of his own leaves it to them.
func TestALostAccountIsNotTakenForNobody(t *testing.T) {
	t.Parallel()
	w, d := atWork(t)
	other, k := forsaken(t, d)
	if err := other.HandBack(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	f := &foster{Store: d.store, whole: w.books, orphans: []string{"gone", "stranger"}}
	for _, account := range []string{"sandbox", "stranger"} {
		if _, err := f.Claim(t.Context(), k, account, 1, time.Now()); err != nil {
			t.Error(err)
		}
	}
	standings, err := w.books.Standings(t.Context())
	if err != nil || standings[postgres.Whole("gone")].Taken || standings[postgres.Whole("stranger")].Taken {
		t.Errorf("%+v, %v", standings, err)
	}
	if mails, err := f.Claim(t.Context(), k, "gone", 9, time.Now()); err != nil || len(mails) < 2 {
		t.Errorf("%v, %v", mails, err)
	}
	second := &foster{Store: d.store, whole: w.books, orphans: f.orphans}
	if mails, err := second.Claim(t.Context(), k, "gone", 9, time.Now()); mails != nil {
		t.Errorf("another lane of the same process may claim by it: %v, %v", mails, err)
	}
	if err := f.handBack(t.Context()); err != nil {
		t.Error(err)
	}
}
