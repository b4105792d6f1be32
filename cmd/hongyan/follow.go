package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hongyan/internal/ledger/postgres"
	"hongyan/internal/office"
	"hongyan/internal/run"
)

// A roster knows the processes that work on a shared ledger.
type roster interface {
	Workers(ctx context.Context) ([]postgres.Worker, error)
}

// hands is how many workers there are to do the work.
func (h *house) hands(ctx context.Context) (n int, err error) {
	shared, ok := h.store.(roster)
	if !ok {
		return 0, nil
	}
	workers, err := shared.Workers(ctx)
	for _, w := range workers {
		if w.Works && w.Alive {
			n++
		}
	}
	return n, err
}

// hand gives an issue that was frozen to the workers, with all that it is made
// of; whole says that its list is in the ledger.
func (h *house) hand(ctx context.Context, e *edition, whole bool) error {
	if err := e.pack(ctx, h.store); err != nil {
		return err
	}
	if err := errors.Join(h.store.Discard(ctx, shelfPaused, e.key.String()), h.assign(ctx, e)); err != nil || whole {
		return err
	}
	if err := h.fill(ctx, e); err != nil {
		return err
	}
	totals, err := h.store.Totals(ctx, e.key)
	if err != nil || totals.Queued+totals.Deferred == 0 {
		return err
	}
	return h.assign(ctx, e) // of a list that grew, a worker may have thought the end had come
}

// handOver gives an issue to the workers, with all that it is made of, and
// follows what becomes of it.
func (d *door) handOver(ctx context.Context, e *edition, h *house, p *plan, o sendOptions) error {
	d.landed()
	ctx, end := d.soft(ctx)
	defer end()
	if err := h.hand(ctx, e, p.enqueued && p.totals.Skipped == 0); err != nil {
		return err
	}
	fmt.Fprintln(d.err, d.say("The workers have it. Ctrl-C leaves them at it."))
	reporting, reported := context.WithCancel(context.WithoutCancel(ctx))
	var report error
	var reporter sync.WaitGroup
	reporter.Go(func() { report = unwritten(d.reporter(e, h, column(h.lookout.ids)).Run(reporting)) })
	early, err := d.follow(ctx, e, h, o)
	reported()
	reporter.Wait()
	if ctx.Err() != nil {
		fmt.Fprintln(d.err, d.say("The workers go on with it. Look: hongyan status"))
		return errors.Join(context.Cause(ctx), report)
	}
	return d.sayEnd(ctx, e, h, early, errors.Join(err, report))
}

// follow waits until the workers have nothing left to do, or can do nothing. It
// looks again after ten times what a look took, so that it costs the database a
// tenth of a processor at most.
func (d *door) follow(ctx context.Context, e *edition, h *house, o sendOptions) ([]run.Early, error) {
	for {
		begun := time.Now()
		over, err := d.isOver(ctx, e, h)
		if err != nil || over {
			return nil, err
		}
		if early, err := h.stuck(ctx, e, o); err != nil || early != nil {
			return early, err
		}
		select {
		case <-time.After(max(300*time.Millisecond, 10*time.Since(begun))):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// isOver reports whether nothing of an issue is left, and shows how far it is to
// who sits there; for nobody it is not counted while mails are queued.
func (d *door) isOver(ctx context.Context, e *edition, h *house) (over bool, err error) {
	if !d.onTerminal() {
		_, more, err := h.store.NextDue(ctx, e.key, e.accounts[0].Name)
		if err != nil || more {
			return false, err
		}
	}
	totals, err := h.store.Totals(ctx, e.key)
	if err != nil {
		return false, err
	}
	left := totals.Queued + totals.Sending + totals.Deferred
	if left > 0 && d.onTerminal() {
		fmt.Fprint(d.err, "\r"+d.say("%d of %d are done", totals.Rows-left, totals.Rows)+" ")
	}
	return left == 0, nil
}

// stuck tells why nothing goes on, if that is so: the issue was set aside, or
// every account of it is held in a way that is not to be waited for.
func (h *house) stuck(ctx context.Context, e *edition, o sendOptions) ([]run.Early, error) {
	body, err := h.store.Paper(ctx, shelfPaused, e.key.String())
	if err != nil {
		return nil, err
	}
	if body != nil {
		var pause office.Pause
		if err := json.Unmarshal(body, &pause); err != nil {
			return nil, err
		}
		return []run.Early{{Account: pause.Account, Why: pause.Why, Human: true}}, nil
	}
	holds, err := h.store.Holds(ctx)
	if err != nil {
		return nil, err
	}
	var early []run.Early
	for _, account := range e.accounts {
		for _, hold := range holds {
			if hold.Account == account.Name && o.heeds(hold) {
				early = append(early, run.Early{Account: account.Name, Until: hold.Until, Why: hold.Reply, Human: hold.Human})
			}
		}
	}
	if len(early) < len(e.accounts) {
		return nil, nil
	}
	return early, nil
}

// A workerAnswer is a worker as programs are told of it.
type workerAnswer struct {
	Name     string    `json:"name"`
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until"`
	Works    bool      `json:"works"`
	Alive    bool      `json:"alive"`
	Accounts []string  `json:"accounts"`
}

// workers lists who works on the ledger; nobody but us can, where it is a folder.
func (d *door) workers(ctx context.Context, books onlooker) ([]workerAnswer, error) {
	shared, ok := books.(roster)
	if !ok {
		return []workerAnswer{}, nil
	}
	return rosterOf(ctx, shared)
}

func rosterOf(ctx context.Context, shared roster) ([]workerAnswer, error) {
	out := []workerAnswer{}
	all, err := shared.Workers(ctx)
	for _, w := range all {
		out = append(out, workerAnswer(w))
	}
	return out, err
}

func (d *door) printWorkers(workers []workerAnswer) {
	for _, w := range workers {
		switch {
		case !w.Works && len(w.Accounts) == 0: // it came for an errand, or shows the dashboard
		case !w.Alive:
			fmt.Fprintln(d.out, d.say("worker %s: silent; what it had is taken over", w.Name))
		case len(w.Accounts) > 0:
			fmt.Fprintln(d.out, d.say("worker %s: since %s; has %s", w.Name, stamp(w.Since), counted(w.Accounts)))
		default:
			fmt.Fprintln(d.out, d.say("worker %s: since %s; idle", w.Name, stamp(w.Since)))
		}
	}
}

// counted lists names, those that stand there several times with their number.
func counted(sorted []string) string {
	var out []string
	for _, name := range slices.Compact(slices.Clone(sorted)) {
		n := 0
		for _, other := range sorted {
			if other == name {
				n++
			}
		}
		if n > 1 {
			name = fmt.Sprintf("%s ×%d", name, n)
		}
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}
