package run_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/ledgertest"
	"hongyan/internal/pace"
	"hongyan/internal/reply"
	"hongyan/internal/run"
)

// heeding is a run that heeds the ledger's suppressions.
func heeding(s *ledgertest.Memory, lanes ...*run.Lane) *run.Run {
	r := start(s, lanes...)
	r.List, r.Suppressor = "news", s
	return r
}

func leave(t *testing.T, s *ledgertest.Memory, list, address, reason string) {
	t.Helper()
	_, err := s.Suppress(t.Context(), ledger.Suppression{
		List: list, Address: address, Source: ledger.Unsubscribe, Reason: reason, By: "recipient", At: time.Now(),
	})
	if err != nil {
		t.Error(err)
	}
}

func TestWhoHasLeftGetsNoMail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 6)
		leave(t, s, "news", "r1@example.com", "too many")
		leave(t, s, "", "r3@example.com", "")
		leave(t, s, "offers", "r4@example.com", "")
		o := &office{pipelines: true}
		if _, err := heeding(s, lane(t, "a", o, pace.Limits{Connections: 1})).Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		if sum := totals(t, s); sum.Sent != 4 || sum.Suppressed != 2 {
			t.Errorf("%+v", sum)
		}
		if slices.Contains(o.asked, "r1@example.com") || slices.Contains(o.asked, "r3@example.com") {
			t.Errorf("offered: %v", o.asked)
		}
		for e, err := range s.Entries(t.Context(), issue, ledger.Filter{States: []ledger.State{ledger.Suppressed}}) {
			want := "unsubscribe on 2000-01-01"
			if e.Address == "r1@example.com" {
				want += ": too many"
			}
			if err != nil || e.Reply != want || e.Rule != "unsubscribe" || e.Attempts != 0 {
				t.Errorf("%s: %q by %q, %v", e.Address, e.Reply, e.Rule, err)
			}
		}
	})
}

// TestWhoLeavesDuringTheRunGetsNoMail although it was composed long ago and only
// waits for the account's gap, or for its second try.
func TestWhoLeavesDuringTheRunGetsNoMail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 4)
		o := &office{fate: func(to string, n int) fate {
			if n == 1 {
				return fate{offer: refuse(reply.AtRcpt, 450, "4.2.0 greylisted, try again")}
			}
			return fate{}
		}}
		go func() {
			time.Sleep(35 * time.Second) // synctest: r1 has its mail, r2 waits for the gap
			leave(t, s, "news", "r2@example.com", "")
			leave(t, s, "news", "r0@example.com", "") // put off, due in 5 minutes
		}()
		gap := pace.Limits{Connections: 1, GapMin: 20 * time.Second, GapMax: 20 * time.Second}
		if _, err := heeding(s, lane(t, "a", o, gap)).Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		slices.Sort(o.taken)
		if !slices.Equal(o.taken, []string{"r1@example.com", "r3@example.com"}) {
			t.Errorf("mailed: %v", o.taken)
		}
		if sum := totals(t, s); sum.Sent != 2 || sum.Suppressed != 2 {
			t.Errorf("%+v", sum)
		}
	})
}

// TestOnlyAMissingMailboxIsSuppressedByItself: a refusal of the text or of the
// rate says nothing about the address.
func TestOnlyAMissingMailboxIsSuppressedByItself(t *testing.T) {
	for _, c := range []struct {
		name   string
		code   int
		text   string
		bounce bool
	}{
		{"no such mailbox", 550, "The recipient may contain a non-existent account, please check the recipient address.", true},
		{"content", 550, "The mail may contain inappropriate words or content.", false},
		{"too big", 552, "5.3.4 Message size exceeds fixed limit", false},
		{"greylisted", 450, "4.2.0 try again", false},
		{"unknown", 571, "Not today", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := store(t, 1)
				o := &office{fate: func(string, int) fate { return fate{dot: refuse(reply.AtDot, c.code, c.text)} }}
				r := heeding(s, lane(t, "a", o, pace.Limits{Connections: 1}))
				r.Patience = time.Second
				_, err := r.Do(t.Context())
				if _, stopped := errors.AsType[*run.Stopped](err); err != nil && !stopped {
					t.Fatal(err)
				}
				by, ok, err := s.Suppressed(t.Context(), "any", "r0@example.com")
				if err != nil || ok != c.bounce {
					t.Fatalf("suppressed: %v, %v", ok, err)
				}
				if ok && (by.List != "" || by.Source != ledger.Bounce || by.By != "a" || by.Reason == "") {
					t.Errorf("it says %+v", by)
				}
			})
		})
	}
}

// TestAReopenedRefusalIsTriedAgain although the address bounced: a person knows
// better. It is that entry alone; and who asked to get no mail gets none.
func TestAReopenedRefusalIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 2)
		o := &office{fate: func(_ string, n int) fate {
			if n <= 2 {
				return fate{dot: refuse(reply.AtDot, 550, "5.1.1 no such user")}
			}
			return fate{}
		}}
		again := func() {
			if _, err := heeding(s, lane(t, "a", o, pace.Limits{Connections: 1})).Do(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		again()
		if _, err := s.Unsuppress(t.Context(), "", "r1@example.com"); err != nil {
			t.Fatal(err)
		}
		leave(t, s, "news", "r1@example.com", "")
		time.Sleep(time.Minute)
		n, err := s.Reopen(t.Context(), issue, ledger.Reopening{Classes: []string{"rcpt-perm"}, At: time.Now(), By: "li"})
		if err != nil || n != 2 {
			t.Fatal(n, err)
		}
		again()
		if sum := totals(t, s); sum.Sent != 1 || sum.Suppressed != 1 || !slices.Equal(o.taken, []string{"r0@example.com"}) {
			t.Errorf("%+v, taken %v", sum, o.taken)
		}
	})
}

// deaf is a ledger whose suppressions cannot be read.
type deaf struct{ *ledgertest.Memory }

var errDeaf = errors.New("cannot be read")

func (deaf) Suppressed(context.Context, string, string) (ledger.Suppression, bool, error) {
	return ledger.Suppression{}, false, errDeaf
}

func TestWithoutKnowingWhoHasLeftNoMail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 3)
		o := &office{}
		r := heeding(s, lane(t, "a", o, pace.Limits{Connections: 1}))
		r.Suppressor = deaf{s}
		if _, err := r.Do(t.Context()); !errors.Is(err, errDeaf) {
			t.Errorf("got %v", err)
		}
		if len(o.taken) > 0 {
			t.Errorf("mailed: %v", o.taken)
		}
	})
}
