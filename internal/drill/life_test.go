package drill_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/pace"
	"hongyan/internal/run"
)

// weather is what happens to one process; zero fields do not happen.
type weather struct {
	dieAt   int           // the step at which it is killed
	dieIn   time.Duration // when it is killed
	fullAt  int           // the write at which the disk is full
	stopIn  time.Duration // when it is asked to stop
	quitIn  time.Duration // when it is told to stop at once
	clockIn time.Duration // when the wall clock is set
	clockBy time.Duration
	patient bool // it waits through holds
}

// weather draws what the next life will meet.
func (w *world) weather() weather {
	soon := func() time.Duration { return time.Duration(w.rand.Int64N(int64(40 * time.Minute))) }
	x := weather{patient: w.rand.IntN(3) == 0}
	switch w.rand.IntN(8) {
	case 0, 1, 2:
		x.dieAt = 1 + w.rand.IntN(60)
	case 3:
		x.dieIn = soon()
	case 4:
		x.fullAt = 1 + w.rand.IntN(30)
	case 5:
		x.stopIn = soon()
	case 6:
		x.quitIn = soon()
	}
	if w.rand.IntN(4) == 0 {
		x.clockIn, x.clockBy = soon(), []time.Duration{-24 * time.Hour, -time.Hour, -3 * time.Second}[w.rand.IntN(3)]
		if x.dieAt == 0 && x.dieIn == 0 && x.fullAt == 0 && w.rand.IntN(2) == 0 {
			x.clockBy = -x.clockBy // what a clock set forward means is kept when a process ends well
		}
	}
	return x
}

// A process is one life of the program: what a run sees of the world. After
// its death nothing that it does has any effect.
type process struct {
	*world
	kill context.CancelCauseFunc

	mu    sync.Mutex
	steps int // until death, if positive
	dead  bool
}

var (
	errDead = errors.New("the process is dead")
	errQuit = errors.New("told to stop at once")
)

// lifetime is longer than any run has reason to last.
const lifetime = 20 * 24 * time.Hour

// live runs the program once, from the opening of the ledger to its end or
// death, and checks what it left behind.
func (w *world) live(ctx context.Context, x weather) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	w.sum.lives.Add(1)
	p := &process{world: w, kill: end, steps: x.dieAt}
	w.disk(x.fullAt)
	if err := w.enqueue(ctx); err != nil && !errors.Is(err, ledger.ErrBroken) {
		return err
	}
	r, lanes, err := p.door(ctx, x)
	if err != nil {
		return err
	}
	var beside sync.WaitGroup
	within, done := context.WithTimeoutCause(ctx, lifetime, errLate)
	p.events(within, x, &beside, r)
	if *watched {
		fmt.Printf("seed %d, %s: a life of %+v\n", w.seed, time.Since(w.born), x)
		r.Watch = func(e run.Event) { fmt.Printf("%s %+v\n", time.Since(w.born), e) }
	}
	_, err = r.Do(within)
	done()
	beside.Wait()
	return p.bury(ctx, lanes, err)
}

// disk makes the n-th write fail, and all after it.
func (w *world) disk(n int) {
	w.store.OnRecord = nil
	if n == 0 {
		return
	}
	w.store.OnRecord = func([]ledger.Event) error {
		if n--; n <= 0 {
			return io.ErrShortWrite
		}
		return nil
	}
}

// door wires a run as the door of the program does.
func (p *process) door(ctx context.Context, x weather) (*run.Run, map[string]*pace.Pacer, error) {
	r := &run.Run{Key: simulated, Ledger: p, Retry: retry}
	if !x.patient {
		r.Patience = 10 * time.Minute
	}
	holds, err := p.store.Holds(ctx)
	if err != nil {
		return nil, nil, err
	}
	pacers := map[string]*pace.Pacer{}
	for _, a := range p.accounts {
		pacer, held, err := p.pacer(ctx, a, holds)
		if err != nil {
			return nil, nil, err
		}
		if held {
			continue
		}
		pacers[a.name] = pacer
		r.Lanes = append(r.Lanes, &run.Lane{
			Account: a.name, Sender: office{p, a, new(atomic.Int32)}, Pacer: turnstile{pacer, p.world, a.name}, Judge: p.book.Judge,
			Compose: p.press, Connections: a.connections, Ahead: 2, Workers: 2,
		})
	}
	return r, pacers, nil
}

// pacer gives an account its past; held means that a person has to act first.
func (p *process) pacer(ctx context.Context, a account, holds []ledger.Hold) (pacer *pace.Pacer, held bool, err error) {
	now, state := p.clock(), p.learned[a.name]
	past, err := p.store.History(ctx, a.name, a.limits.Since(now, state))
	if err != nil {
		return nil, false, err
	}
	if p.wrong.noHistory {
		past = nil
	}
	pacer = pace.New(a.limits, past, pace.Options{
		State: state, Seed: p.seed, Now: p.clock, Awake: func() time.Duration { return time.Since(p.born) },
	})
	for _, h := range holds {
		if h.Account == a.name && h.Holds(now) {
			held = held || h.Human
			pacer.Hold(h.Until, h.Reason)
		}
	}
	return pacer, held, nil
}

// events has the weather happen beside the run.
func (p *process) events(ctx context.Context, x weather, beside *sync.WaitGroup, r *run.Run) {
	at := func(d time.Duration, happen func()) {
		if d > 0 {
			beside.Go(func() {
				if nap(ctx, d) == nil {
					happen()
				}
			})
		}
	}
	stop := make(chan struct{})
	r.Stop = stop
	at(x.stopIn, func() { close(stop) })
	at(x.quitIn, func() { p.kill(errQuit) })
	at(x.dieIn, p.die)
	at(x.clockIn, func() { p.set(x.clockBy) })
}

