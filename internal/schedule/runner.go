package schedule

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"hongyan/internal/fault"
)

// A Planned is a campaign that has a schedule.
type Planned struct {
	Campaign string
	Schedule *Schedule
}

// A Nothing is what Start returns when the slot has nothing to send; it is not
// a failure.
type Nothing struct{ Why fault.Text }

func (n *Nothing) Error() string { return n.Why.String() }

// A Runner heeds the slots of campaigns. Its fields are set before Run.
type Runner struct {
	Shelf Shelf
	// Campaigns returns the campaigns as they are now.
	Campaigns func() []Planned
	// Start begins the issue of a slot, named like the slot, and returns when
	// that is written down, not when it is sent. It may be called again for a
	// slot that was begun already, after a crash or by another process, and
	// must then change nothing and return nil. An error is tried again a few
	// times; a [Nothing] is not. Starts of different campaigns run at once.
	Start func(ctx context.Context, campaign string, slot Slot) error
	// Changed, when not nil, says that Campaigns has changed.
	Changed <-chan struct{}
	// Tell, when not nil, is told what became of each slot, and of each try
	// that failed, from many goroutines.
	Tell func(campaign string, r Record)

	now    func() time.Time // the clock on the wall; nil: the machine's
	glance time.Duration    // 0: the constant
	mu     sync.Mutex
	lines  map[string]*line // guarded by mu
}

// A line is what is known of one campaign's slots.
type line struct {
	busy sync.Mutex // held while the campaign is looked at

	// owned by who holds busy
	schedule string    // what last was reckoned by
	last     time.Time // up to here all slots are decided
	open     []Slot    // taken, by us or by another process, and not known to be begun
}

// glance is how long the clock is trusted: a machine that slept or whose clock
// was set is noticed after that at the latest.
const glance = 30 * time.Second

// lease is how long a start may take before another process takes it over.
const lease = 2 * time.Minute

// patience is how long after each failed start it is tried again; then the slot
// has failed.
var patience = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute}

// Run heeds slots until ctx ends. Its error is one of the shelf: without
// memory, no issue is begun.
func (r *Runner) Run(ctx context.Context) error {
	r.lines = map[string]*line{}
	if r.now == nil {
		r.now = time.Now
	}
	r.glance = cmp.Or(r.glance, glance)
	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var looks sync.WaitGroup
	defer looks.Wait()
	for work.Err() == nil {
		planned := r.Campaigns()
		for _, p := range planned {
			l := r.line(p.Campaign)
			if !l.busy.TryLock() {
				continue // its start takes long; it is looked at again soon
			}
			looks.Go(func() {
				defer l.busy.Unlock()
				if err := r.look(work, l, p); err != nil && work.Err() == nil {
					stop(fmt.Errorf("schedule of %s: %w", p.Campaign, err))
				}
			})
		}
		r.wait(work, r.nearest(planned, r.moment()))
	}
	looks.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(work)
}

func (r *Runner) line(campaign string) *line {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lines[campaign] == nil {
		r.lines[campaign] = &line{}
	}
	return r.lines[campaign]
}

// nearest is how long it is until the next slot, as long as a glance at the most.
func (r *Runner) nearest(planned []Planned, now time.Time) time.Duration {
	wait := r.glance
	for _, p := range planned {
		for _, slot := range p.Schedule.Next(now, 1) {
			wait = min(wait, slot.At.Sub(now))
		}
	}
	return wait
}

func (r *Runner) wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-r.Changed:
	case <-timer.C:
	}
}

// look decides about the slots that were reached and starts what is due.
func (r *Runner) look(ctx context.Context, l *line, p Planned) error {
	now := r.moment()
	if l.schedule != p.Schedule.String() {
		if err := r.recall(ctx, l, p, now); err != nil {
			return err
		}
	}
	if l.last.After(now) { // the clock was put back; what was decided stays decided
		l.last = now
	}
	for _, d := range p.Schedule.Due(l.last, now) {
		if err := r.decide(ctx, l, p.Campaign, d, now); err != nil {
			return err
		}
		l.last = d.Slot.At
	}
	l.last = now
	return r.startOpen(ctx, l, p)
}

// recall reads what was written about a campaign's slots. A schedule that was
// not there before begins now: its earlier slots are nobody's.
func (r *Runner) recall(ctx context.Context, l *line, p Planned, now time.Time) error {
	l.schedule, l.open = "", nil
	since, err := r.since(ctx, p, now)
	if err != nil {
		return err
	}
	l.last = since
	var names []string
	for record, err := range Records(ctx, r.Shelf, p.Campaign) {
		if err != nil {
			return err
		}
		names = append(names, record.Slot)
		if record.Due.After(l.last) && !record.Due.After(now) {
			l.last = record.Due
		}
		if record.State == Starting {
			l.open = append(l.open, Slot{record.Slot, record.Due})
		}
	}
	l.schedule = p.Schedule.String()
	if err := forget(ctx, r.Shelf, p.Campaign, now); err != nil {
		return err
	}
	return r.thin(ctx, p.Campaign, names)
}

func (r *Runner) since(ctx context.Context, p Planned, now time.Time) (time.Time, error) {
	var known beginning
	body, err := r.Shelf.Paper(ctx, beginnings, p.Campaign)
	if err != nil {
		return now, err
	}
	if body != nil {
		if err := json.Unmarshal(body, &known); err != nil {
			return now, fmt.Errorf("since when it holds: %w", err)
		}
	}
	if known.Schedule == p.Schedule.String() {
		return known.Since, nil
	}
	if err := r.pass(ctx, p, now); err != nil {
		return now, err
	}
	if body, err = json.Marshal(beginning{p.Schedule.String(), now}); err != nil {
		return now, err
	}
	return now, r.Shelf.Put(ctx, beginnings, p.Campaign, body)
}

