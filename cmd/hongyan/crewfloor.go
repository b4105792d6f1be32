package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"hongyan/internal/archive"
	"hongyan/internal/crew/board"
	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/office"
	"hongyan/internal/web"
)

// A crewFloor has the workers of a shared ledger carry issues. Nothing of an
// issue is this process's own: any other one may show it, pause it, go on with it.
type crewFloor struct {
	*service
	books *postgres.Store
}

// mending is how often it is looked for issues whose list nobody goes on reading.
const mending = 30 * time.Second

func (f crewFloor) Run(ctx context.Context) error {
	hands, err := f.hands(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(f.door.err, f.door.Say("Mails are sent by hongyan worker, wherever it runs on this ledger; at work now: %d", len(hands)))
	ticker := time.NewTicker(mending)
	defer ticker.Stop()
	seen := map[ledger.Key]int{}
	for {
		select {
		case <-f.door.interrupted:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
			if seen, err = f.mend(ctx, seen); err != nil {
				f.door.log.Warn("cannot look for lists that are half read", slog.Any("err", err))
			}
		}
	}
}

// mend goes on with the lists that somebody began to read and that have not grown
// since they were last seen: whoever read them may be gone.
func (f crewFloor) mend(ctx context.Context, seen map[ledger.Key]int) (map[ledger.Key]int, error) {
	now := map[ledger.Key]int{}
	issues, err := f.store.Issues(ctx)
	if err != nil {
		return now, err
	}
	stale := func(i ledger.Issue) bool {
		if i.Complete {
			return false
		}
		rows, known := seen[i.Key]
		now[i.Key] = i.Rows
		return known && rows == i.Rows
	}
	return now, f.goOn(ctx, issues, stale)
}

func (f crewFloor) carry(ctx context.Context, e *dispatch, c comparison) error {
	enqueued, err := f.freeze(ctx, e, c)
	if err != nil {
		return err
	}
	totals, err := f.store.Totals(ctx, e.Key)
	if err != nil {
		return err
	}
	err = f.hand(ctx, e, enqueued && totals.Skipped == 0)
	if errors.Is(err, postgres.ErrEnqueuing) {
		return office.ErrOnFloor
	}
	if err != nil {
		return err
	}
	f.tell(office.Started{Key: e.Key})
	e.Close()
	return nil
}

func (f crewFloor) has(ctx context.Context, k ledger.Key) (bool, error) {
	work, err := f.books.Paper(ctx, shelfWork, k.String())
	if err != nil || work == nil {
		return false, err
	}
	paused, err := f.books.Paper(ctx, office.Pauses, k.String())
	if err != nil || paused != nil {
		return false, err
	}
	issues, err := f.books.Issues(ctx)
	return slices.ContainsFunc(issues, func(i ledger.Issue) bool { return i.Key == k && i.Complete }), err
}

func (f crewFloor) jobs(ctx context.Context) (out []web.Job, err error) {
	hands, err := f.hands(ctx)
	if err != nil {
		return nil, err
	}
	silent, err := f.silences(ctx)
	if err != nil {
		return nil, err
	}
	err = ledger.ReadPapers(ctx, f.books, shelfWork, func(name string, a assignment) {
		key := keyOf(name)
		job := jobOf(key, a, silent)
		if why := hands.Lack(key, a.Accounts...); why.Format != "" {
			job.Why = why
		}
		out = append(out, job)
	})
	return out, err
}

// A silence is why nothing leaves by an account now.
type silence struct {
	held  bool
	until time.Time // zero: until a person acts
	why   fault.Text
}

// silences are the accounts that are held or wait for their limits.
func (f crewFloor) silences(ctx context.Context) (map[string]silence, error) {
	out := map[string]silence{}
	rests, err := board.RestsOf(ctx, f.store, boarded(f.conf))
	if err != nil {
		return nil, err
	}
	for name, account := range f.conf.Accounts {
		if r, ok := rests.Soonest(account.Name, account.Lanes); ok {
			out[name] = silence{until: r.Until, why: fault.Textf("the account waits for its limits")}
		}
	}
	holds, err := f.store.Holds(ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	for _, h := range holds {
		if h.Holds(now) {
			out[h.Account] = silence{held: true, until: h.Until, why: fault.Textf("%s", h.Reply)}
		}
	}
	return out, nil
}

// jobOf waits only if all of its accounts do, for the first of them.
func jobOf(k ledger.Key, a assignment, silent map[string]silence) web.Job {
	job := web.Job{Key: k, Standing: web.Held}
	for i, account := range a.Accounts {
		s, ok := silent[account]
		if !ok {
			return web.Job{Key: k, Standing: web.Running}
		}
		if !s.held {
			job.Standing = web.Running
		}
		if i == 0 || !s.until.IsZero() && (job.Until.IsZero() || s.until.Before(job.Until)) {
			job.Until, job.Why = s.until, s.why
		}
	}
	return job
}

func (f crewFloor) pause(ctx context.Context, k ledger.Key, p office.Pause) (bool, error) {
	paused, err := f.books.Paper(ctx, office.Pauses, k.String())
	if err != nil || paused != nil {
		return false, err
	}
	work, err := f.books.Paper(ctx, shelfWork, k.String())
	if err != nil || work == nil {
		return false, err
	}
	return true, f.office.Halt(ctx, k, p)
}

// again gives the workers the issue as it was packed; what its files have become
// since is of no matter to them.
func (f crewFloor) again(ctx context.Context, k ledger.Key) (bool, error) {
	work, err := f.books.Paper(ctx, shelfWork, k.String())
	if err != nil {
		return false, err
	}
	if work == nil {
		if packed, err := f.reassign(ctx, k); err != nil || !packed {
			return false, err
		}
	}
	err = f.books.Discard(ctx, office.Pauses, k.String())
	f.call(ctx)
	return true, err
}

// reassign reports false of an issue that no worker ever had.
func (f crewFloor) reassign(ctx context.Context, k ledger.Key) (bool, error) {
	manifest, err := archive.Stamp(ctx, f.books, k.String())
	if err != nil || manifest == nil {
		return false, err
	}
	t, err := f.thaw(ctx, f.books, k)
	if err != nil {
		return false, err
	}
	var faults fault.Faults
	t.accounts, faults = accountsFor(t.conf, t.Campaign)
	if err = faults.Err(); err == nil {
		err = f.assign(ctx, t.dispatch)
	}
	err = errors.Join(err, t.Close())
	return err == nil, err
}

// lifted has the workers look at the ledger, where it says so.
func (f crewFloor) lifted(ctx context.Context, _ string) { f.call(ctx) }

func (f crewFloor) aside(ctx context.Context, w *way, do func()) error {
	err := f.borrow(ctx, f.books, w.lane.Account, do)
	if errors.Is(err, ledger.ErrElsewhere) {
		return &web.Refusal{Why: fault.Textf("a worker is in the middle of something by account %s; try again in a minute", w.lane.Account)}
	}
	return err
}
