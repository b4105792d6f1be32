package main

import (
	"context"
	"errors"
	"slices"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/office"
	"hongyan/internal/run"
	"hongyan/internal/web"
)

// A floor is where the issues of a service are carried: by its own office, or by
// the workers of a ledger that many share. What is paused is on the ledger's shelf
// either way.
type floor interface {
	// Run ends after the mails in flight of this process when that is to end.
	Run(ctx context.Context) error
	// has reports whether an issue is on it, with nothing left to be done but to
	// send it.
	has(ctx context.Context, k ledger.Key) (bool, error)
	// carry takes an issue as it was compared, freezes it, and closes the edition
	// in the end unless there is an error: [office.ErrOnFloor] if somebody else has
	// put it there meanwhile.
	carry(ctx context.Context, e *dispatch, c comparison) error
	// jobs are the issues that are on it and not paused, but for how long they take.
	jobs(ctx context.Context) ([]web.Job, error)
	// pause takes an issue off, durably, and reports whether it was there.
	pause(ctx context.Context, k ledger.Key, p office.Pause) (bool, error)
	// again has an issue go on as it is, with what was opened anew; false if it has
	// to be begun from its files.
	again(ctx context.Context, k ledger.Key) (bool, error)
	// lifted tells that a hold was lifted in the ledger.
	lifted(ctx context.Context, account string)
	// aside does an errand over an account between what issues send by it.
	aside(ctx context.Context, w *way, do func()) error
}

// An ownFloor is the office of this process.
type ownFloor struct{ *service }

func (f ownFloor) Run(ctx context.Context) error {
	err := f.office.Run(ctx)
	return errors.Join(err, f.learned(context.WithoutCancel(ctx)))
}

func (f ownFloor) has(_ context.Context, k ledger.Key) (bool, error) {
	return slices.ContainsFunc(f.office.Floor(), func(s office.Standing) bool { return s.Key == k && !s.Leaving }), nil
}

func (f ownFloor) carry(ctx context.Context, e *dispatch, c comparison) error {
	lanes, err := f.lanes(ctx, e)
	if err != nil {
		return err
	}
	enqueued, err := f.freeze(ctx, e, c)
	if err != nil {
		return err
	}
	issue := office.Issue{
		Key: e.Key, List: e.Campaign.List, Lanes: f.shared(lanes), Watch: f.lookout.watch(e.Key, func(run.Event) {}),
		Beside: f.door.reporter(e, f.house, column(f.lookout.ids)).Run, Gone: e.Close,
	}
	totals, err := f.store.Totals(ctx, e.Key)
	if err != nil {
		return err
	}
	if !enqueued || totals.Skipped > 0 {
		issue.Fill = func(ctx context.Context) error { return f.fill(ctx, e) }
	}
	return f.office.Start(ctx, issue)
}

// shared are the lanes as the office takes them.
func (f ownFloor) shared(lanes []*run.Lane) (out []*office.Lane) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, lane := range lanes {
		out = append(out, f.officeLane(lane, f.ways[lane.Account]))
	}
	return out
}

func (f ownFloor) officeLane(lane *run.Lane, w *way) *office.Lane {
	return &office.Lane{
		Lane: lane, Lift: w.pacer.Lift,
		Keep: func(ctx context.Context) error { return f.keep(ctx, *w) },
	}
}

func (f ownFloor) jobs(context.Context) (out []web.Job, err error) {
	for _, s := range f.office.Floor() {
		job := web.Job{Key: s.Key, Standing: web.Running, Until: s.Until}
		if s.Held {
			job.Standing = web.Held
		}
		switch {
		case s.PutOff:
			job.Why = fault.Textf("recipients that were put off are due again then")
		case s.Why != "":
			job.Why = silenceOf(s.Why)
		}
		out = append(out, job)
	}
	return out, nil
}

func (f ownFloor) pause(ctx context.Context, k ledger.Key, p office.Pause) (bool, error) {
	return f.office.Pause(ctx, k, p)
}

func (f ownFloor) again(_ context.Context, k ledger.Key) (bool, error) { return f.office.Again(k), nil }

func (f ownFloor) lifted(_ context.Context, account string) { f.office.Lifted(account) }

func (f ownFloor) aside(ctx context.Context, w *way, do func()) error {
	return f.office.Aside(ctx, f.officeLane(&w.lane, w), do)
}
