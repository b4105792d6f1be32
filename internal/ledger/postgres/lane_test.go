package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/ledgertest"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/ledger/postgres/postgrestest"
)

// TestALaneKeepsThePromise: to whoever has one lane of an account, and uses no
// other, the ledger is a ledger like any.
func TestALaneKeepsThePromise(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, false)
	ledgertest.Run(t, func(t *testing.T) ledgertest.Open {
		url := server.Place(t)
		return func() ledger.Store { return open(t, url, long).Part(1, 3) }
	})
}

// lanes of one account are two workers', or one's; the whole, and another split,
// are nobody's meanwhile.
func lanes(t *testing.T, server *postgrestest.Server) {
	url := server.Place(t)
	a, b := open(t, url, long), open(t, url, long)
	planned(t, a, 12)
	first, second := a.Part(0, 2), b.Part(1, 2)
	for _, p := range []*postgres.Part{first, second} {
		if err := p.Take(t.Context(), "qq"); err != nil {
			t.Fatal(err)
		}
	}
	for what, take := range map[string]func() error{
		"a lane that somebody has": func() error { return b.Part(0, 2).Take(t.Context(), "qq") },
		"the whole":                func() error { return b.Take(t.Context(), "qq") },
		"a lane of another split":  func() error { return b.Part(2, 3).Take(t.Context(), "qq") },
	} {
		if err := take(); !errors.Is(err, ledger.ErrElsewhere) {
			t.Errorf("%s: %v", what, err)
		}
	}
	later := time.Now().Add(-time.Minute)
	for i, p := range []*postgres.Part{first, second} {
		entries, err := p.Claim(t.Context(), welcome(), "qq", 3, time.Now())
		if err != nil || len(entries) != 3 {
			t.Fatal(entries, err)
		}
		for n, e := range entries {
			put := sent(e.ID)
			if n == i { // one is put off
				put.State, put.Due = ledger.Deferred, later
			}
			if err := errors.Join(p.Record(t.Context(), intent(e.ID)), p.Record(t.Context(), put)); err != nil {
				t.Fatal(err)
			}
		}
		if again, err := p.Claim(t.Context(), welcome(), "qq", 1, time.Now()); err != nil || len(again) != 1 || again[0].ID != entries[i].ID || again[0].Account != "qq" {
			t.Errorf("lane %d is offered %v, %v", i, again, err)
		} else if err := p.Release(t.Context(), again[0].ID); err != nil {
			t.Error(err)
		}
		if past, err := p.History(t.Context(), "qq", time.Time{}); len(past) != 3 || err != nil {
			t.Errorf("lane %d has sent %v, %v", i, past, err)
		}
	}
	if past, err := a.History(t.Context(), "qq", time.Time{}); len(past) != 6 || err != nil {
		t.Errorf("the account has sent %v, %v", past, err)
	}
	workers, err := a.Workers(t.Context())
	if err != nil || len(workers) != 2 || !slices.Equal(workers[0].Accounts, []string{"qq"}) {
		t.Errorf("the workers are %+v, %v", workers, err)
	}
	for _, p := range []*postgres.Part{first, second} {
		if err := p.HandBack(t.Context(), "qq"); err != nil {
			t.Fatal(err)
		}
	}
	if all := claim(t, b, "qq", 20); len(all) != 8 { // what both lanes put off, and what is untouched
		t.Errorf("the whole is offered %v", all)
	}
	healthy(t, a)
}

