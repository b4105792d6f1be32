package office

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/run"
)

// A pump is an account at work: one slice after the other, never two at once.
type pump struct {
	office  *Office
	account string
	lane    *Lane         // the first one, for what all of the account share
	bell    chan struct{} // cap 1: something changed
	errands chan errand
	ended   chan struct{} // closed when it takes no more errands
	links   run.Links

	// Only the pump's own goroutine touches these.
	pending *errand      // that ended a slice or a rest
	hold    *ledger.Hold // that was told
	last    *job         // that had the last slice

	// Guarded by the office's mutex.
	until time.Time // silent until then, by its limits or a hold
	why   string
	held  bool
	busy  *job // that has the present slice
}

// An errand is what a person wants of an account in between.
type errand struct {
	do   func()
	done chan error // cap 1
}

func newPump(o *Office, lane *Lane) *pump {
	return &pump{
		office: o, account: lane.Account, lane: lane,
		bell: make(chan struct{}, 1), errands: make(chan errand), ended: make(chan struct{}),
	}
}

func (p *pump) wake() {
	select {
	case p.bell <- struct{}{}:
	default:
	}
}

// run gives slices until the office ends.
func (p *pump) run(l life) {
	defer p.leave()
	for l.soft.Err() == nil {
		if e := p.pending; e != nil {
			p.pending = nil
			e.do()
			e.done <- nil
		}
		j, w, wait, err := p.next(l)
		if err != nil {
			if l.hard.Err() == nil {
				l.end(err)
			}
			return
		}
		if j == nil {
			p.idle(l, wait)
			continue
		}
		p.slice(l, j, w)
	}
}

// leave turns away who waits for an errand.
func (p *pump) leave() {
	close(p.ended)
	if p.pending != nil {
		p.pending.done <- ErrShut
	}
}

// look is how often an idle pump looks at the ledger and at the clock on the
// wall by itself: another process may have lifted a hold, and a machine that
// slept has a timer that stood still.
const look = 30 * time.Second

func (p *pump) idle(l life, wait time.Duration) {
	timer := time.NewTimer(min(wait, look))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.bell:
	case e := <-p.errands:
		p.pending = &e
	case <-l.soft.Done():
	}
}

// next chooses the job whose turn it is and counts the slice as begun, or says
// how long to wait.
func (p *pump) next(l life) (*job, *way, time.Duration, error) {
	hold, err := p.holdNow(l.hard)
	if err != nil {
		return nil, nil, 0, err
	}
	p.heed(hold)
	p.office.mu.Lock()
	defer p.office.mu.Unlock()
	j, w, wait := p.choose(time.Now())
	if j != nil {
		j.slices.Add(1)
		p.last, p.busy = j, j
	}
	return j, w, wait, nil
}

// choose finds the job whose turn it is, or says how long to wait.
func (p *pump) choose(now time.Time) (*job, *way, time.Duration) {
	if p.hold != nil && p.hold.Human {
		return nil, nil, look
	}
	if wait := p.until.Sub(now.Round(0)); wait > 0 {
		return nil, nil, wait
	}
	p.why = ""
	wait := look
	for _, j := range p.round() {
		w := j.open(p.account)
		if w == nil {
			continue
		}
		if left := w.due.Sub(now.Round(0)); left > 0 {
			wait = min(wait, left)
			continue
		}
		return j, w, 0
	}
	return nil, nil, wait
}

