package run

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/message"
)

// A job is a recipient with the mail composed for it, and what is told of it in
// the end.
type job struct {
	Settled
	mail   *message.Message
	domain string
	begun  bool // its intent is durable
}

func (j *job) message() *message.Message {
	if j == nil {
		return nil
	}
	return j.mail
}

// A belt claims recipients from the ledger and composes their mails a little
// ahead of the pacer. What it claimed is settled or given back, never lost.
type belt struct {
	lane  *Lane
	run   *Run
	ready chan *job     // never full: outstanding is bounded by its capacity
	wake  chan struct{} // cap 1: something changed that fill may wait for
	done  chan struct{} // closed when nothing more will be ready
	early func(Early)   // ends the lane early

	mu          sync.Mutex // guards the fields below
	outstanding int        // claimed and neither settled nor given back
	starved     bool       // the last claim came back empty: whatever ends may bring work
	awaits      bool       // then something was in hand
	emptied     time.Time  // since when claims come back empty; zero: they do not
	shut        bool       // nothing is claimed until the pacer lets mails leave again
	siding      siding
}

func newBelt(l *Lane, r *Run, early func(Early)) *belt {
	room := max(l.Ahead, 1) + max(l.Connections, 1)
	return &belt{
		lane: l, run: r, early: early,
		ready: make(chan *job, room), wake: make(chan struct{}, 1), done: make(chan struct{}),
		siding: siding{domains: map[string]struct{}{}},
	}
}

// fill keeps the belt full until the issue has nothing left for this lane, ctx
// ends, or a write fails; then it closes done.
func (b *belt) fill(ctx context.Context) error {
	work := make(chan []ledger.Entry)
	failed := make(chan error, 1)
	claiming, stop := context.WithCancel(ctx)
	defer stop()
	var workers sync.WaitGroup
	for range max(b.lane.Workers, 1) {
		workers.Go(func() {
			for lot := range work {
				if err := b.composeAll(ctx, lot); err != nil {
					stop() // claim may be waiting for this very entry's end
					select {
					case failed <- err:
					default: // the first one counts
					}
				}
			}
		})
	}
	err := b.claim(claiming, work)
	close(work)
	workers.Wait()
	close(b.done)
	select {
	case first := <-failed:
		return first
	default:
		return err
	}
}

// lot is how many entries are handed to a worker at once: waking one up for
// each costs as much as composing its mail.
const lot = 8

// claim hands entries to the workers for as long as there are any.
func (b *belt) claim(ctx context.Context, work chan<- []ledger.Entry) error {
	for ctx.Err() == nil {
		entries, err := b.next(ctx)
		if err != nil || entries == nil {
			return err
		}
		for few := range slices.Chunk(entries, lot) {
			work <- few
		}
	}
	return nil
}

// next claims entries for which there is room. It waits while the belt is full
// or shut, or while what is left is due later; nil means that nothing is left.
func (b *belt) next(ctx context.Context) ([]ledger.Entry, error) {
	for ctx.Err() == nil {
		now := time.Now()
		room, wait := b.room(now)
		if room == 0 {
			b.pause(ctx, wait)
			continue
		}
		entries, err := b.gather(ctx, room, now)
		if err != nil {
			return nil, unlessEnded(ctx, err)
		}
		if len(entries) > 0 {
			b.count(len(entries))
			return entries, nil
		}
		due, more, err := b.nextDue(ctx)
		if err != nil {
			return nil, unlessEnded(ctx, err)
		}
		if wait, more, err = b.left(ctx, due, more, now); !more {
			return nil, unlessEnded(ctx, err)
		}
		b.pause(ctx, wait)
	}
	return nil, nil
}

// gather takes recipients off the siding, or else claims some that need not go there.
func (b *belt) gather(ctx context.Context, room int, now time.Time) ([]ledger.Entry, error) {
	if some := b.back(now, room); len(some) > 0 {
		return some, nil
	}
	for {
		b.starve(now) // first, so that what ends meanwhile is not missed
		claimed, err := b.claims(ctx, room, now)
		if err != nil || len(claimed) == 0 {
			return nil, err
		}
		b.fed()
		if some := b.pass(now, claimed); len(some) > 0 {
			return some, nil
		}
	}
}

// poll is how often a lane with nothing to do looks whether other lanes gave
// something back or the list brought more, at last; glimpse is how soon at first:
// the head of a list takes its time to become durable, and everybody waits for it.
const (
	glimpse = 5 * time.Millisecond
	poll    = 200 * time.Millisecond
)

// left says for how long to wait when nothing could be claimed; false: it is over.
func (b *belt) left(ctx context.Context, due time.Time, more bool, now time.Time) (time.Duration, bool, error) {
	b.mu.Lock()
	busy := b.awaits // what has ended since may be due only now
	idle := now.Sub(b.emptied)
	b.mu.Unlock()
	waiting, at, why := b.opens(now)
	switch wait := due.Sub(now); {
	case waiting > 0 && !busy:
		return b.idle(ctx, at, why, now)
	case more && !busy:
		return min(max(idle, glimpse), poll), true, nil
	case waiting > 0:
		return min(max(at.Sub(now), poll), long), true, nil
	case busy: // a job in hand may yet be deferred; its end wakes us
		return long, true, nil
	case due.IsZero():
		return 0, false, nil
	case b.run.Patience > 0 && wait > min(b.run.Patience, long):
		b.early(Early{Account: b.lane.Account, Until: due, Why: DueAgain, Due: true})
		return 0, false, nil
	case wait > long:
		b.run.tell(Waiting{Account: b.lane.Account, Until: due, Why: DueAgain, Due: true})
		return long, true, nil
	default:
		return max(wait, poll), true, nil
	}
}

