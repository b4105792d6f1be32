package ledgertest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"hongyan/internal/ledger"
)

// Memory is a whole ledger without a disk, for the tests of those who use one.
// It keeps the same promises as the others, durability aside; Restart stands
// for the death of the process.
type Memory struct {
	// OnRecord, when set, sees the events of every Record before they are
	// kept. Its error is a disk that fails: the ledger is broken from then on.
	OnRecord func([]ledger.Event) error

	mu      sync.Mutex
	closed  error // nothing works any more
	broken  error // nothing can be written any more
	key     []byte
	issues  []*issue
	holds   map[string]ledger.Hold
	learned map[string][]byte

	suppressions []ledger.Suppression // by address, then list
	acts         []ledger.Act
	papers       map[string]map[string]ledger.Paper // by shelf and name
}

type issue struct {
	ledger.Key
	plan      ledger.Plan
	rows      []*row // by number; nil for those that disappeared
	byName    map[string]*row
	claimed   map[int64]ledger.State
	enqueuing bool
}

type row struct {
	ledger.Entry
	name string // address, or line when there is none
	past []ledger.Attempt
	seen bool
}

// NewMemory returns an empty ledger.
func NewMemory() *Memory {
	return &Memory{
		key: []byte("a key for tests, of 32 bytes all"), holds: map[string]ledger.Hold{},
		learned: map[string][]byte{}, papers: map[string]map[string]ledger.Paper{},
	}
}

// Restart makes the ledger as a new process finds it: claims are gone, what was
// sending is in doubt, and it may be written again.
func (m *Memory) Restart() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed, m.broken = nil, nil
	for _, is := range m.issues {
		clear(is.claimed)
		is.enqueuing = false
		for r := range is.all() {
			if r.State == ledger.Sending {
				r.Entry = r.Abandoned()
			}
		}
	}
}

// enter locks the ledger if it can be read.
func (m *Memory) enter() error {
	m.mu.Lock()
	if m.closed != nil {
		m.mu.Unlock()
	}
	return m.closed
}

// change locks the ledger if it can be written.
func (m *Memory) change() error {
	if err := m.enter(); err != nil {
		return err
	}
	if m.broken != nil {
		m.mu.Unlock()
	}
	return m.broken
}

func (m *Memory) find(k ledger.Key) (*issue, error) {
	for _, is := range m.issues {
		if is.Key == k {
			return is, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", k, ledger.ErrUnknown)
}

// open locks the ledger and finds an issue.
func (m *Memory) open(k ledger.Key) (*issue, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	is, err := m.find(k)
	if err != nil {
		m.mu.Unlock()
	}
	return is, err
}

// rewrite is open for those who change the issue.
func (m *Memory) rewrite(k ledger.Key) (*issue, error) {
	is, err := m.open(k)
	if err == nil && m.broken != nil {
		m.mu.Unlock()
		return nil, m.broken
	}
	return is, err
}

func (is *issue) all() iter.Seq[*row] {
	return func(yield func(*row) bool) {
		for _, r := range is.rows {
			if r != nil && !yield(r) {
				return
			}
		}
	}
}

func (m *Memory) row(id int64) (*issue, *row) {
	i, n := int(id>>32)-1, int(id&(1<<32-1))-1
	if i < 0 || i >= len(m.issues) || n < 0 || n >= len(m.issues[i].rows) {
		return nil, nil
	}
	return m.issues[i], m.issues[i].rows[n]
}

// Plan implements [ledger.Planner].
func (m *Memory) Plan(_ context.Context, k ledger.Key, p ledger.Plan) (ledger.Plan, error) {
	if err := m.change(); err != nil {
		return ledger.Plan{}, err
	}
	defer m.mu.Unlock()
	is, err := m.find(k)
	if first := err != nil; first {
		is = &issue{Key: k, byName: map[string]*row{}, claimed: map[int64]ledger.State{}, plan: freeze(p)}
		m.issues = append(m.issues, is)
		out := is.plan
		out.First = true
		return out, nil
	}
	return is.plan, nil
}

func freeze(p ledger.Plan) ledger.Plan {
	return ledger.Plan{Digests: maps.Clone(p.Digests), At: milli(p.At)}
}

// milli is a time as ledgers keep it.
func milli(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}

// Refreeze implements [ledger.Planner].
func (m *Memory) Refreeze(_ context.Context, k ledger.Key, p ledger.Plan) error {
	is, err := m.rewrite(k)
	if err != nil {
		return err
	}
	defer m.mu.Unlock()
	is.plan = freeze(p)
	return nil
}

// Enqueue implements [ledger.Planner].
func (m *Memory) Enqueue(ctx context.Context, k ledger.Key, rows iter.Seq2[ledger.Row, error]) (done ledger.Enqueued, err error) {
	is, err := m.rewrite(k)
	if err != nil {
		return done, err
	}
	if is.enqueuing {
		m.mu.Unlock()
		return done, fmt.Errorf("%s is being enqueued already", k)
	}
	is.enqueuing = true
	for r := range is.all() {
		r.seen = false
	}
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		is.enqueuing = false
		if err == nil {
			is.complete()
		}
	}()
	for r, err := range rows {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return done, err
		}
		if err := m.enqueue(is, r, &done); err != nil {
			return done, err
		}
	}
	return done, nil
}

