package ledgertest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hongyan/internal/ledger"
)

func reading() map[string]func(*testing.T, *book) {
	return map[string]func(*testing.T, *book){
		"EntriesComeInListOrder":      inOrder,
		"AReaderMayStopEarly":         stopEarly,
		"AFilterLetsPassWhatItSays":   filters,
		"PagesFollowOnOneAnother":     pages,
		"EveryRowIsInExactlyOneState": everyState,
		"TheLatestIssueComesFirst":    latestFirst,
		"HistoryHasEveryAttempt":      history,
		"HistoryIsReadOverAllIssues":  historyOverIssues,
		"HistorySurvivesARestart":     historyReopened,
	}
}

func inOrder(_ *testing.T, b *book) {
	rows := people(2500)
	b.enqueue(rows...)
	var want []string
	for _, r := range rows {
		want = append(want, r.Address)
	}
	b.same("entries", addresses(b.entries(ledger.Filter{})), want)
	b.same("within a reach of many pages", addresses(b.entries(ledger.Filter{Reach: 2200})), want[:2200])
}

func stopEarly(t *testing.T, b *book) {
	b.enqueue(people(5)...)
	n := 0
	for range b.Entries(b.ctx, welcome(), ledger.Filter{}) {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("read %d", n)
	}
}

func filters(_ *testing.T, b *book) {
	rows := people(8)
	rows[6].Name = "Ada 100%"
	b.enqueue(append(rows, ledger.Row{Line: 99, Skip: "No address"})...)
	for i, s := range ledger.States() {
		if i < 6 {
			b.bring(b.entry(i).ID, s)
		}
	}
	for _, c := range []struct {
		name string
		f    ledger.Filter
		want []int
	}{
		{"one state", ledger.Filter{States: []ledger.State{ledger.Refused}}, []int{3}},
		{"two states", ledger.Filter{States: []ledger.State{ledger.Sent, ledger.InDoubt}}, []int{2, 5}},
		{"account", ledger.Filter{Account: "qq"}, []int{1, 2, 3, 4, 5}},
		{"nobody's account", ledger.Filter{Account: "none"}, nil},
		{"address", ledger.Filter{Text: "P00004@"}, []int{4}},
		{"name", ledger.Filter{Text: "ada 100%"}, []int{6}},
		{"reply", ledger.Filter{Text: "no address"}, []int{8}},
		{"what stands for an address is none", ledger.Filter{Text: "line:"}, nil},
		{"percent is no wildcard", ledger.Filter{Text: "p%5"}, nil},
		{"nor is a line below", ledger.Filter{Text: "p0000_"}, nil},
		{"nor does a stroke hide anything", ledger.Filter{Text: `100\%`}, nil},
		{"a text without end", ledger.Filter{Text: strings.Repeat("p", 60_000)}, nil},
		{"text and state", ledger.Filter{Text: "p0000", States: []ledger.State{ledger.Deferred}}, []int{4}},
		{"a reach", ledger.Filter{Reach: 3}, []int{0, 1, 2}},
		{"a reach after somebody", ledger.Filter{Reach: 2, After: b.entry(4).ID}, []int{5, 6}},
		{"a reach beyond the end", ledger.Filter{Reach: 1 << 40, After: b.entry(6).ID}, []int{7, 8}},
		{"a text within reach", ledger.Filter{Text: "p0000", Reach: 2, After: b.entry(2).ID}, []int{3, 4}},
		{"a text out of reach", ledger.Filter{Text: "p00004@", Reach: 4}, nil},
		{"a state within reach", ledger.Filter{States: []ledger.State{ledger.Queued, ledger.Deferred}, Reach: 5}, []int{0, 4}},
		{"all at once", ledger.Filter{Text: "p0", Account: "qq", States: []ledger.State{ledger.Sent, ledger.Queued}}, []int{2}},
	} {
		var want []string
		for _, i := range c.want {
			want = append(want, b.entry(i).Address)
		}
		b.same(c.name, addresses(b.entries(c.f)), want)
	}
}

