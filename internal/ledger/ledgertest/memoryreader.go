package ledgertest

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"hongyan/internal/ledger"
)

// Entries implements [ledger.Reader].
func (m *Memory) Entries(_ context.Context, k ledger.Key, f ledger.Filter) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		entries, err := m.entries(k, f)
		if err != nil {
			yield(ledger.Entry{}, err)
			return
		}
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (m *Memory) entries(k ledger.Key, f ledger.Filter) (out []ledger.Entry, err error) {
	is, err := m.open(k)
	if err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	for r := range is.all() {
		if f.Match(r.Entry) && (f.Limit == 0 || len(out) < f.Limit) {
			out = append(out, r.Entry)
		}
	}
	return out, nil
}

// PutOffBy implements [ledger.Accounts].
func (m *Memory) PutOffBy(_ context.Context, k ledger.Key) (names []string, err error) {
	entries, err := m.entries(k, ledger.Filter{States: []ledger.State{ledger.Deferred}})
	for _, e := range entries {
		names = append(names, e.Account)
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

// Totals implements [ledger.Reader].
func (m *Memory) Totals(_ context.Context, k ledger.Key) (ledger.Totals, error) {
	is, err := m.open(k)
	if err != nil {
		return ledger.Totals{}, err
	}
	defer m.mu.Unlock()
	t, _ := is.totals()
	return t, nil
}

func (is *issue) totals() (t ledger.Totals, last time.Time) {
	for r := range is.all() {
		t.Rows++
		t.Add(r.State, 1)
		for _, at := range []time.Time{r.Begun, r.Ended} {
			if at.After(last) {
				last = at
			}
		}
	}
	return t, last
}

// Issues implements [ledger.Reader].
func (m *Memory) Issues(context.Context) ([]ledger.Issue, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	var out []ledger.Issue
	for _, is := range slices.Backward(m.issues) {
		t, last := is.totals()
		out = append(out, ledger.Issue{Key: is.Key, Plan: is.plan, Last: last, Totals: t})
	}
	slices.SortStableFunc(out, func(a, b ledger.Issue) int { return b.At.Compare(a.At) })
	return out, nil
}

// History implements [ledger.Accounts].
func (m *Memory) History(_ context.Context, account string, since time.Time) ([]time.Time, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	var out []time.Time
	for _, is := range m.issues {
		for r := range is.all() {
			for _, a := range append(slices.Clone(r.past), r.attempt()) {
				if a.Account == account && !a.Begun.IsZero() && !a.Begun.Before(milli(since)) {
					out = append(out, a.Begun)
				}
			}
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out, nil
}

// Hold implements [ledger.Accounts].
func (m *Memory) Hold(_ context.Context, h ledger.Hold) error {
	if err := m.change(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	h.Since, h.Until, h.Reply = milli(h.Since), milli(h.Until), ledger.Bounded(h.Reply)
	m.holds[h.Account] = h
	return nil
}

// Holds implements [ledger.Accounts].
func (m *Memory) Holds(context.Context) ([]ledger.Hold, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.holds), func(a, b ledger.Hold) int { return strings.Compare(a.Account, b.Account) }), nil
}

// Lift implements [ledger.Accounts].
func (m *Memory) Lift(_ context.Context, account string) error {
	if err := m.change(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	h, now := m.holds[account], milli(time.Now())
	for _, is := range m.issues {
		for r := range is.all() {
			if h.Keeps(r.Entry) && r.Due.After(now) {
				r.Due = now
			}
		}
	}
	delete(m.holds, account)
	return nil
}

// Learn implements [ledger.Accounts].
func (m *Memory) Learn(_ context.Context, account string, learned []byte) error {
	if err := m.change(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	m.learned[account] = slices.Clone(learned)
	return nil
}

// Learned implements [ledger.Accounts].
func (m *Memory) Learned(_ context.Context, account string) ([]byte, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	return slices.Clone(m.learned[account]), nil
}

// Settle implements [ledger.Auditor].
func (m *Memory) Settle(_ context.Context, k ledger.Key, s ledger.Settlement) (n int, err error) {
	if err := s.Check(); err != nil {
		return 0, err
	}
	is, err := m.rewrite(k)
	if err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	for r := range is.all() {
		if r.State == ledger.InDoubt && (s.IDs == nil || slices.Contains(s.IDs, r.ID)) {
			r.settle(s)
			n++
		}
	}
	return n, nil
}

func (r *row) settle(s ledger.Settlement) {
	r.State, r.SettledBy, r.SettledAt = s.To, s.By, milli(s.At)
	if r.Ended.IsZero() {
		r.Ended = milli(s.At)
	}
	if s.To == ledger.Deferred {
		r.Due = milli(s.At)
	}
}

// Reopen implements [ledger.Auditor].
func (m *Memory) Reopen(_ context.Context, k ledger.Key, w ledger.Reopening) (n int, err error) {
	if err := w.Check(); err != nil {
		return 0, err
	}
	is, err := m.rewrite(k)
	if err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	for r := range is.all() {
		if w.Match(r.Entry) {
			r.State, r.Due, r.SettledBy, r.SettledAt = ledger.Deferred, milli(w.At), w.By, milli(w.At)
			n++
		}
	}
	return n, nil
}

// Verify implements [ledger.Auditor].
func (m *Memory) Verify(context.Context) iter.Seq2[ledger.Finding, error] {
	return func(yield func(ledger.Finding, error) bool) {
		if err := m.enter(); err != nil {
			yield(ledger.Finding{}, err)
			return
		}
		defer m.mu.Unlock()
		for _, is := range m.issues {
			t, _ := is.totals()
			if err := t.Check(); err != nil && !yield(ledger.Finding{Key: is.Key, What: err.Error()}, nil) {
				return
			}
		}
	}
}

// Key implements [ledger.Store].
func (m *Memory) Key(context.Context) ([]byte, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	return slices.Clone(m.key), nil
}

// Close implements [ledger.Store].
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = fmt.Errorf("%w: it is closed", ledger.ErrBroken)
	return nil
}
