package ledgertest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"hongyan/internal/ledger"
)

func claiming() map[string]func(*testing.T, *book) {
	return map[string]func(*testing.T, *book){
		"UntouchedEntriesAreOfferedInListOrder": listOrder,
		"AClaimedEntryIsOfferedToNobodyElse":    nobodyElse,
		"AReleasedEntryIsOfferedAgain":          released,
		"ClaimsEndWithTheProcess":               claimsEnd,
		"ADeferredEntryComesFirstWhenItIsDue":   dueFirst,
		"ADeferredEntryStaysWithItsAccount":     staysWith,
		"NextDueSaysWhatToWaitFor":              nextDue,
		"NextDueWaitsForAnIncompletePlan":       nextDueIncomplete,
		"ManyLanesShareTheListWithoutMeeting":   manyLanes,
		"ATakenEventEndsNoClaim":                takenClaim,
		"EveryEntryIsOfferedWhateverIsReleased": releasedBehind,
	}
}

func listOrder(t *testing.T, b *book) {
	b.enqueue(people(5)...)
	b.same("first", addresses(b.claim("qq", 2, at(1))), []string{"p00000@example.com", "p00001@example.com"})
	b.same("then", addresses(b.claim("qq", 2, at(1))), []string{"p00002@example.com", "p00003@example.com"})
	got := b.claim("qq", 2, at(1))
	b.same("last", addresses(got), []string{"p00004@example.com"})
	if got[0].Fields["email"] != "p00004@example.com" || got[0].Line != 6 || got[0].Key != welcome() {
		t.Errorf("offered: %+v", got[0])
	}
	if none := b.claim("qq", 2, at(1)); len(none) > 0 {
		t.Errorf("offered once more: %+v", none)
	}
}

func nobodyElse(t *testing.T, b *book) {
	b.enqueue(people(2)...)
	first := b.claim("qq", 1, at(1))
	second := b.claim("qq2", 2, at(1))
	b.same("second lane", addresses(second), []string{"p00001@example.com"})
	b.record(outcome(first[0].ID, ledger.Skipped, 1))
	b.enqueue(people(2)...)
	b.same("recorded, and cured", addresses(b.claim("qq2", 2, at(1))), []string{"p00000@example.com"})
	if len(second) != 1 {
		t.Error("lanes met")
	}
}

func released(_ *testing.T, b *book) {
	b.enqueue(people(3)...)
	got := b.claim("qq", 3, at(1))
	b.must(b.Release(b.ctx, got[1].ID))
	b.same("again", addresses(b.claim("qq2", 3, at(1))), []string{"p00001@example.com"})
	b.bring(got[0].ID, ledger.Deferred)
	due := b.claim("qq", 3, at(9))
	b.must(b.Release(b.ctx, due[0].ID))
	b.same("deferred again", addresses(b.claim("qq", 3, at(9))), []string{"p00000@example.com"})
}

func claimsEnd(_ *testing.T, b *book) {
	b.enqueue(people(2)...)
	b.claim("qq", 2, at(1))
	b.reopen()
	b.same("after the restart", addresses(b.claim("qq2", 9, at(1))), []string{"p00000@example.com", "p00001@example.com"})
}

func dueFirst(_ *testing.T, b *book) {
	b.enqueue(people(5)...)
	all := b.claim("qq", 3, at(1))
	b.record(begin(all[0].ID, 1), later(all[0].ID, 1, 20))
	b.record(begin(all[1].ID, 1), later(all[1].ID, 1, 10))
	b.record(begin(all[2].ID, 1), later(all[2].ID, 1, 40))
	b.same("too early", addresses(b.claim("qq", 1, at(5))), []string{"p00003@example.com"})
	b.same("due", addresses(b.claim("qq", 9, at(20))),
		[]string{"p00001@example.com", "p00000@example.com", "p00004@example.com"})
	b.same("claimed", addresses(b.claim("qq", 9, at(20))), nil)
}

func staysWith(_ *testing.T, b *book) {
	b.enqueue(people(2)...)
	e := b.claim("qq", 1, at(1))[0]
	free := later(e.ID, 1, 2)
	free.Free = true
	b.record(free)
	b.same("another account", addresses(b.claim("qq2", 9, at(30))), []string{"p00001@example.com"})
	b.same("its own", addresses(b.claim("qq", 9, at(30))), []string{"p00000@example.com"})
}