func pages(_ *testing.T, b *book) {
	b.enqueue(people(25)...)
	var got []string
	f := ledger.Filter{Limit: 10}
	for range 3 {
		page := b.entries(f)
		got = append(got, addresses(page)...)
		f.After = page[len(page)-1].ID
	}
	b.same("three pages", got, addresses(b.entries(ledger.Filter{})))
	b.same("the fourth", addresses(b.entries(f)), nil)
}

func everyState(t *testing.T, b *book) {
	states := ledger.States()
	n := len(states) * (len(states) + 1) / 2
	b.enqueue(people(n)...)
	entries := b.entries(ledger.Filter{})
	for i, s := range states {
		for range i + 1 {
			b.bring(entries[0].ID, s)
			entries = entries[1:]
		}
	}
	got, err := b.Totals(b.ctx, welcome())
	b.must(err)
	if got.Rows != n {
		t.Errorf("%d rows, want %d", got.Rows, n)
	}
	for i, s := range states {
		if got.Of(s) != i+1 {
			t.Errorf("%d %s, want %d", got.Of(s), s, i+1)
		}
	}
	b.must(got.Check())
}

func latestFirst(t *testing.T, b *book) {
	for i := range 3 {
		_, err := b.Plan(b.ctx, ledger.Key{Campaign: "news", Issue: fmt.Sprint(i)}, ledger.Plan{At: at(10 - i), Digests: map[string]string{"list": "x"}})
		b.must(err)
	}
	b.enqueue(people(2)...)
	b.bring(b.entry(0).ID, ledger.Deferred)
	issues, err := b.Issues(b.ctx)
	b.must(err)
	var got []string
	for _, is := range issues {
		got = append(got, is.Key.String())
	}
	b.same("issues", got, []string{"news/0", "news/1", "news/2", "welcome/main"})
	if is := issues[3]; is.Rows != 2 || is.Deferred != 1 || is.Queued != 1 || !is.Complete || is.Last != at(2) || is.First {
		t.Errorf("the last: %+v", is)
	}
	if is := issues[0]; is.Digests["list"] != "x" || is.Complete || !is.Last.IsZero() || is.At != at(10) {
		t.Errorf("the first: %+v", is)
	}
}

func (b *book) history(account string, since time.Time, want ...int) {
	b.t.Helper()
	var minutes []time.Time
	for _, m := range want {
		minutes = append(minutes, at(m))
	}
	got, err := b.History(b.ctx, account, since)
	b.must(err)
	if !slices.Equal(got, minutes) {
		b.t.Errorf("history of %s since %v: got %v, want %v", account, since, got, minutes)
	}
}

func history(_ *testing.T, b *book) {
	b.enqueue(people(4)...)
	free := later(b.entry(1).ID, 8, 9)
	free.Free = true
	b.record(begin(b.entry(1).ID, 5), free)                       // the server saw it
	b.record(begin(b.entry(0).ID, 1), later(b.entry(0).ID, 2, 3)) // tried twice
	b.record(begin(b.entry(0).ID, 4), sent(b.entry(0).ID, 4))     //
	b.record(outcome(b.entry(2).ID, ledger.Refused, 6))           // refused before any intent
	unseen := later(b.entry(3).ID, 7, 8)
	unseen.Free = true
	b.record(unseen) // the link was lost before anything
	b.history("qq", at(0), 1, 4, 5, 6)
	b.history("qq", at(4), 4, 5, 6)
	b.history("qq", at(7))
	b.history("qq2", at(0))
}

func historyOverIssues(_ *testing.T, b *book) {
	k := ledger.Key{Campaign: "news", Issue: "1"}
	b.plan(k)
	_, err := b.Enqueue(b.ctx, k, list(people(2)...))
	b.must(err)
	b.enqueue(people(1)...)
	got, err := b.Claim(b.ctx, k, "qq", 2, at(0))
	b.must(err)
	b.record(begin(got[0].ID, 3), begin(b.entry(0).ID, 1), ledger.Intent{ID: got[1].ID, Account: "qq2", At: at(2)})
	b.history("qq", at(0), 1, 3)
	b.history("qq2", at(0), 2)
}

