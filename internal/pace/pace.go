// Package pace says when the next mail of an account may leave: gaps, pauses,
// rolling windows from what was sent before, quiet hours, warm-up, holds, and
// the pace that an account has learned from its provider's refusals.
//
// Deciding is pure: from what left, the limits and a time to an instant and a
// reason. Waiting is a thin shell around it. The room must never know the
// ledger (the door gives it the history and keeps its State), servers and their
// answers, or a way to sleep that a context cannot end.
package pace

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// nap is the longest sleep between two looks at the clock, so that a laptop
	// that slept, or a clock that was set, is noticed.
	nap = 30 * time.Second
	// never stands for an instant that no clock will reach.
	never = 100 * 365 * 24 * time.Hour
)

// Options are what a Pacer may be given beside limits and history; each may be zero.
type Options struct {
	First time.Time              // when the account's first mail ever left, for the warm-up; zero: the earliest of the past
	To    map[string][]time.Time // the past by recipient domain; without it all of the past counts against every limited domain
	State State                  // what was learned before
	Seed  uint64                 // of the jitter
	Now   func() time.Time       // the wall clock; nil: time.Now
	// Awake is a steady clock that goes on while the machine sleeps and that
	// nobody can set (Linux: CLOCK_BOOTTIME). Without it progress is what the
	// monotonic reading of Now says, and a machine's sleep does not count as
	// time passed: safe, but slow.
	Awake func() time.Duration
}

// A Pacer gives turns to the mails of one account. It is safe for concurrent
// use: the connections of an account share one.
type Pacer struct {
	line chan struct{} // whoever holds it sleeps for all that wait

	now     func() time.Time
	mu      sync.Mutex
	clock   clock
	book    *book
	hold    hold
	learned State
	high    time.Time     // the latest stamp of the past
	changed chan struct{} // closed when a hold or a pace has changed
}

// New returns the pacer of an account that sent mails at the times of past
// (in any order; at least those after l.Since).
func New(l Limits, past []time.Time, o Options) *Pacer {
	if o.Now == nil {
		o.Now = time.Now
	}
	now := o.Now()
	p := &Pacer{
		line:    make(chan struct{}, 1),
		now:     o.Now,
		clock:   newClock(now, o.Awake),
		learned: o.State.sound(),
		changed: make(chan struct{}),
	}
	p.book = newBook(l, rand.New(rand.NewPCG(o.Seed, 0x6879)))
	p.book.scale(0, p.learned.Factor)
	if first := o.first(past); !first.IsZero() {
		p.book.born = instant(-p.learned.age(now, first))
	}
	p.book.remember(p.learned.ages(now, past), o.domains(p.learned, now))
	for _, t := range past {
		if t.After(p.high) {
			p.high = t
		}
	}
	return p
}

func (o Options) first(past []time.Time) time.Time {
	first := o.First
	for _, t := range past {
		if first.IsZero() || t.Before(first) {
			first = t
		}
	}
	return first
}

func (o Options) domains(s State, now time.Time) map[string][]time.Duration {
	out := make(map[string][]time.Duration, len(o.To))
	for domain, past := range o.To {
		out[domain] = s.ages(now, past)
	}
	return out
}

// Next says when a mail to domain ("" for any) may leave if nothing else does
// before, and which limit it waits for, as the user wrote it. It takes no turn.
// A hold that only a person can end lies a hundred years ahead.
func (p *Pacer) Next(now time.Time, domain string) (at time.Time, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.tick(now)
	t, why := p.next(s, now, domain)
	return now.Add(time.Duration(t - s)), why
}

// Ready reports whether a mail to any domain could leave at once, so that its
// envelope may ride behind the last dot; Take decides and takes in one step.
func (p *Pacer) Ready(now time.Time) bool {
	at, _ := p.Next(now, "")
	return !at.After(now)
}

// Take takes the turn for a mail to domain if it may leave now.
func (p *Pacer) Take(now time.Time, domain string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.take(p.tick(now), now, domain)
}

// Wait takes the turn for a mail to domain ("" for any) as soon as it may
// leave. Its error is that of ctx, and then no turn was taken.
func (p *Pacer) Wait(ctx context.Context, domain string) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if p.Take(p.now(), domain) {
			return nil
		}
		select {
		case p.line <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		aside, err := p.lead(ctx, domain)
		<-p.line
		if err != nil || aside == nil {
			return err
		}
		if err := aside(ctx); err != nil {
			return err
		}
	}
}

// lead waits at the head of the line until the turn is taken. When its own
// domain keeps it longer than the account would, it steps aside for the others
// instead, and returns how to wait there.
func (p *Pacer) lead(ctx context.Context, domain string) (aside func(context.Context) error, err error) {
	for {
		rest, alone := p.look(domain)
		if rest == nil || alone {
			return rest, nil
		}
		if err := rest(ctx); err != nil {
			return nil, err
		}
	}
}

// look takes the turn and returns nil, or returns how to wait before looking
// again, and whether it is the domain that keeps it longest.
func (p *Pacer) look(domain string) (rest func(context.Context) error, alone bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	s := p.tick(now)
	if p.take(s, now, domain) {
		return nil, false
	}
	at, _ := p.next(s, now, domain)
	anyone, _ := p.next(s, now, "")
	d, changed := time.Duration(at-s), p.changed
	return func(ctx context.Context) error { return sleep(ctx, d, changed) }, at > anyone
}

// sleep waits for d, but no longer than a nap, for a change, or for the end of ctx.
func sleep(ctx context.Context, d time.Duration, changed <-chan struct{}) error {
	timer := time.NewTimer(min(max(d, time.Microsecond), nap))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-changed:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// tick reads the clocks and remembers a wall clock that was set.
func (p *Pacer) tick(now time.Time) instant {
	s, step := p.clock.tick(now)
	if step != 0 {
		l := p.book.limits
		p.learned.step(now, p.high, step, max(l.Horizon(), time.Duration(len(l.Warmup))*day))
	}
	return s
}

func (p *Pacer) next(s instant, now time.Time, domain string) (instant, string) {
	if at, why := p.hold.next(s); at > s {
		return at, why
	}
	return p.book.next(s, now, domain)
}

func (p *Pacer) take(s instant, now time.Time, domain string) bool {
	if at, _ := p.hold.next(s); at > s || !p.book.take(s, now, domain) {
		return false
	}
	p.hold.taken(s)
	return true
}

// wake lets all that wait look again.
func (p *Pacer) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}