func nextDue(t *testing.T, b *book) {
	ask := func(account string, due time.Time, more bool) {
		t.Helper()
		gotDue, gotMore, err := b.NextDue(b.ctx, welcome(), account)
		b.must(err)
		if !gotDue.Equal(due) || gotMore != more {
			t.Errorf("%s: got %v, %v; want %v, %v", account, gotDue, gotMore, due, more)
		}
	}
	none := time.Time{}
	b.enqueue(people(3)...)
	ask("qq", none, true)
	got := b.claim("qq", 3, at(1))
	ask("qq2", none, true) // they may be released
	b.record(begin(got[0].ID, 1), later(got[0].ID, 2, 30), begin(got[1].ID, 2), later(got[1].ID, 2, 20))
	b.record(begin(got[2].ID, 2))
	ask("qq", at(20), false)
	ask("qq2", none, false)
	b.claim("qq", 1, at(20))
	ask("qq", at(30), false) // the other one is being worked on
	b.reopen()
	ask("qq", at(20), false)
}

func nextDueIncomplete(t *testing.T, b *book) {
	if _, more, err := b.NextDue(b.ctx, welcome(), "qq"); err != nil || !more {
		t.Errorf("before Enqueue: %v, %v", more, err)
	}
	_, err := b.Enqueue(b.ctx, welcome(), func(func(ledger.Row, error) bool) {
		if _, more, err := b.NextDue(b.ctx, welcome(), "qq"); err != nil || !more {
			t.Errorf("while Enqueue runs: %v, %v", more, err)
		}
	})
	b.must(err)
	if _, more, err := b.NextDue(b.ctx, welcome(), "qq"); err != nil || more {
		t.Errorf("after Enqueue of nobody: %v, %v", more, err)
	}
}

