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

// attempt is the last attempt as history keeps it.
func (r *row) attempt() ledger.Attempt {
	return ledger.Attempt{
		Account: r.Account, MessageID: r.MessageID, Begun: r.Begun, Ended: r.Ended,
		Stage: r.Stage, Code: r.Code, Enhanced: r.Enhanced, Reply: r.Reply, Class: r.Class, Rule: r.Rule,
		Bytes: r.Bytes, SettledBy: r.SettledBy, SettledAt: r.SettledAt,
	}
}

// Attempts implements [ledger.Reader].
func (m *Memory) Attempts(_ context.Context, id int64) ([]ledger.Attempt, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	if _, r := m.row(id); r != nil {
		return slices.Clone(r.past), nil
	}
	return nil, nil
}

// Timeline implements [ledger.Reader].
func (m *Memory) Timeline(_ context.Context, k ledger.Key, step time.Duration) ([]ledger.Moment, error) {
	if step < time.Millisecond {
		return nil, fmt.Errorf("timeline of %s: a step of %v is too short", k, step)
	}
	is, err := m.open(k)
	if err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	moments := map[int64]*ledger.Moment{}
	for r := range is.all() {
		last := r.Begun
		if r.Ended.After(last) {
			last = r.Ended
		}
		if last.IsZero() {
			continue
		}
		n := last.UnixMilli() / step.Milliseconds()
		if moments[n] == nil {
			moments[n] = &ledger.Moment{At: time.UnixMilli(n * step.Milliseconds()).UTC()}
		}
		moments[n].Rows++
		moments[n].Add(r.State, 1)
	}
	var out []ledger.Moment
	for _, n := range slices.Sorted(maps.Keys(moments)) {
		out = append(out, *moments[n])
	}
	return out, nil
}

// Suppress implements [ledger.Suppressor].
func (m *Memory) Suppress(_ context.Context, all ...ledger.Suppression) (added int, err error) {
	for _, s := range all {
		if err := s.Check(); err != nil {
			return 0, err
		}
	}
	if err := m.change(); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	for _, s := range all {
		s.Address, s.Reason, s.At = ledger.Folded(s.Address), ledger.Bounded(s.Reason), milli(s.At)
		if i, known := m.suppression(s); !known {
			m.suppressions = slices.Insert(m.suppressions, i, s)
			added++
		}
	}
	return added, nil
}

// suppression finds the place of s among all.
func (m *Memory) suppression(s ledger.Suppression) (int, bool) {
	return slices.BinarySearchFunc(m.suppressions, s, ledger.Suppression.Compare)
}

// Unsuppress implements [ledger.Suppressor].
func (m *Memory) Unsuppress(_ context.Context, list, address string) (bool, error) {
	if err := m.change(); err != nil {
		return false, err
	}
	defer m.mu.Unlock()
	i, known := m.suppression(ledger.Suppression{List: list, Address: ledger.Folded(address)})
	if known {
		m.suppressions = slices.Delete(m.suppressions, i, i+1)
	}
	return known, nil
}

// Suppressed implements [ledger.Suppressor].
func (m *Memory) Suppressed(_ context.Context, list, address string) (ledger.Suppression, bool, error) {
	if err := m.enter(); err != nil {
		return ledger.Suppression{}, false, err
	}
	defer m.mu.Unlock()
	for _, list := range []string{list, ""} {
		if i, known := m.suppression(ledger.Suppression{List: list, Address: ledger.Folded(address)}); known {
			return m.suppressions[i], true, nil
		}
	}
	return ledger.Suppression{}, false, nil
}

// Suppressions implements [ledger.Suppressor].
func (m *Memory) Suppressions(_ context.Context, f ledger.SuppressionFilter) iter.Seq2[ledger.Suppression, error] {
	return some(m, f.Limit, func() (out []ledger.Suppression) {
		for _, s := range m.suppressions {
			if f.Match(s) {
				out = append(out, s)
			}
		}
		return out
	})
}

// some streams up to limit of what see returns under the lock.
func some[T any](m *Memory, limit int, see func() []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if err := m.enter(); err != nil {
			var none T
			yield(none, err)
			return
		}
		all := see()
		m.mu.Unlock()
		if limit > 0 {
			all = all[:min(limit, len(all))]
		}
		for _, one := range all {
			if !yield(one, nil) {
				return
			}
		}
	}
}

// Note implements [ledger.Journal].
func (m *Memory) Note(_ context.Context, a ledger.Act) error {
	if err := a.Check(); err != nil {
		return err
	}
	if err := m.change(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	a.ID, a.At, a.Note = int64(len(m.acts)+1), milli(a.At), ledger.Bounded(a.Note)
	m.acts = append(m.acts, a)
	return nil
}

// Acts implements [ledger.Journal].
func (m *Memory) Acts(_ context.Context, before int64, limit int) iter.Seq2[ledger.Act, error] {
	return some(m, limit, func() (out []ledger.Act) {
		for _, a := range slices.Backward(m.acts) {
			if before == 0 || a.ID < before {
				out = append(out, a)
			}
		}
		return out
	})
}

// Put implements [ledger.Shelf].
func (m *Memory) Put(_ context.Context, shelf, name string, body []byte) error {
	if err := m.change(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	m.put(shelf, name, body)
	return nil
}

func (m *Memory) put(shelf, name string, body []byte) {
	if m.papers[shelf] == nil {
		m.papers[shelf] = map[string]ledger.Paper{}
	}
	m.papers[shelf][name] = ledger.Paper{Name: name, Body: append([]byte{}, body...), At: milli(time.Now())}
}

// PutNew implements [ledger.Shelf].
func (m *Memory) PutNew(_ context.Context, shelf, name string, body []byte) (bool, error) {
	if err := m.change(); err != nil {
		return false, err
	}
	defer m.mu.Unlock()
	_, known := m.papers[shelf][name]
	if !known {
		m.put(shelf, name, body)
	}
	return !known, nil
}

// Paper implements [ledger.Shelf].
func (m *Memory) Paper(_ context.Context, shelf, name string) ([]byte, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	return slices.Clone(m.papers[shelf][name].Body), nil
}

// Papers implements [ledger.Shelf].
func (m *Memory) Papers(_ context.Context, shelf string) iter.Seq2[ledger.Paper, error] {
	return some(m, 0, func() []ledger.Paper {
		return slices.SortedFunc(maps.Values(m.papers[shelf]), func(a, b ledger.Paper) int { return strings.Compare(a.Name, b.Name) })
	})
}

// Discard implements [ledger.Shelf].
func (m *Memory) Discard(_ context.Context, shelf, name string) error {
	if err := m.change(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	delete(m.papers[shelf], name)
	return nil
}
