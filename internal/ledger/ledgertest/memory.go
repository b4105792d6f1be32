package ledgertest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"hongyan/internal/ledger"
)

// Memory is a whole ledger without a disk, for the tests of those who use one.
// It keeps the same promises as the others, durability aside; Reopen stands
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
	past []attempt
	seen bool
}

type attempt struct {
	account string
	at      time.Time
}

// NewMemory returns an empty ledger.
func NewMemory() *Memory {
	return &Memory{key: []byte("a key for tests, of 32 bytes all"), holds: map[string]ledger.Hold{}, learned: map[string][]byte{}}
}

// Reopen makes the ledger as a new process finds it: claims are gone, what was
// sending is in doubt, and it may be written again.
func (m *Memory) Reopen() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed, m.broken = nil, nil
	for _, is := range m.issues {
		clear(is.claimed)
		is.enqueuing = false
		for r := range is.all() {
			if r.State == ledger.Sending {
				r.State = ledger.InDoubt
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
	name := in.Address
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
	if r.State == ledger.Deferred && !r.Begun.IsZero() {
		r.past = append(r.past, attempt{r.Account, r.Begun})
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
			for _, a := range append(slices.Clone(r.past), attempt{r.Account, r.Begun}) {
				if a.account == account && !a.at.IsZero() && !a.at.Before(milli(since)) {
					out = append(out, a.at)
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