func historyReopened(_ *testing.T, b *book) {
	b.enqueue(people(2)...)
	b.record(begin(b.entry(0).ID, 1), later(b.entry(0).ID, 1, 2), begin(b.entry(0).ID, 30))
	b.reopen()
	b.record(begin(b.entry(1).ID, 20)) // the clock went back
	b.history("qq", at(0), 1, 20, 30)
	b.history("qq", at(25), 30)
}

func remembering() map[string]func(*testing.T, *book) {
	return map[string]func(*testing.T, *book){
		"AHoldStandsUntilItIsLifted":            holds,
		"WhomAHoldPutOffIsDueOnceItIsLifted":    lifted,
		"WhoPutRecipientsOffIsNamed":            putOffBy,
		"WhatWasLearnedIsRemembered":            learned,
		"TheKeyIsMadeOnce":                      keyOnce,
		"WhatWasSendingIsInDoubtAtTheNextStart": doubtAtStart,
		"NothingWorksAfterClose":                closed,
	}
}

func holds(t *testing.T, b *book) {
	first := ledger.Hold{Account: "qq", Until: at(30), Since: at(1), Reason: "frequency", Rule: "qq/freq", Reply: "550 太频繁"}
	human := ledger.Hold{Account: "163", Since: at(2), Reason: "login", Human: true}
	b.must(b.Hold(b.ctx, first))
	b.must(b.Hold(b.ctx, human))
	first.Until = at(50)
	b.must(b.Hold(b.ctx, first))
	b.reopen()
	got, err := b.Holds(b.ctx)
	b.must(err)
	if !slices.Equal(got, []ledger.Hold{human, first}) {
		t.Errorf("holds: %+v", got)
	}
	b.must(b.Lift(b.ctx, "qq"))
	b.must(b.Lift(b.ctx, "nobody"))
	if got, err = b.Holds(b.ctx); err != nil || !slices.Equal(got, []ledger.Hold{human}) {
		t.Errorf("after one was lifted: %+v, %v", got, err)
	}
}

// lifted has the account's verdict put recipients off in all ways that there are,
// and some others in ways that only look alike.
func lifted(t *testing.T, b *book) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	since, wait := now.Add(-time.Minute), 3*time.Hour
	before := since.Add(-time.Second)
	putOff := func(n int, account string, at, due time.Time) ledger.Outcome {
		return ledger.Outcome{ID: b.entry(n).ID, State: ledger.Deferred, Account: account, At: at, Due: due, Stage: "dot", Code: 550, Free: true}
	}
	begins := func(n int, account string) ledger.Intent {
		return ledger.Intent{ID: b.entry(n).ID, Account: account, MessageID: "id@example.com", At: before.Add(-time.Second)}
	}
	counted := func(o ledger.Outcome) ledger.Outcome { o.Free = false; return o }
	b.enqueue(people(8)...)
	b.record(begins(0, "qq"), putOff(0, "qq", since, since.Add(wait)))
	b.record(begins(1, "qq"), putOff(1, "qq", before, before.Add(wait))) // over another connection
	b.record(putOff(2, "qq", since, since.Add(wait)))
	b.record(begins(3, "qq"), counted(putOff(3, "qq", before, before)), begins(3, "qq"), putOff(3, "qq", since, since.Add(wait)))
	mine := len(b.entries(ledger.Filter{States: []ledger.State{ledger.Deferred}}))
	b.record(begins(4, "qq"), counted(putOff(4, "qq", before, before.Add(wait)))) // its own schedule wants that
	b.record(putOff(5, "qq", since, since.Add(20*time.Minute)))                   // a limit of its domain
	b.record(begins(6, "163"), putOff(6, "163", since, since.Add(wait)))
	b.record(putOff(7, "qq", since.Add(time.Second), since.Add(time.Second+wait))) // after it
	was := b.entries(ledger.Filter{})
	b.must(b.Hold(b.ctx, ledger.Hold{Account: "qq", Since: since, Until: since.Add(wait), Reason: "rate-account"}))
	b.must(b.Lift(b.ctx, "qq"))
	b.healthy()
	b.reopen()
	for i, e := range b.entries(ledger.Filter{}) {
		if i < mine && (e.Due.Before(now) || e.Due.After(time.Now())) || i >= mine && !e.Due.Equal(was[i].Due) {
			t.Errorf("entry %d was due at %s and is due at %s", i, was[i].Due, e.Due)
		}
	}
	b.same("offered", addresses(b.claim("qq", 9, time.Now())), addresses(was[:mine]))
}