// holdNow is the account's hold as the ledger has it, nil when there is none
// that stands.
func (p *pump) holdNow(ctx context.Context) (*ledger.Hold, error) {
	holds, err := p.office.Books.Holds(ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	i := slices.IndexFunc(holds, func(h ledger.Hold) bool { return h.Account == p.account && h.Holds(now) })
	if i < 0 {
		return nil, nil
	}
	return &holds[i], nil
}

// heed takes a hold for what it is: new, renewed, over or lifted.
func (p *pump) heed(hold *ledger.Hold) {
	before := p.hold
	p.office.mu.Lock()
	p.hold, p.held = hold, hold != nil
	switch {
	case hold != nil:
		p.until, p.why = hold.Until, hold.Reply
	case before != nil:
		p.until = time.Time{}
	}
	p.office.mu.Unlock()
	switch {
	case hold != nil && (before == nil || !before.Since.Equal(hold.Since)):
		p.office.tell(Held{*hold})
	case hold == nil && before != nil:
		p.lane.Lift()
		p.office.tell(Freed{p.account})
	}
}

// round is the jobs in the order of their turns: behind the last one first.
func (p *pump) round() []*job {
	jobs := p.office.jobs
	i := slices.Index(jobs, p.last) + 1
	return slices.Concat(jobs[i:], jobs[:i])
}

// impatient is the wait from which on a lane hands the account back.
const impatient = time.Second

// slice is a run of one job over the account.
func (p *pump) slice(l life, j *job, w *way) {
	defer j.slices.Done()
	lane := *w.Lane.Lane
	lane.Streaks, lane.Links = &w.streaks, &p.links
	stop, done := make(chan struct{}), make(chan struct{})
	broken := make(chan error, 1)
	r := &run.Run{
		Key: j.Key, Ledger: strict{p.office.Books, broken}, Lanes: []*run.Lane{&lane},
		List: j.List, Suppressor: p.office.Books,
		Retry: p.office.Retry, Patience: impatient, Stop: stop, Watch: j.Watch,
	}
	var beside sync.WaitGroup
	beside.Go(func() { p.ration(l, j, done); close(stop) })
	early, err := r.Do(l.hard)
	close(done)
	beside.Wait()

	if err := w.Keep(context.WithoutCancel(l.hard)); err != nil {
		l.end(err)
	}
	select {
	case lost := <-broken:
		l.end(lost)
	default:
	}
	p.conclude(l, j, w, early, err)
}

// ration returns when the slice is to end.
func (p *pump) ration(l life, j *job, done <-chan struct{}) {
	length := p.office.Slice
	if length == 0 {
		length = time.Minute
	}
	timer := time.NewTimer(length)
	defer timer.Stop()
	for {
		select {
		case <-done:
			return
		case <-l.soft.Done():
			return
		case <-j.over:
			return
		case e := <-p.errands:
			p.pending = &e
			return
		case <-timer.C:
			if p.waited(j) {
				return
			}
			timer.Reset(time.Second) // nobody waits yet
		}
	}
}

// waited reports whether another job could use the account now.
func (p *pump) waited(has *job) bool {
	p.office.mu.Lock()
	defer p.office.mu.Unlock()
	now := time.Now()
	return slices.ContainsFunc(p.office.jobs, func(j *job) bool {
		w := j.open(p.account)
		return j != has && w != nil && !w.due.After(now)
	})
}

// conclude notes what the slice has left, or why the job cannot go on.
func (p *pump) conclude(l life, j *job, w *way, early []run.Early, err error) {
	p.office.settle(j, func() {
		p.busy = nil
		switch {
		case err != nil: // told below
		case len(early) == 0:
			w.done = true
		case early[0].Due:
			w.due = early[0].Until.Round(0)
		case !early[0].Human: // that is for the ledger's hold to say
			p.until, p.why = early[0].Until.Round(0), early[0].Why // by the wall clock: machines sleep
		}
	})
	if err == nil || l.hard.Err() != nil || errors.Is(err, context.Canceled) {
		return
	}
	pause := Pause{At: time.Now(), Account: p.account, Why: err.Error(), Stopped: true}
	if stopped, ok := errors.AsType[*run.Stopped](err); ok {
		pause.Why = stopped.Refusal.Reply()
	}
	p.office.stop(l, j, pause)
}

// A strict line tells when the ledger can be neither read nor written, which
// ends more than the run.
type strict struct {
	Books
	broken chan<- error // cap 1
}

func (s strict) note(ctx context.Context, err error) error {
	if err != nil && ctx.Err() == nil && !errors.Is(err, ledger.ErrTaken) {
		select {
		case s.broken <- err:
		default: // the first one counts
		}
	}
	return err
}

// Record is the line's.
func (s strict) Record(ctx context.Context, events ...ledger.Event) error {
	return s.note(ctx, s.Books.Record(ctx, events...))
}

// Claim is the line's.
func (s strict) Claim(ctx context.Context, k ledger.Key, account string, n int, now time.Time) ([]ledger.Entry, error) {
	entries, err := s.Books.Claim(ctx, k, account, n, now)
	return entries, s.note(ctx, err)
}

// NextDue is the line's.
func (s strict) NextDue(ctx context.Context, k ledger.Key, account string) (time.Time, bool, error) {
	due, more, err := s.Books.NextDue(ctx, k, account)
	return due, more, s.note(ctx, err)
}

// Hold is the line's.
func (s strict) Hold(ctx context.Context, h ledger.Hold) error {
	return s.note(ctx, s.Books.Hold(ctx, h))
}