// manyLanes has lanes claim and record at once; each entry is sent once.
func manyLanes(t *testing.T, b *book) {
	const people_, lanes = 600, 8
	b.enqueue(people(people_)...)
	var mails atomic.Int64
	var wg sync.WaitGroup
	for range lanes {
		wg.Go(func() {
			for {
				got, err := b.Claim(b.ctx, welcome(), "qq", 7, at(1))
				if err != nil || len(got) == 0 {
					return
				}
				for i, e := range got {
					if i == 6 {
						_ = b.Release(b.ctx, e.ID) // asked again at once
						continue
					}
					if err := b.Record(b.ctx, begin(e.ID, 1)); err != nil {
						t.Error(err)
						return
					}
					mails.Add(1)
					if err := b.Record(b.ctx, sent(e.ID, 2)); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	totals, err := b.Totals(b.ctx, welcome())
	b.must(err)
	if totals.Sent != people_ || mails.Load() != people_ {
		t.Errorf("%d sent, %d mails: %+v", totals.Sent, mails.Load(), totals)
	}
}

func takenClaim(t *testing.T, b *book) {
	b.enqueue(people(1)...)
	id := b.claim("qq", 1, at(1))[0].ID
	if err := b.Record(b.ctx, sent(id, 1)); !errors.Is(err, ledger.ErrTaken) {
		t.Errorf("sent without an intent: %v", err)
	}
	b.same("while claimed", addresses(b.claim("qq", 1, at(1))), nil)
	b.must(b.Release(b.ctx, id))
	b.same("released", addresses(b.claim("qq", 1, at(1))), []string{"p00000@example.com"})
}

func releasedBehind(_ *testing.T, b *book) {
	b.enqueue(people(40)...)
	all := b.claim("qq", 40, at(1))
	var want []string
	for i, e := range all {
		if i%3 == 0 {
			want = append(want, e.Address)
			b.must(b.Release(b.ctx, e.ID))
		}
	}
	var got []string
	for range 20 {
		got = append(got, addresses(b.claim("qq", 5, at(1)))...)
	}
	b.same("offered again", got, want)
}

func recording() map[string]func(*testing.T, *book) {
	return map[string]func(*testing.T, *book){
		"OnlyTheStateMachineLeadsFromStateToState": machine,
		"AnOutcomeIsReadBackAsEvidence":            evidence,
		"AttemptsAreCountedUnlessFree":             attempts,
		"AnOutcomeAndTheNextIntentAreOneRecord":    together,
		"ATakenEventLeavesTheOthersStanding":       takenAmong,
		"AMalformedEventIsRefusedWithAllOthers":    malformed,
		"AnUnknownEntryIsTaken":                    unknownEntry,
		"OneOfManyIntentsWins":                     oneIntent,
		"AnEndedContextDoesNotStopARecord":         endedContext,
		"ALongReplyIsBounded":                      longReply,
		"TheFirstAccountKeepsTheRecipient":         firstAccount,
	}
}

// machine tries every event on every state.
func machine(t *testing.T, b *book) {
	events := []func(id int64) (ledger.State, ledger.Event){}
	for _, s := range ledger.States() {
		if s.From() == nil {
			continue
		}
		events = append(events, func(id int64) (ledger.State, ledger.Event) {
			switch s {
			case ledger.Sending:
				return s, begin(id, 20)
			case ledger.Deferred:
				return s, later(id, 20, 30)
			}
			return s, outcome(id, s, 20)
		})
	}
	b.enqueue(people(len(events) * len(ledger.States()))...)
	entries := b.entries(ledger.Filter{})
	for _, from := range ledger.States() {
		for _, event := range events {
			id := entries[0].ID
			entries = entries[1:]
			b.bring(id, from)
			to, e := event(id)
			err := b.Record(b.ctx, e)
			want, may := from, slices.Contains(to.From(), from)
			if may {
				want = to
			}
			if may != (err == nil) || !may && !errors.Is(err, ledger.ErrTaken) {
				t.Errorf("%s to %s: %v", from, to, err)
			}
			if got := b.entries(ledger.Filter{After: id - 1, Limit: 1})[0].State; got != want {
				t.Errorf("%s to %s: it is %s now", from, to, got)
			}
		}
	}
}

func evidence(t *testing.T, b *book) {
	b.enqueue(people(1)...)
	id := b.entry(0).ID
	moment := at(3).Add(123*time.Millisecond + 456*time.Microsecond).In(time.FixedZone("CST", 8*3600))
	b.record(begin(id, 2))
	if e := b.entry(0); e.State != ledger.Sending || e.Account != "qq" || e.MessageID != "id@example.com" || !e.Begun.Equal(at(2)) {
		t.Errorf("intent: %+v", e)
	}
	b.record(ledger.Outcome{
		ID: id, State: ledger.Deferred, Account: "qq", At: moment, Due: at(9), Stage: "dot", Code: 450,
		Enhanced: "4.2.0", Reply: "稍后再试", Class: "transient", Rule: "qq/frequency", Bytes: 4096,
	})
	b.reopen()
	e := b.entry(0)
	if e.Stage != "dot" || e.Code != 450 || e.Enhanced != "4.2.0" || e.Reply != "稍后再试" || e.Class != "transient" ||
		e.Rule != "qq/frequency" || e.Bytes != 4096 || e.Account != "qq" || e.MessageID != "id@example.com" {
		t.Errorf("outcome: %+v", e)
	}
	if e.Ended != at(3).Add(123*time.Millisecond) || e.Due != at(9) || e.Begun != at(2) {
		t.Errorf("times are not UTC to the millisecond: %v, %v, %v", e.Begun, e.Ended, e.Due)
	}
	b.record(begin(id, 10))
	if e := b.entry(0); e.Stage != "" || e.Reply != "" || e.Code != 0 || !e.Ended.IsZero() || !e.Due.IsZero() {
		t.Errorf("the next attempt still has the last one's answer: %+v", e)
	}
}

func attempts(t *testing.T, b *book) {
	b.enqueue(people(1)...)
	id := b.entry(0).ID
	free := later(id, 2, 3)
	free.Free = true
	steps := []struct {
		event ledger.Event
		want  int
	}{
		{begin(id, 1), 1},
		{free, 0},            // the link was lost in the body
		{free, 0},            // and before it
		{later(id, 3, 4), 1}, // refused at RCPT: an attempt without an intent
		{begin(id, 5), 2},
		{later(id, 6, 7), 2},
		{outcome(id, ledger.Suppressed, 8), 2},
	}
	for i, s := range steps {
		b.record(s.event)
		if got := b.entry(0).Attempts; got != s.want {
			t.Fatalf("step %d: %d attempts, want %d", i, got, s.want)
		}
	}
}

func together(t *testing.T, b *book) {
	b.enqueue(people(2)...)
	a, c := b.entry(0).ID, b.entry(1).ID
	b.record(begin(a, 1))
	b.record(sent(a, 2), begin(c, 2))
	b.same("states", []string{string(b.entry(0).State), string(b.entry(1).State)}, []string{"sent", "sending"})
	b.record(sent(c, 2))
	if e := b.entry(1); e.State != ledger.Sent {
		t.Errorf("the second: %+v", e)
	}
}

func takenAmong(t *testing.T, b *book) {
	b.enqueue(people(3)...)
	a, c, d := b.entry(0).ID, b.entry(1).ID, b.entry(2).ID
	b.bring(c, ledger.Sent)
	b.record(begin(a, 1))
	err := b.Record(b.ctx, sent(a, 2), begin(c, 2), begin(d, 2))
	taken, ok := errors.AsType[*ledger.Taken](err)
	if !ok || !errors.Is(err, ledger.ErrTaken) || !slices.Equal(taken.IDs, []int64{c}) {
		t.Errorf("got %v", err)
	}
	b.same("states", []string{string(b.entry(0).State), string(b.entry(1).State), string(b.entry(2).State)},
		[]string{"sent", "sent", "sending"})
}

func malformed(t *testing.T, b *book) {
	b.enqueue(people(2)...)
	a, c := b.entry(0).ID, b.entry(1).ID
	for i, bad := range []ledger.Event{
		ledger.Intent{ID: c, At: at(1)},
		ledger.Intent{ID: c, Account: "qq"},
		outcome(c, ledger.Queued, 1),
		outcome(c, ledger.Sending, 1),
		outcome(c, "lost", 1),
		outcome(c, ledger.Deferred, 1),
		ledger.Outcome{ID: c, State: ledger.Refused, At: at(1)},
		ledger.Outcome{ID: c, State: ledger.Skipped},
	} {
		if err := b.Record(b.ctx, begin(a, 1), bad); err == nil || errors.Is(err, ledger.ErrTaken) {
			t.Errorf("malformed event %d: got %v", i, err)
		}
	}
	if e := b.entry(0); e.State != ledger.Queued {
		t.Errorf("the event beside a malformed one was recorded: %s", e.State)
	}
}

func unknownEntry(t *testing.T, b *book) {
	for _, e := range []ledger.Event{begin(1<<32+77, 1), begin(99<<32+1, 1), begin(0, 1), outcome(1<<32+77, ledger.Skipped, 1)} {
		if err := b.Record(b.ctx, e); !errors.Is(err, ledger.ErrTaken) {
			t.Errorf("%+v: got %v", e, err)
		}
	}
}

func oneIntent(t *testing.T, b *book) {
	b.enqueue(people(1)...)
	id := b.entry(0).ID
	var won atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			switch err := b.Record(b.ctx, begin(id, 1)); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, ledger.ErrTaken):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d intents won", won.Load())
	}
}

func endedContext(t *testing.T, b *book) {
	b.enqueue(people(1)...)
	id := b.entry(0).ID
	b.record(begin(id, 1))
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	b.must(b.Record(ctx, sent(id, 2)))
	if e := b.entry(0); e.State != ledger.Sent {
		t.Errorf("it is %s", e.State)
	}
}

func longReply(t *testing.T, b *book) {
	b.enqueue(people(1)...)
	id := b.entry(0).ID
	o := outcome(id, ledger.Refused, 1)
	o.Reply = "\xff" + strings.Repeat("鸿", ledger.MaxReply)
	b.record(o)
	got := b.entry(0).Reply
	if len(got) > ledger.MaxReply || len(got) < ledger.MaxReply-3 || !utf8.ValidString(got) || !strings.HasPrefix(got, "\uFFFD鸿鸿") {
		t.Errorf("%d bytes: %.20q…", len(got), got)
	}
}

func firstAccount(t *testing.T, b *book) {
	b.enqueue(people(1)...)
	id := b.entry(0).ID
	b.bring(id, ledger.Deferred)
	o := later(id, 5, 6)
	o.Account = "qq2"
	b.record(o)
	if e := b.entry(0); e.Account != "qq" {
		t.Errorf("it moved to %s", e.Account)
	}
}