// pass skips the only slot of a schedule that comes too late for it: whoever
// wrote it waits for a mail.
func (r *Runner) pass(ctx context.Context, p Planned, now time.Time) error {
	slot, ok := p.Schedule.once()
	if !ok || slot.At.After(now) {
		return nil
	}
	record := Record{
		Slot: slot.Name, Due: moment(slot.At), State: Skipped, At: now,
		Why: fault.Textf("it was over when hongyan first saw the schedule"),
	}
	won, err := putNew(ctx, r.Shelf, p.Campaign, record)
	if won {
		r.tell(p.Campaign, record)
	}
	return err
}

// kept is how many slots of a campaign are remembered.
const kept = 1000

// thin forgets the oldest slots; the later ones keep them from coming back.
func (r *Runner) thin(ctx context.Context, campaign string, names []string) error {
	for i := range max(len(names)-kept, 0) {
		if err := r.Shelf.Discard(ctx, shelfOf(campaign), names[i]); err != nil {
			return err
		}
	}
	return nil
}

// decide writes a decision down before anything is done about it. A slot that
// was written down already is another's.
func (r *Runner) decide(ctx context.Context, l *line, campaign string, d Decision, now time.Time) error {
	record := Record{Slot: d.Slot.Name, Due: moment(d.Slot.At), State: Starting, At: now, Again: now.Add(lease)}
	if d.Why.Format != "" {
		record.State, record.Why, record.Again = Skipped, d.Why, time.Time{}
	}
	won, err := putNew(ctx, r.Shelf, campaign, record)
	if err != nil {
		return err
	}
	switch {
	case record.State == Skipped && won:
		r.tell(campaign, record)
	case record.State == Starting && won:
		return r.start(ctx, l, campaign, record)
	case record.State == Starting:
		l.open = append(l.open, d.Slot)
	}
	return nil
}

// startOpen looks after slots that were taken and not begun: those to be tried
// again, and those whose process is gone.
func (r *Runner) startOpen(ctx context.Context, l *line, p Planned) error {
	open := l.open
	l.open = nil
	for i, slot := range open {
		if err := r.startAgain(ctx, l, p, slot); err != nil {
			l.open = append(l.open, open[i:]...)
			return err
		}
	}
	return nil
}

func (r *Runner) startAgain(ctx context.Context, l *line, p Planned, slot Slot) error {
	body, err := r.Shelf.Paper(ctx, shelfOf(p.Campaign), slot.Name)
	if err != nil || body == nil {
		return err
	}
	record, err := parseRecord(body)
	if err != nil || record.State != Starting {
		return err
	}
	now := r.moment()
	if record.Again.After(now) {
		l.open = append(l.open, slot)
		return nil
	}
	won, err := takeOver(ctx, r.Shelf, p.Campaign, record, now)
	if err != nil {
		return err
	}
	if !won {
		l.open = append(l.open, slot)
		return nil
	}
	record.At, record.Again = now, now.Add(lease)
	if why := p.Schedule.tooLate(record, now); why.Format != "" {
		record.State, record.Again = Failed, time.Time{}
		if record.Tries == 0 { // else the last failure says more
			record.Why = why
		}
	}
	if err := put(ctx, r.Shelf, p.Campaign, record); err != nil {
		return err
	}
	if record.State == Failed {
		r.tell(p.Campaign, record)
		return nil
	}
	return r.start(ctx, l, p.Campaign, record)
}

// tooLate says why a slot that was taken is not started any more, as [Due] would.
func (s *Schedule) tooLate(r Record, now time.Time) fault.Text {
	if next := s.Next(r.Due, 1); len(next) > 0 && !next[0].At.After(now) {
		return fault.Textf("missed; %s takes its place", next[0].Name)
	}
	if r.Tries == 0 && s.missed == Skip && r.Due.Before(now.Add(-grace)) {
		return fault.Textf("missed: hongyan was not running")
	}
	return fault.Text{}
}

// start begins the issue of a slot and writes down what came of it.
func (r *Runner) start(ctx context.Context, l *line, campaign string, record Record) error {
	slot := Slot{record.Slot, record.Due}
	err := r.Start(ctx, campaign, slot)
	if ctx.Err() != nil {
		return ctx.Err() // it stays starting, and is looked after at the next start
	}
	record.At, record.Again, record.Why = r.moment(), time.Time{}, fault.Text{}
	nothing, isNothing := errors.AsType[*Nothing](err)
	switch {
	case err == nil:
		record.State = Fired
	case isNothing:
		record.State, record.Why = Skipped, nothing.Why
	case record.Tries == len(patience):
		record.State, record.Why = Failed, said(err)
	default:
		record.Why, record.Again = said(err), record.At.Add(patience[record.Tries])
		record.Tries++
		l.open = append(l.open, slot)
	}
	if err := put(context.WithoutCancel(ctx), r.Shelf, campaign, record); err != nil {
		return err
	}
	r.tell(campaign, record)
	return nil
}

// said is an error as it is written down.
func said(err error) fault.Text { return fault.Textf("%s", err.Error()) }

func (r *Runner) moment() time.Time { return moment(r.now()) }

func (r *Runner) tell(campaign string, record Record) {
	if r.Tell != nil {
		r.Tell(campaign, record)
	}
}