func (p *process) die() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
	p.kill(errDead)
}

// step is a moment at which the process may die; it reports whether it lives.
func (p *process) step() bool {
	p.mu.Lock()
	if p.steps--; p.steps != 0 {
		defer p.mu.Unlock()
		return !p.dead
	}
	p.mu.Unlock()
	p.die()
	return false
}

// bury looks at how the process ended and at what it left behind.
func (p *process) bury(ctx context.Context, pacers map[string]*pace.Pacer, err error) error {
	stopped, isStopped := errors.AsType[*run.Stopped](err)
	switch {
	case errors.Is(err, errLate):
		return err
	case p.dead, errors.Is(err, ledger.ErrBroken):
		p.sum.deaths.Add(1)
		p.reopen(ctx)
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, errQuit), isStopped && stopped.Refusal != nil:
		p.keep(pacers)
		if totals, err := p.store.Totals(context.WithoutCancel(ctx), simulated); err != nil || totals.Sending > 0 {
			return fmt.Errorf("the run ended and left mails open: %+v, %w", totals, err)
		}
	default:
		return fmt.Errorf("the run broke down: %w", err)
	}
	return p.sound(context.WithoutCancel(ctx))
}

// reopen is what the next process does first.
func (p *process) reopen(ctx context.Context) {
	p.store.Restart()
	p.store.OnRecord = nil
	if p.wrong.resends {
		_, err := p.store.Settle(context.WithoutCancel(ctx), simulated, ledger.Settlement{To: ledger.Deferred, At: p.clock(), By: "nobody"})
		if err != nil {
			panic(err)
		}
	}
}

// keep stores what the accounts have learned.
func (p *process) keep(pacers map[string]*pace.Pacer) {
	for name, pacer := range pacers {
		state := pacer.State() // asks the world's clock
		p.world.mu.Lock()
		p.learned[name] = state
		p.world.mu.Unlock()
	}
}

// Claim, Record, Release, NextDue and Hold are the ledger as the run sees it:
// by the machine's wall clock, on a disk that takes its time, until death.

func (p *process) Claim(ctx context.Context, k ledger.Key, account string, n int, now time.Time) ([]ledger.Entry, error) {
	return p.store.Claim(ctx, k, account, n, now.Add(p.skew()))
}

func (p *process) NextDue(ctx context.Context, k ledger.Key, account string) (time.Time, bool, error) {
	due, more, err := p.store.NextDue(ctx, k, account)
	if !due.IsZero() {
		due = due.Add(-p.skew())
	}
	return due, more, err
}

func (p *process) Release(ctx context.Context, ids ...int64) error {
	return p.store.Release(ctx, ids...)
}

func (p *process) Record(ctx context.Context, events ...ledger.Event) error {
	if !p.step() {
		return errDead
	}
	_ = nap(context.WithoutCancel(ctx), time.Duration(p.chance("disk", len(events)).IntN(5))*time.Millisecond)
	events = p.spoil(p.stamped(events))
	err := p.store.Record(ctx, events...)
	if !p.step() {
		return errDead
	}
	if err != nil && p.wrong.ledgerErr {
		p.steps = 4 // so that its life ends soon
		return nil
	}
	return err
}

func (p *process) Hold(ctx context.Context, h ledger.Hold) error {
	if !p.step() {
		return errDead
	}
	h.Since, h.Until = h.Since.Add(p.skew()), h.Until.Add(p.skew())
	return p.store.Hold(ctx, h)
}

// stamped returns the events with times as the wall clock has them.
func (p *process) stamped(events []ledger.Event) []ledger.Event {
	skew, out := p.skew(), make([]ledger.Event, len(events))
	for i, e := range events {
		switch e := e.(type) {
		case ledger.Intent:
			e.At = e.At.Add(skew)
			out[i] = e
		case ledger.Outcome:
			e.At = e.At.Add(skew)
			if !e.Due.IsZero() {
				e.Due = e.Due.Add(skew)
			}
			out[i] = e
		}
	}
	return out
}

// spoil does to the events what a sabotage asks for.
func (p *process) spoil(events []ledger.Event) (kept []ledger.Event) {
	for _, e := range events {
		o, outcome := e.(ledger.Outcome)
		switch {
		case !outcome && p.wrong.noIntents:
			continue
		case outcome && p.wrong.retries && o.State == ledger.Sent:
			o.State, o.Due = ledger.Deferred, o.At.Add(time.Hour)
			e = o
		}
		kept = append(kept, e)
	}
	return kept
}

// A turnstile is the account's pacer, by the machine's wall clock. It notes who
// had a turn when.
type turnstile struct {
	*pace.Pacer
	world   *world
	account string
}

func (t turnstile) Next(now time.Time, domain string) (time.Time, string) {
	skew := t.world.skew()
	at, why := t.Pacer.Next(now.Add(skew), domain)
	return at.Add(-skew), why
}

func (t turnstile) Take(now time.Time, domain string) bool {
	if !t.Pacer.Take(now.Add(t.world.skew()), domain) {
		return false
	}
	t.world.mu.Lock()
	defer t.world.mu.Unlock()
	t.world.turns[domain] = now
	return true
}

func (t turnstile) Hold(until time.Time, why string) { t.Pacer.Hold(until.Add(t.world.skew()), why) }
func (t turnstile) Succeeded(now time.Time)          { t.Pacer.Succeeded(now.Add(t.world.skew())) }
func (t turnstile) Throttled(now time.Time)          { t.Pacer.Throttled(now.Add(t.world.skew())) }