// aLaneIsTakenOver like any account; the others go on.
func aLaneIsTakenOver(t *testing.T, server *postgrestest.Server) {
	url := server.Place(t)
	g := postgrestest.NewGate(t, server)
	a, b := open(t, g.Through(url), short), open(t, url, short)
	planned(t, a, 6)
	dying, living := a.Part(0, 2), b.Part(1, 2)
	var ids []int64
	for _, p := range []*postgres.Part{dying, living} {
		entries, err := p.Claim(t.Context(), welcome(), "qq", 2, time.Now())
		if err != nil || len(entries) != 2 {
			t.Fatal(entries, err)
		}
		ids = append(ids, entries[0].ID, entries[1].ID)
	}
	if err := dying.Record(t.Context(), intent(ids[0])); err != nil {
		t.Fatal(err)
	}
	g.Shut(true)
	heir := b.Part(0, 2)
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) { // the end of a lease is a moment on the database's clock
		err := heir.Take(t.Context(), "qq")
		if err == nil {
			break
		}
		if !errors.Is(err, ledger.ErrElsewhere) || time.Since(begun) > time.Minute {
			t.Fatal(err)
		}
	}
	if got := stateOf(t, b, ids[0]); got != ledger.InDoubt {
		t.Errorf("what was being sent became %s", got)
	}
	entries, err := heir.Claim(t.Context(), welcome(), "qq", 9, time.Now())
	if err != nil || len(entries) != 3 || entries[0].ID != ids[1] {
		t.Errorf("the heir is offered %v, %v", entries, err)
	}
	if err := errors.Join(living.Has("qq"), living.Record(t.Context(), intent(ids[2])), living.Record(t.Context(), sent(ids[2]))); err != nil {
		t.Errorf("the other lane: %v", err)
	}
	if err := dying.Has("qq"); !errors.Is(err, ledger.ErrElsewhere) {
		t.Errorf("the last look of the one that was cut off says %v", err)
	}
	g.Shut(false)
	if err := dying.Record(t.Context(), intent(ids[1])); !errors.Is(err, ledger.ErrElsewhere) {
		t.Errorf("an intent of the one that woke up: %v", err)
	}
	healthy(t, b)
}

// aHoldIsOfAllLanes at their next claim.
func aHoldIsOfAllLanes(t *testing.T, server *postgrestest.Server) {
	url := server.Place(t)
	a, b := open(t, url, long), open(t, url, long)
	planned(t, a, 6)
	now := time.Now()
	if err := a.Part(0, 2).Hold(t.Context(), ledger.Hold{Account: "qq", Since: now, Until: now.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	for when, want := range map[time.Duration]int{0: 0, 2 * time.Hour: 1} {
		entries, err := b.Part(1, 2).Claim(t.Context(), welcome(), "qq", 1, now.Add(when))
		if err != nil || len(entries) != want {
			t.Errorf("after %s the other lane is offered %v, %v", when, entries, err)
		}
	}
}

// theSplitMayChange: what was sent before counts against each new lane so evenly
// that a limit which it kept is kept by the shares of the lanes.
func theSplitMayChange(t *testing.T, server *postgrestest.Server) {
	s := open(t, server.Place(t), long)
	planned(t, s, 40)
	for i, p := range []*postgres.Part{s.Part(0, 1), s.Part(0, 3), s.Part(2, 3)} {
		entries, err := p.Claim(t.Context(), welcome(), "qq", 4+i, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if err := errors.Join(p.Record(t.Context(), intent(e.ID)), p.Record(t.Context(), sent(e.ID))); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.HandBack(t.Context(), "qq"); err != nil {
			t.Fatal(err)
		}
	}
	counts := func(of int) (n []int) {
		for i := range of {
			past, err := s.Part(i, of).History(t.Context(), "qq", time.Time{})
			if err != nil || !slices.IsSortedFunc(past, time.Time.Compare) {
				t.Errorf("lane %d of %d: %v, %v", i, of, past, err)
			}
			n = append(n, len(past))
		}
		return n
	}
	for of, want := range map[int][]int{1: {15}, 2: {8, 7}, 4: {4, 4, 4, 3}, 3: {5 + 2, 1, 6 + 1}} {
		if got := fmt.Sprint(counts(of)); got != fmt.Sprint(want) {
			t.Errorf("to %d lanes count %s, want %v", of, got, want)
		}
	}
}