func putOffBy(t *testing.T, b *book) {
	if _, err := b.PutOffBy(b.ctx, ledger.Key{Campaign: "none", Issue: "main"}); !errors.Is(err, ledger.ErrUnknown) {
		t.Errorf("of no issue: %v", err)
	}
	b.enqueue(people(5)...)
	for i, account := range []string{"qq", "163", "qq", "126"} {
		o := later(b.entry(i).ID, 2, 30)
		o.Account = account
		if account == "126" {
			o.State, o.Due = ledger.Refused, time.Time{}
		}
		b.record(o)
	}
	b.claim("qq", 1, at(30))
	b.reopen()
	got, err := b.PutOffBy(b.ctx, welcome())
	b.must(err)
	b.same("who put off", got, []string{"163", "qq"})
}

func learned(t *testing.T, b *book) {
	for _, want := range []string{`{"factor":0.5}`, `{"factor":0.25}`} {
		b.must(b.Learn(b.ctx, "qq", []byte(want)))
		b.reopen()
		if got, err := b.Learned(b.ctx, "qq"); err != nil || string(got) != want {
			t.Errorf("learned: %s, %v", got, err)
		}
	}
	if got, err := b.Learned(b.ctx, "163"); err != nil || got != nil {
		t.Errorf("learned of a stranger: %s, %v", got, err)
	}
}

func keyOnce(t *testing.T, b *book) {
	first, err := b.Key(b.ctx)
	b.must(err)
	b.reopen()
	second, err := b.Key(b.ctx)
	b.must(err)
	if len(first) != 32 || !slices.Equal(first, second) {
		t.Errorf("keys: %x, %x", first, second)
	}
}

func doubtAtStart(t *testing.T, b *book) {
	states := ledger.States()
	b.enqueue(people(len(states))...)
	for i, s := range states {
		b.bring(b.entry(i).ID, s)
	}
	before := b.entries(ledger.Filter{})
	for range 2 {
		b.reopen()
		for i, e := range b.entries(ledger.Filter{}) {
			want := states[i]
			if want == ledger.Sending {
				want = ledger.InDoubt
			}
			if e.State != want || e.Account != before[i].Account || e.Begun != before[i].Begun || e.Attempts != before[i].Attempts {
				t.Errorf("%s became %+v", states[i], e)
			}
		}
	}
	if e := b.entry(1); e.MessageID != "id@example.com" || !e.Ended.IsZero() || e.Stage != ledger.AbandonedAt || e.Reply != ledger.AbandonedWhy {
		t.Errorf("evidence: %+v", e)
	}
}

func closed(t *testing.T, b *book) {
	b.enqueue(people(1)...)
	id := b.entry(0).ID
	b.must(b.Close())
	_, claim := b.Claim(b.ctx, welcome(), "qq", 1, at(0))
	_, totals := b.Totals(b.ctx, welcome())
	_, plan := b.Plan(b.ctx, welcome(), ledger.Plan{})
	for i, err := range []error{claim, totals, plan, b.Record(b.ctx, begin(id, 1)), b.Lift(b.ctx, "qq")} {
		if err == nil {
			t.Errorf("call %d worked", i)
		}
	}
	b.Store = b.open()
	if e := b.entry(0); e.State != ledger.Queued {
		t.Errorf("it is %s", e.State)
	}
}
