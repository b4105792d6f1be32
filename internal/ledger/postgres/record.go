package postgres

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"hongyan/internal/ledger"
)

// A waiter is one caller of Record, waiting for its events to be durable.
type waiter struct {
	slips []*slip
	left  int        // slips that nothing is known of yet
	err   error      // of an event that will not be written
	taken []int64    // entries whose state did not allow the event
	done  chan error // of one
}

// A slip is one event on its way into the tables.
type slip struct {
	intent  *ledger.Intent
	outcome *ledger.Outcome
	waiter  *waiter // nil: nobody waits
	lane    Lane
	lease   lease // of an intent's account
	account int64 // of an outcome
	again   bool  // an earlier try may have been written
}

func (p *slip) id() int64 {
	if p.intent != nil {
		return p.intent.ID
	}
	return p.outcome.ID
}

// Record is group commit: while one transaction is under way, callers queue up
// for the next one. See [ledger.Line].
//
// While the database is away, intents fail, so that nothing is sent, and
// outcomes stay in hand until it is back.
func (s *Store) Record(_ context.Context, events ...ledger.Event) error {
	return s.record(Whole, events)
}

// record also knows by which lane of its account an event came about.
func (s *Store) record(lane func(account string) Lane, events []ledger.Event) error {
	w := &waiter{left: len(events), done: make(chan error, 1)}
	for _, e := range events {
		if err := e.Check(); err != nil {
			return err
		}
		p := &slip{waiter: w}
		switch e := e.(type) {
		case ledger.Intent:
			p.intent, p.lane = &e, lane(e.Account)
		case ledger.Outcome:
			p.outcome, p.lane = &e, lane(e.Account)
		default:
			return fmt.Errorf("unknown event %T", e)
		}
		w.slips = append(w.slips, p)
	}
	if len(events) == 0 {
		return nil
	}
	if !s.queue(w) {
		return errClosed
	}
	return <-w.done
}

// queue hands a caller's slips to the committer, unless it has gone.
func (s *Store) queue(w *waiter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return false
	}
	s.waiting = append(s.waiting, w)
	for _, p := range w.slips {
		if p.outcome != nil {
			delete(s.flying, p.id())
		}
	}
	select {
	case s.wake <- struct{}{}:
	default: // it will look anyway
	}
	return true
}

// commits writes what is handed in until the store is closed.
func (s *Store) commits() {
	var took time.Duration // the last commit
	for {
		select {
		case <-s.wake:
			slips := s.assemble(took)
			begun := time.Now()
			s.commit(slips)
			took = time.Since(begun)
		case <-s.closed:
			s.mu.Lock()
			s.gone = true
			s.mu.Unlock()
			s.commit(s.gather())
			return
		}
	}
}

// longestWait is what a group costs at most in speed where a server answers
// slowly. Among enough rows what a transaction costs beside them is lost anyway.
const (
	longestWait = 5 * time.Millisecond
	enough      = 64
)

// assemble returns the slips of all that wait, and of those whose mails come back
// within about the time of a commit: one for all is cheaper than two for half of
// them each. Nobody waits when no mail is in flight.
func (s *Store) assemble(took time.Duration) []*slip {
	runtime.Gosched() // whoever is about to ask joins the group
	slips, all := s.here()
	timer := time.NewTimer(min(took, longestWait))
	defer timer.Stop()
	for !all && len(slips) < enough {
		select {
		case <-s.wake:
		case <-timer.C:
			return slips
		case <-s.closed:
			return slips
		}
		var more []*slip
		more, all = s.here()
		slips = append(slips, more...)
	}
	return slips
}

// here is gather that also reports whether no mail is in flight.
func (s *Store) here() (slips []*slip, all bool) {
	slips = s.gather()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slips, len(s.flying) == 0
}

// gather returns the slips of all that wait.
func (s *Store) gather() (slips []*slip) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.waiting {
		slips = append(slips, w.slips...)
	}
	s.waiting = nil
	return slips
}

