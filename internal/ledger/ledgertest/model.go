package ledgertest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hongyan/internal/ledger"
)

// behave has the store and the model do the same things in any order, and
// compares all that can be seen.
func behave(t *testing.T, place func(*testing.T) Open) {
	rapid.Check(t, func(r *rapid.T) {
		model := NewMemory()
		p := &pair{store: newBook(t, place(t)), model: newBook(t, func() ledger.Store {
			model.Restart()
			return model
		})}
		r.Repeat(map[string]func(*rapid.T){
			"":        p.compare,
			"enqueue": p.enqueue,
			"claim":   p.claim,
			"release": p.release,
			"record":  p.record,
			"settle":  p.settle,
			"again":   p.again,
			"reopen":  func(*rapid.T) { p.store.reopen(); p.model.reopen(); p.claimed = nil },
		})
		p.store.healthy()
		p.store.must(p.store.Close())
	})
}

type pair struct {
	store, model *book
	claimed      []int64
	minute       int
}

func (p *pair) now() int { p.minute++; return p.minute }

func (p *pair) enqueue(r *rapid.T) {
	rows := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) ledger.Row {
		row := person(rapid.IntRange(2, 9).Draw(r, "line"), fmt.Sprintf("p%d@example.com", rapid.IntRange(0, 9).Draw(r, "who")))
		switch rapid.IntRange(0, 4).Draw(r, "fault") {
		case 0:
			row.Skip = "no name"
		case 1:
			row.Skip, row.Address = "no address", ""
		}
		return row
	}), 0, 12).Draw(r, "rows")
	got, want := p.store.enqueue(rows...), p.model.enqueue(rows...)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		r.Fatalf("enqueue: got %+v, want %+v", got, want)
	}
}

func (p *pair) account(r *rapid.T) string {
	return rapid.SampledFrom([]string{"qq", "163"}).Draw(r, "account")
}

func (p *pair) claim(r *rapid.T) {
	account, n := p.account(r), rapid.IntRange(1, 4).Draw(r, "n")
	now := at(p.now())
	got, want := p.store.claim(account, n, now), p.model.claim(account, n, now)
	if !reflect.DeepEqual(plain(got), plain(want)) {
		r.Fatalf("claim: got %v, want %v", got, want)
	}
	for _, e := range got {
		p.claimed = append(p.claimed, e.ID)
	}
}

func (p *pair) release(r *rapid.T) {
	if len(p.claimed) == 0 {
		r.Skip("nothing is claimed")
	}
	id := rapid.SampledFrom(p.claimed).Draw(r, "id")
	p.claimed = slices.DeleteFunc(p.claimed, func(c int64) bool { return c == id })
	p.store.must(p.store.Release(p.store.ctx, id))
	p.model.must(p.model.Release(p.model.ctx, id))
}

func (p *pair) record(r *rapid.T) {
	events := rapid.SliceOfN(rapid.Custom(p.event), 1, 3).Draw(r, "events")
	got, want := p.store.Record(p.store.ctx, events...), p.model.Record(p.model.ctx, events...)
	if (got == nil) != (want == nil) || got != nil && got.Error() != want.Error() {
		r.Fatalf("record %+v: got %v, want %v", events, got, want)
	}
	if got != nil && !errors.Is(got, ledger.ErrTaken) {
		r.Fatal(got)
	}
	p.minute += 2
}

// event is a well-formed event of an entry that may or may not be there.
func (p *pair) event(r *rapid.T) ledger.Event {
	id := int64(1<<32 | rapid.IntRange(1, 12).Draw(r, "entry"))
	account := p.account(r)
	s := rapid.SampledFrom(slices.DeleteFunc(ledger.States(), func(s ledger.State) bool { return s.From() == nil })).Draw(r, "state")
	if s == ledger.Sending {
		return ledger.Intent{ID: id, Account: account, MessageID: fmt.Sprint("m", p.minute), At: at(p.minute)}
	}
	o := ledger.Outcome{
		ID: id, State: s, Account: account, At: at(p.minute + 1), Free: rapid.Bool().Draw(r, "free"),
		Code: 200 + p.minute, Reply: fmt.Sprint("reply ", p.minute), Stage: "dot",
	}
	if s == ledger.Deferred {
		o.Due = at(p.minute + rapid.IntRange(0, 9).Draw(r, "wait"))
	}
	return o
}

func (p *pair) settle(r *rapid.T) {
	s := ledger.Settlement{To: rapid.SampledFrom([]ledger.State{ledger.Sent, ledger.Deferred}).Draw(r, "to"), At: at(p.now()), By: "li"}
	got, err := p.store.Settle(p.store.ctx, welcome(), s)
	p.store.must(err)
	want, err := p.model.Settle(p.model.ctx, welcome(), s)
	p.model.must(err)
	if got != want {
		r.Fatalf("settled %d, want %d", got, want)
	}
}

func (p *pair) again(*rapid.T) {
	w := ledger.Reopening{Classes: []string{""}, At: at(p.now()), By: "li"}
	got, err := p.store.Reopen(p.store.ctx, welcome(), w)
	p.store.must(err)
	want, err := p.model.Reopen(p.model.ctx, welcome(), w)
	p.model.must(err)
	if got != want {
		p.store.t.Fatalf("reopened %d, want %d", got, want)
	}
}

func (p *pair) compare(r *rapid.T) {
	same(r, "entries", p, func(b *book) any { return b.entries(ledger.Filter{}) })
	same(r, "attempts", p, func(b *book) any {
		var all []string
		for _, e := range b.entries(ledger.Filter{}) {
			past, err := b.Attempts(b.ctx, e.ID)
			b.must(err)
			all = append(all, fmt.Sprintf("%+v", past))
		}
		return all
	})
	same(r, "timeline", p, func(b *book) any {
		moments, err := b.Timeline(b.ctx, welcome(), 3*time.Minute)
		b.must(err)
		return fmt.Sprintf("%+v", moments)
	})
	same(r, "issues", p, func(b *book) any {
		issues, err := b.Issues(b.ctx)
		b.must(err)
		return issues
	})
	for _, account := range []string{"qq", "163"} {
		same(r, "history", p, func(b *book) any {
			h, err := b.History(b.ctx, account, at(p.minute/2))
			b.must(err)
			return h
		})
		same(r, "next due", p, func(b *book) any {
			due, more, err := b.NextDue(b.ctx, welcome(), account)
			b.must(err)
			return fmt.Sprint(due, more)
		})
	}
}

func same(r *rapid.T, what string, p *pair, see func(*book) any) {
	got, want := see(p.store), see(p.model)
	if !reflect.DeepEqual(got, want) {
		r.Fatalf("%s:\ngot  %#v\nwant %#v", what, got, want)
	}
}

// plain makes nothing of no entries.
func plain(entries []ledger.Entry) []ledger.Entry {
	if len(entries) == 0 {
		return nil
	}
	return entries
}
