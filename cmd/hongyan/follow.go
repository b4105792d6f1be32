package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/office"
)

// hand gives an issue that was frozen to the workers, with all that it is made
// of; whole says that its list is in the ledger.
func (h *house) hand(ctx context.Context, e *dispatch, whole bool) error {
	if err := e.Pack(ctx, h.store); err != nil {
		return err
	}
	if err := errors.Join(h.store.Discard(ctx, office.Pauses, e.Key.String()), h.assign(ctx, e)); err != nil || whole {
		return err
	}
	if err := h.fill(ctx, e); err != nil {
		return err
	}
	totals, err := h.store.Totals(ctx, e.Key)
	if err != nil || totals.Queued+totals.Deferred == 0 {
		return err
	}
	return h.assign(ctx, e) // of a list that grew, a worker may have thought the end had come
}

// handOver gives an issue to the workers, with all that it is made of, and
// follows what becomes of it.
func (d *door) handOver(ctx context.Context, e *dispatch, h *house, p *plan, o sendOptions) error {
	d.landed()
	ctx, end := d.soft(ctx)
	defer end()
	if err := h.hand(ctx, e, p.enqueued && p.totals.Skipped == 0); err != nil {
		return err
	}
	fmt.Fprintln(d.err, d.Say("The workers have it. Ctrl-C leaves them at it."))
	reporting, reported := context.WithCancel(context.WithoutCancel(ctx))
	var report error
	var reporter sync.WaitGroup
	reporter.Go(func() { report = unwritten(d.reporter(e, h, column(h.lookout.ids)).Run(reporting)) })
	f := &follower{door: d, e: e, h: h, o: o, told: map[string]bool{}, alone: map[string]time.Time{}}
	early, err := f.follow(ctx)
	reported()
	reporter.Wait()
	if ctx.Err() != nil {
		d.sayAlone(ctx, e, h)
		return errors.Join(context.Cause(ctx), report)
	}
	if errors.Is(err, ledger.ErrAway) { // the report could not be written either
		fmt.Fprintln(d.err, d.Say("The ledger still cannot be reached. The issue is with the workers, who go on when they reach it. Look: hongyan status"))
		return ending(exitBreakdown)
	}
	return d.sayEnd(ctx, e, h, early, errors.Join(err, report))
}

// sayAlone says who goes on with an issue that is followed no longer.
func (d *door) sayAlone(ctx context.Context, e *dispatch, h *house) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if hands, err := h.hands(ctx); err == nil && !hands.Can(e.Key, e.accountNames()...) {
		fmt.Fprintln(d.err, d.Say("No worker goes on with it now; the next one that can does, or: hongyan send %s", d.again(e)))
		return
	}
	fmt.Fprintln(d.err, d.Say("The workers go on with it. Look: hongyan status"))
}

// A workerAnswer is a worker as programs are told of it.
type workerAnswer struct {
	Name     string    `json:"name"`
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until"`
	Works    bool      `json:"works"`
	Takes    []string  `json:"takes,omitempty"` // any, if it does not say
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
			fmt.Fprintln(d.out, d.Say("worker %s: silent; what it had is taken over", w.Name))
		case len(w.Accounts) > 0:
			fmt.Fprintln(d.out, d.Say("worker %s: since %s; has %s", w.Name, stamp(w.Since), counted(w.Accounts)))
		default:
			fmt.Fprintln(d.out, d.Say("worker %s: since %s; idle", w.Name, stamp(w.Since)))
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