// DueAgain is why a lane has ended of which only recipients are left that were put
// off.
const DueAgain = "deferred recipients are due again then"

func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// room says how many entries may be claimed now, or how long to wait before
// asking again. A belt that is half full is full enough.
func (b *belt) room(now time.Time) (int, time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shut {
		at, _ := b.lane.Pacer.Next(now, "")
		if wait := at.Sub(now); wait > 0 {
			return 0, min(wait, long)
		}
		b.shut = false
	}
	if b.roomy() {
		return cap(b.ready) - b.outstanding, 0
	}
	return 0, long
}

// pause waits until something changed, at most d.
func (b *belt) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-b.wake:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// count keeps the number of jobs in hand, and wakes up the claim that there is
// room or work for again.
func (b *belt) count(n int) {
	b.mu.Lock()
	b.outstanding += n
	wanted := b.starved || b.roomy()
	b.starved = b.starved && n < 0
	b.mu.Unlock()
	if !wanted {
		return
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *belt) starve(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.starved, b.awaits = true, b.outstanding > 0
	if b.emptied.IsZero() {
		b.emptied = now
	}
}

// fed notes that a claim brought somebody.
func (b *belt) fed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.emptied = time.Time{}
}

// roomy says that the belt is less than half full; claims come in lots.
func (b *belt) roomy() bool { return b.outstanding <= cap(b.ready)-cap(b.ready)/2 }

// composeAll goes on behind an entry that failed: the rest is claimed as well.
func (b *belt) composeAll(ctx context.Context, entries []ledger.Entry) (err error) {
	for _, entry := range entries {
		err = errors.Join(err, b.compose(ctx, entry))
	}
	return err
}

// compose puts the entry's mail on the belt. An entry that cannot become a mail
// is skipped with the reason: its fate, not the run's.
func (b *belt) compose(ctx context.Context, entry ledger.Entry) error {
	now := time.Now()
	j := &job{Settled: Settled{Entry: entry, Steps: Steps{Claimed: now}}, domain: domainOf(entry.Address)}
	mail, err := b.lane.Compose(entry, now)
	if err != nil {
		return b.settle(context.WithoutCancel(ctx), j, ledger.Outcome{
			State: ledger.Skipped, Reply: err.Error(), At: time.Now(), Free: true,
		})
	}
	j.mail, j.Steps.Composed = mail, time.Now()
	b.mu.Lock()
	shut := b.shut
	if !shut {
		b.ready <- j
	}
	b.mu.Unlock()
	if shut {
		return b.giveBack(context.WithoutCancel(ctx), j)
	}
	return nil
}

// take waits for a job; nil when there are no more or ctx has ended.
func (b *belt) take(ctx context.Context) *job {
	if ctx.Err() != nil {
		return nil
	}
	select {
	case j := <-b.ready:
		return j
	case <-b.done:
	case <-ctx.Done():
	}
	return nil
}

// takeIf returns a job that is there and suits, without waiting; one that does
// not suit goes back on the belt.
func (b *belt) takeIf(suits func(*job) bool) *job {
	select {
	case j := <-b.ready:
		if suits(j) {
			return j
		}
		b.ready <- j // there is room: the job is still outstanding
	default:
	}
	return nil
}

// settle makes the job's outcome durable and forgets the job.
func (b *belt) settle(ctx context.Context, j *job, o ledger.Outcome) error {
	o.ID, o.Account = j.Entry.ID, b.lane.Account
	if err := b.run.Ledger.Record(ctx, o); err != nil {
		return err
	}
	j.Outcome = o
	b.settled(j)
	return nil
}

// settled forgets a job whose outcome is durable; its paper serves the next mail.
func (b *belt) settled(j *job) {
	if j.mail != nil {
		j.mail.Release()
	}
	b.count(-1)
	j.Steps.Settled = time.Now()
	b.run.tell(&j.Settled)
}

// giveBack releases jobs that were not begun.
func (b *belt) giveBack(ctx context.Context, jobs ...*job) error {
	ids := make([]int64, len(jobs))
	for i, j := range jobs {
		ids[i] = j.Entry.ID
	}
	b.count(-len(jobs))
	return b.run.Ledger.Release(ctx, ids...)
}

// close gives back the jobs and all that are ready or wait, and claims nothing
// until the pacer lets mails leave again.
func (b *belt) close(ctx context.Context, jobs ...*job) error {
	b.mu.Lock()
	b.shut = true
	b.mu.Unlock()
	return errors.Join(b.giveBack(ctx, append(jobs, b.drain()...)...), b.release(ctx))
}

// clear gives back what is left when the lane has ended.
func (b *belt) clear(ctx context.Context) error {
	return errors.Join(b.giveBack(ctx, b.drain()...), b.release(ctx))
}

func (b *belt) drain() (jobs []*job) {
	for {
		select {
		case j := <-b.ready:
			jobs = append(jobs, j)
		default:
			return jobs
		}
	}
}