// told says what became of a slip; the last one of a waiter ends its wait.
func (p *slip) told(err error) {
	w := p.waiter
	if w == nil {
		return
	}
	switch {
	case errors.Is(err, ledger.ErrTaken):
		w.taken = append(w.taken, p.id())
	case err != nil && w.err == nil:
		w.err = err
	}
	if w.left--; w.left > 0 {
		return
	}
	if w.err == nil && len(w.taken) > 0 {
		w.err = &ledger.Taken{IDs: w.taken}
	}
	w.done <- w.err
}

// The waits between two tries to reach a database that is away, and for how
// long a program that is to end goes on trying.
const (
	retryFirst = 50 * time.Millisecond
	retryLast  = time.Second
	lastWords  = 10 * time.Second
)

// commit writes all slips, in waves in which no entry is met twice.
func (s *Store) commit(slips []*slip) {
	wait := retryFirst
	var ending time.Time
	for len(slips) > 0 {
		now, later := wave(slips)
		left, err := s.write(now)
		slips = append(left, later...)
		if err == nil {
			wait = retryFirst
			continue
		}
		if s.hurried() && ending.IsZero() {
			ending = time.Now().Add(lastWords)
		}
		if !passing(err) || !ending.IsZero() && time.Now().After(ending) {
			for _, p := range slips {
				p.told(fmt.Errorf("%w: %w", ledger.ErrBroken, err))
			}
			return
		}
		if standsBy(err) {
			s.pool.Reset() // its connections stay; the next may lead to the one that took its place
		}
		time.Sleep(wait)
		wait = min(2*wait, retryLast)
		slips = unsaid(append(slips, s.gather()...), err)
	}
}

// wave returns the slips up to the first one whose entry has already one among
// them, and the rest.
func wave(slips []*slip) (now, later []*slip) {
	seen := make(map[int64]bool, len(slips))
	for i, p := range slips {
		if seen[p.id()] {
			return slips[:i:i], slips[i:]
		}
		seen[p.id()] = true
	}
	return slips, nil
}

// passing reports whether an error may be gone at the next try: the server is
// away, going or standing by, or it was a quarrel about locks.
func passing(err error) bool {
	refusal, ok := errors.AsType[*pgconn.PgError](err)
	if errors.Is(err, ledger.ErrBroken) {
		return false
	}
	if !ok {
		return true // it did not come to an answer
	}
	switch refusal.Code[:2] {
	case "08", "40", "53", "55", "57":
		return true
	}
	return standsBy(err)
}

// standsBy reports whether a server refused to write as it stands by for another:
// one of the two will take writes again.
func standsBy(err error) bool {
	refusal, ok := errors.AsType[*pgconn.PgError](err)
	return ok && refusal.Code == "25006"
}

// unsaid turns intents that may or may not be durable into what is certain about
// them: their callers are told that they failed, so nothing was sent. Where the
// intent did become durable after all, the entry is due again at once. Outcomes
// are facts and stay.
func unsaid(slips []*slip, err error) (out []*slip) {
	for _, p := range slips {
		if p.intent != nil {
			p.told(fmt.Errorf("%w: %w", ledger.ErrAway, err))
			p = p.unsaid()
		}
		p.again = true
		out = append(out, p)
	}
	return out
}

// unsaid is the end of an attempt whose body certainly stayed here.
func (p *slip) unsaid() *slip {
	now := time.Now()
	return &slip{lane: p.lane, outcome: &ledger.Outcome{
		ID: p.intent.ID, State: ledger.Deferred, Account: p.intent.Account, At: now, Due: now, Free: true,
		Reply: "the intent could not be made certain, so nothing was sent",
	}}
}

func (s *Store) hurried() bool {
	select {
	case <-s.hurry:
		return true
	case <-s.closed:
		return true
	default:
		return false
	}
}
