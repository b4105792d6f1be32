// Package ledgertest is the promise of package ledger as a suite: each
// sentence of its contracts is a test that every store must pass. It also has
// a small honest store in memory for the tests of others.
//
// It must never know how a store keeps its promise.
package ledgertest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"hongyan/internal/ledger"
)

// An Open opens one ledger. After a Close, or the death that a store may have
// suffered instead, it opens the same one again.
type Open func() ledger.Store

// Run checks a store; place makes a new empty place for each test.
func Run(t *testing.T, place func(t *testing.T) Open) {
	for _, group := range []map[string]func(*testing.T, *book){
		planning(), enqueuing(), claiming(), recording(), reading(), remembering(), settling(),
		reopening(), suppressing(), noting(), shelving(),
	} {
		for name, test := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := newBook(t, place(t))
				test(t, b)
				b.healthy()
			})
		}
	}
	t.Run("ItBehavesAsTheModelDoes", func(t *testing.T) { behave(t, place) })
}

// Welcome is the issue that most tests are about.
func welcome() ledger.Key { return ledger.Key{Campaign: "welcome", Issue: "main"} }

// at is a moment of the day on which the tests take place.
func at(minute int) time.Time {
	return time.Date(2026, 11, 23, 9, minute, 0, 0, time.UTC)
}

// A book is a store under test, and what tests say of it.
type book struct {
	ledger.Store
	t    *testing.T
	open Open
	ctx  context.Context
}

func newBook(t *testing.T, open Open) *book {
	b := &book{t: t, open: open, ctx: t.Context(), Store: open()}
	t.Cleanup(func() { b.must(b.Close()) })
	b.plan(welcome())
	return b
}

func (b *book) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// reopen is the next start of the program.
func (b *book) reopen() {
	b.t.Helper()
	b.must(b.Close())
	b.Store = b.open()
}

func (b *book) plan(k ledger.Key) {
	b.t.Helper()
	_, err := b.Plan(b.ctx, k, ledger.Plan{At: at(0)})
	b.must(err)
}

// rows makes the list that a file would be.
func list(rows ...ledger.Row) iter.Seq2[ledger.Row, error] {
	return func(yield func(ledger.Row, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func person(line int, address string) ledger.Row {
	return ledger.Row{Line: line, Address: address, Fields: map[string]string{"email": address}}
}

// people are n rows from line 2 on.
func people(n int) []ledger.Row {
	out := make([]ledger.Row, n)
	for i := range out {
		out[i] = person(i+2, fmt.Sprintf("p%05d@example.com", i))
	}
	return out
}

func (b *book) enqueue(rows ...ledger.Row) ledger.Enqueued {
	b.t.Helper()
	done, err := b.Enqueue(b.ctx, welcome(), list(rows...))
	b.must(err)
	if done.Rows != done.Added+done.Known+done.Cured+done.Duplicates {
		b.t.Errorf("rows of the pass do not add up: %+v", done)
	}
	return done
}

func (b *book) claim(account string, n int, now time.Time) []ledger.Entry {
	b.t.Helper()
	got, err := b.Claim(b.ctx, welcome(), account, n, now)
	b.must(err)
	return got
}

func (b *book) entries(f ledger.Filter) []ledger.Entry {
	b.t.Helper()
	var out []ledger.Entry
	for e, err := range b.Entries(b.ctx, welcome(), f) {
		b.must(err)
		out = append(out, e)
	}
	return out
}

// at returns the entry of the n-th row.
func (b *book) entry(n int) ledger.Entry {
	b.t.Helper()
	all := b.entries(ledger.Filter{})
	if n >= len(all) {
		b.t.Fatalf("there are %d entries, not %d", len(all), n+1)
	}
	return all[n]
}

func (b *book) record(events ...ledger.Event) {
	b.t.Helper()
	b.must(b.Record(b.ctx, events...))
}

func begin(id int64, minute int) ledger.Intent {
	return ledger.Intent{ID: id, Account: "qq", MessageID: "id@example.com", At: at(minute)}
}

func sent(id int64, minute int) ledger.Outcome {
	return ledger.Outcome{ID: id, State: ledger.Sent, Account: "qq", At: at(minute), Stage: "dot", Code: 250, Reply: "OK"}
}

func later(id int64, minute, due int) ledger.Outcome {
	return ledger.Outcome{ID: id, State: ledger.Deferred, Account: "qq", At: at(minute), Due: at(due), Stage: "rcpt", Code: 450}
}

func outcome(id int64, s ledger.State, minute int) ledger.Outcome {
	return ledger.Outcome{ID: id, State: s, Account: "qq", At: at(minute)}
}

// bring leads an untouched entry into a state.
func (b *book) bring(id int64, s ledger.State) {
	b.t.Helper()
	switch s {
	case ledger.Queued:
	case ledger.Sending:
		b.record(begin(id, 1))
	case ledger.Sent:
		b.record(begin(id, 1), sent(id, 2))
	case ledger.Deferred:
		b.record(begin(id, 1), later(id, 2, 3))
	case ledger.Refused, ledger.InDoubt:
		b.record(begin(id, 1), outcome(id, s, 2))
	default:
		b.record(outcome(id, s, 2))
	}
}

// healthy checks the books of every issue: the accounting identity, and that
// the store has nothing against itself.
func (b *book) healthy() {
	b.t.Helper()
	issues, err := b.Issues(b.ctx)
	b.must(err)
	for _, is := range issues {
		if err := is.Check(); err != nil {
			b.t.Errorf("%s: %v", is.Key, err)
		}
	}
	for f, err := range b.Verify(b.ctx) {
		b.must(err)
		b.t.Error(f)
	}
}

func addresses(entries []ledger.Entry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, e.Address)
	}
	return out
}

func (b *book) same(what string, got, want []string) {
	b.t.Helper()
	if !slices.Equal(got, want) {
		b.t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