func (is *issue) complete() {
	for i, r := range is.rows {
		if r != nil && r.Address == "" && !r.seen {
			delete(is.byName, r.name)
			is.rows[i] = nil
		}
	}
	is.plan.Complete = true
}

func (m *Memory) enqueue(is *issue, in ledger.Row, done *ledger.Enqueued) error {
	name := ledger.Folded(in.Address)
	if name == "" {
		name = fmt.Sprintf("line:%d", in.Line)
	}
	if in.Address == "" && in.Skip == "" {
		return fmt.Errorf("line %d: a row without address must say why it is skipped", in.Line)
	}
	if err := m.change(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	done.Rows++
	if in.Skip != "" {
		done.Skipped++
	}
	r, known := is.byName[name]
	switch {
	case !known:
		done.Added++
		is.add(m.number(is), name, in)
	case r.seen:
		done.Duplicates++
		if len(done.Listed) < ledger.ListedDuplicates {
			done.Listed = append(done.Listed, ledger.Duplicate{Address: in.Address, Line: in.Line, First: r.Line})
		}
	case r.State != ledger.Skipped:
		done.Known++
		r.Line, r.seen = in.Line, true
	default:
		if in.Skip == "" {
			done.Cured++
		} else {
			done.Known++
		}
		r.meet(in)
	}
	return nil
}

func (m *Memory) number(is *issue) int64 { return int64(slices.Index(m.issues, is)) + 1 }

func (is *issue) add(number int64, name string, in ledger.Row) {
	r := &row{name: name, seen: true}
	r.ID, r.Key, r.Address = number<<32|int64(len(is.rows)+1), is.Key, in.Address
	r.State = ledger.Queued
	if in.Skip != "" {
		r.State, r.Reply = ledger.Skipped, ledger.Bounded(in.Skip)
	}
	r.Line, r.Name, r.Fields = in.Line, in.Name, fields(in)
	is.rows = append(is.rows, r)
	is.byName[name] = r
}

func fields(in ledger.Row) map[string]string {
	if len(in.Fields) == 0 {
		return nil
	}
	return maps.Clone(in.Fields)
}

// meet replaces what is skipped by what its row says now.
func (r *row) meet(in ledger.Row) {
	r.Line, r.Name, r.Fields, r.seen = in.Line, in.Name, fields(in), true
	switch {
	case in.Skip != "":
		r.forget()
		r.Reply = ledger.Bounded(in.Skip)
	case r.Account != "":
		r.State, r.Due = ledger.Deferred, r.Ended
	default:
		r.forget()
		r.State, r.Ended = ledger.Queued, time.Time{}
	}
}

// forget empties what the last answer said.
func (r *row) forget() {
	r.Stage, r.Code, r.Enhanced, r.Reply, r.Class, r.Rule, r.Bytes = "", 0, "", "", "", "", 0
	r.SettledBy, r.SettledAt = "", time.Time{}
}
