package ledgertest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"hongyan/internal/ledger"
)

// Claim implements [ledger.Line].
func (m *Memory) Claim(_ context.Context, k ledger.Key, account string, n int, now time.Time) ([]ledger.Entry, error) {
	is, err := m.open(k)
	if err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	out := append(is.due(account, now), is.fresh()...)
	out = out[:min(n, len(out))]
	for _, e := range out {
		is.claimed[e.ID] = e.State
	}
	return out, nil
}

// due returns the unclaimed deferred entries of account that are due by now.
func (is *issue) due(account string, now time.Time) (out []ledger.Entry) {
	for r := range is.all() {
		_, claimed := is.claimed[r.ID]
		if !claimed && r.State == ledger.Deferred && r.Account == account && !r.Due.After(now) {
			out = append(out, r.Entry)
		}
	}
	slices.SortStableFunc(out, func(a, b ledger.Entry) int { return a.Due.Compare(b.Due) })
	return out
}

func (is *issue) fresh() (out []ledger.Entry) {
	for r := range is.all() {
		if _, claimed := is.claimed[r.ID]; !claimed && r.State == ledger.Queued {
			out = append(out, r.Entry)
		}
	}
	return out
}

// Record implements [ledger.Line].
func (m *Memory) Record(_ context.Context, events ...ledger.Event) error {
	for _, e := range events {
		if err := e.Check(); err != nil {
			return err
		}
	}
	if err := m.change(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if m.OnRecord != nil {
		if err := m.OnRecord(events); err != nil {
			m.broken = fmt.Errorf("%w: %w", ledger.ErrBroken, err)
			return m.broken
		}
	}
	var taken []int64
	for _, e := range events {
		if id, ok := m.apply(e); !ok {
			taken = append(taken, id)
		}
	}
	if len(taken) > 0 {
		return &ledger.Taken{IDs: taken}
	}
	return nil
}

func (m *Memory) apply(e ledger.Event) (id int64, ok bool) {
	switch e := e.(type) {
	case ledger.Intent:
		is, r := m.row(e.ID)
		return e.ID, r != nil && is.leave(r, ledger.Sending) && r.intent(e)
	case ledger.Outcome:
		is, r := m.row(e.ID)
		return e.ID, r != nil && is.leave(r, e.State) && r.outcome(e)
	}
	return 0, false
}

// leave ends the claim, and keeps what a deferred entry's next step will
// overwrite.
func (is *issue) leave(r *row, to ledger.State) bool {
	if !slices.Contains(to.From(), r.State) {
		return false
	}
	delete(is.claimed, r.ID)
	if r.State == ledger.Deferred {
		r.past = append(r.past, r.attempt())
		r.Begun = time.Time{}
	}
	r.Due = time.Time{}
	r.forget()
	return true
}

func (r *row) intent(e ledger.Intent) bool {
	r.State, r.Account, r.MessageID, r.Begun, r.Ended = ledger.Sending, e.Account, e.MessageID, milli(e.At), time.Time{}
	r.Attempts++
	return true
}

func (r *row) outcome(e ledger.Outcome) bool {
	tried := e.State == ledger.Refused || e.State == ledger.Deferred
	switch {
	case r.State == ledger.Sending && e.Free:
		r.Attempts--
	case r.State != ledger.Sending && tried && !e.Free:
		r.Attempts++
		r.Begun = milli(e.At)
	}
	if tried {
		r.Account = cmp.Or(r.Account, e.Account)
	}
	r.State, r.Ended, r.Due = e.State, milli(e.At), milli(e.Due)
	r.Stage, r.Code, r.Enhanced, r.Reply = e.Stage, e.Code, e.Enhanced, ledger.Bounded(e.Reply)
	r.Class, r.Rule, r.Bytes = e.Class, e.Rule, e.Bytes
	return true
}

// Release implements [ledger.Line].
func (m *Memory) Release(_ context.Context, ids ...int64) error {
	if err := m.enter(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	for _, id := range ids {
		if is, r := m.row(id); r != nil {
			delete(is.claimed, id)
		}
	}
	return nil
}

// NextDue implements [ledger.Line].
func (m *Memory) NextDue(_ context.Context, k ledger.Key, account string) (due time.Time, more bool, err error) {
	is, err := m.open(k)
	if err != nil {
		return due, false, err
	}
	defer m.mu.Unlock()
	more = is.enqueuing || !is.plan.Complete || len(is.fresh()) > 0
	for _, from := range is.claimed {
		more = more || from == ledger.Queued
	}
	for r := range is.all() {
		_, claimed := is.claimed[r.ID]
		if !claimed && r.State == ledger.Deferred && r.Account == account && (due.IsZero() || r.Due.Before(due)) {
			due = r.Due
		}
	}
	return due, more, nil
}
