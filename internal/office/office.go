// Package office runs many issues in one process, over the accounts they
// share.
//
// Each account has one pump: a goroutine that gives slices of its time to the
// issues that need it, one after the other. A slice is a run of package run
// over that one account's lane, ended after the mails in flight when another
// issue waits. So there is never more than one run over an account, and its
// limits and connections hold across issues.
//
//	Start ─► the issue's list is enqueued ─► pumps: slice, slice, slice … ─► Ended
//	                                                  └► Halt: by a person, a verdict, a breakdown
//
// What is left of an issue, and when, is asked of the ledger each time; the
// office keeps nothing that a restart would miss but which issues are paused,
// and these lie on the ledger's shelf. It must never know files, flags,
// configuration, the time table of a campaign, or which store it has.
package office

import (
	"context"
	"errors"
	"sync"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/run"
)

// Books are what the office needs of the ledger.
type Books interface {
	run.Line
	run.Suppressor
	Holds(ctx context.Context) ([]ledger.Hold, error)
	Totals(ctx context.Context, k ledger.Key) (ledger.Totals, error)
}

// An Office runs issues. Its fields are set before Run and not changed after.
type Office struct {
	Books Books
	Shelf Shelf
	// Retry is that of every run. See [run.Run].
	Retry func(n int) (time.Duration, bool)
	// Slice is how long an issue keeps an account that others wait for; zero is
	// a minute.
	Slice time.Duration
	// Stop, when closed, ends Run after the mails in flight.
	Stop <-chan struct{}
	// Tell, when not nil, is told what happens, from many goroutines.
	Tell func(Event)

	opened sync.Once
	hires  chan func(life) // goroutines to be started by Run, which waits for them
	shut   chan struct{}   // closed when Run takes no more

	mu    sync.Mutex // guards the fields below, and all jobs and pumps
	jobs  []*job     // on the floor, in the order in which they came
	pumps map[string]*pump
}

// A life is what bounds a goroutine of the office: hard ends it at once, soft
// after the mails in flight.
type life struct {
	hard, soft context.Context
	end        context.CancelCauseFunc // of the whole office, with a breakdown
}

// An Issue is what is to be carried.
type Issue struct {
	Key   ledger.Key
	List  string // whose suppressions count, beside those of all lists
	Lanes []*Lane
	// Fill enqueues what the list names while the lanes send already; nil when
	// the ledger has it all.
	Fill func(ctx context.Context) error
	// Beside runs for as long as the issue is on the floor, say to keep its
	// report up to date, and ends with ctx; may be nil.
	Beside func(ctx context.Context) error
	// Watch, when not nil, is told what happens in the issue's runs.
	Watch func(run.Event)
	// Gone, when not nil, is called once when nothing of it is at work any more.
	Gone func()
}

// A Lane is an account's way out for one issue. What several issues share of
// an account must be the same for all: sender and pacer.
type Lane struct {
	*run.Lane
	Lift func() // ends the pacer's hold
	// Keep writes down what the account has learned; asked after each slice.
	Keep func(ctx context.Context) error
}

// What Start answers when it cannot.
var (
	// ErrOnFloor means that the issue is being carried already.
	ErrOnFloor = errors.New("the issue is on its way already")
	// ErrShut means that the office has ended.
	ErrShut = errors.New("the office is closing")
)

func (o *Office) open() {
	o.opened.Do(func() {
		o.hires, o.shut, o.pumps = make(chan func(life)), make(chan struct{}), map[string]*pump{}
	})
}

// Run carries issues until Stop is closed or ctx has ended. Its error is the
// cause of ctx or a breakdown: a ledger that cannot be read or written, since
// without memory there is no mail.
func (o *Office) Run(ctx context.Context) error {
	o.open()
	hard, end := context.WithCancelCause(ctx)
	defer end(nil)
	soft, settle := context.WithCancel(hard)
	defer settle()

	var staff sync.WaitGroup
	staff.Go(func() {
		select {
		case <-o.Stop:
			settle()
		case <-soft.Done():
		}
	})
	for soft.Err() == nil {
		select {
		case work := <-o.hires:
			staff.Go(func() { work(life{hard, soft, end}) })
		case <-soft.Done():
		}
	}
	close(o.shut)
	staff.Wait()
	return context.Cause(hard)
}

// hire has a goroutine started by Run.
func (o *Office) hire(ctx context.Context, work func(life)) error {
	select {
	case o.hires <- work:
		return nil
	case <-o.shut:
		return ErrShut
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Start puts an issue on the floor and takes what paused it off the shelf. It
// waits for Run to begin, and for the end of an earlier one of the same key that
// was halted. Once it has returned without an error, Gone is called in any case.
func (o *Office) Start(ctx context.Context, issue Issue) error {
	o.open()
	if err := o.vacate(ctx, issue.Key); err != nil {
		return err
	}
	if err := o.resume(ctx, issue.Key); err != nil {
		return err
	}
	for _, lane := range issue.Lanes {
		if _, err := o.staff(ctx, lane); err != nil {
			return err
		}
	}
	j := newJob(issue)
	if !o.place(j) {
		return ErrOnFloor
	}
	if err := o.hire(ctx, func(l life) { o.keep(l, j) }); err != nil {
		o.remove(j)
		return err
	}
	return nil
}

// vacate waits until a halted job of the key has left.
func (o *Office) vacate(ctx context.Context, key ledger.Key) error {
	j := o.job(key)
	switch {
	case o.closed():
		return ErrShut
	case j == nil:
		return nil
	case !o.halted(j):
		return ErrOnFloor
	}
	select {
	case <-j.gone:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (o *Office) closed() bool {
	select {
	case <-o.shut:
		return true
	default:
		return false
	}
}

// staff sees to it that the lane's account has a pump.
func (o *Office) staff(ctx context.Context, lane *Lane) (*pump, error) {
	o.mu.Lock()
	p, there := o.pumps[lane.Account]
	if !there {
		p = newPump(o, lane)
		o.pumps[lane.Account] = p
	}
	o.mu.Unlock()
	if there {
		return p, nil
	}
	if err := o.hire(ctx, p.run); err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.pumps, lane.Account)
		return nil, err
	}
	return p, nil
}

// Pause takes an issue off the floor after its mails in flight, durably: it
// does not come back before it is started again. It reports whether the issue
// was there.
func (o *Office) Pause(ctx context.Context, key ledger.Key, p Pause) (bool, error) {
	j := o.job(key)
	if j == nil {
		return false, nil
	}
	if err := o.shelve(ctx, key, p); err != nil {
		return true, err
	}
	o.halt(j, p)
	return true, nil
}

// Again says that entries of an issue were opened anew, and reports whether the
// issue is on the floor, so that they are heeded.
func (o *Office) Again(key ledger.Key) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, j := range o.jobs {
		if j.Key == key && j.pause == nil && !j.finished {
			j.again()
			o.ring(j)
			return true
		}
	}
	return false
}

// Lifted says that the hold of an account was lifted in the ledger.
func (o *Office) Lifted(account string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p := o.pumps[account]; p != nil {
		p.wake()
	}
}

// Aside does an errand over an account between two slices: a test to oneself,
// a look at the server. The errand heeds ctx by itself.
func (o *Office) Aside(ctx context.Context, lane *Lane, do func()) error {
	o.open()
	p, err := o.staff(ctx, lane)
	if err != nil {
		return err
	}
	e := errand{do, make(chan error, 1)}
	select {
	case p.errands <- e:
		return <-e.done
	case <-p.ended:
		return ErrShut
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (o *Office) tell(e Event) {
	if o.Tell != nil {
		o.Tell(e)
	}
}
