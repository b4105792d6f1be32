package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/metrics"
	"hongyan/internal/office"
)

// This file tells how deep the queue of a shared ledger is, for how long it has
// waited and who is there to work on it. On one machine there is no queue: whoever
// has the ledger works on all of it.

// A queue is the ledger of many workers.
type queue interface {
	ledger.Papers
	roster
	Backlog(ctx context.Context, now time.Time) ([]ledger.Backlog, error)
}

// A queueAnswer is a part of the queue as programs are told of it.
type queueAnswer struct {
	Campaign string    `json:"campaign"`
	Issue    string    `json:"issue"`
	Account  string    `json:"account"` // "" = any of the issue's
	Due      int       `json:"due"`
	Since    time.Time `json:"since"`
	Paused   bool      `json:"paused"`
}

// queued is what could leave now of the issues that workers carry.
func queued(ctx context.Context, books queue, now time.Time) ([]queueAnswer, error) {
	out := []queueAnswer{}
	carried, err := keysOn(ctx, books, shelfWork)
	if err != nil {
		return nil, err
	}
	paused, err := keysOn(ctx, books, office.Pauses)
	if err != nil {
		return nil, err
	}
	all, err := books.Backlog(ctx, now)
	for _, b := range all {
		if carried[b.Key] {
			out = append(out, queueAnswer{b.Campaign, b.Issue, b.Account, b.Due, b.Since, paused[b.Key]})
		}
	}
	return out, err
}

// keysOn are the issues of which a shelf has a paper.
func keysOn(ctx context.Context, books ledger.Papers, shelf string) (map[ledger.Key]bool, error) {
	out := map[ledger.Key]bool{}
	for paper, err := range books.Papers(ctx, shelf) {
		if err != nil {
			return nil, err
		}
		out[keyOf(paper.Name)] = true
	}
	return out, nil
}

func (d *door) printQueue(parts []queueAnswer, workers []workerAnswer) {
	waits := false
	for _, p := range parts {
		key := ledger.Key{Campaign: p.Campaign, Issue: p.Issue}.String()
		switch {
		case p.Paused:
			fmt.Fprintln(d.out, d.Say("queue: %s: %d, paused", key, p.Due))
			continue
		case p.Account == "":
			fmt.Fprintln(d.out, d.Say("queue: %s: %d for any of its accounts, the first since %s", key, p.Due, stamp(p.Since)))
		default:
			fmt.Fprintln(d.out, d.Say("queue: %s: %d again by account %s, the first since %s", key, p.Due, p.Account, stamp(p.Since)))
		}
		waits = true
	}
	if _, alive := crewOf(workers); waits && alive == 0 {
		fmt.Fprintln(d.out, d.Say("no worker is there; start hongyan worker on any machine"))
	}
}

// crewOf counts the leases of each account and the workers that are alive.
func crewOf(workers []workerAnswer) (leases map[string]int, alive int) {
	leases = map[string]int{}
	for _, w := range workers {
		for _, account := range w.Accounts {
			leases[account]++
		}
		if w.Works && w.Alive {
			alive++
		}
	}
	return leases, alive
}

// gaugeQueue has the metrics read how deep the queue is, and who is there. What is
// paused is not due.
func (h *house) gaugeQueue(s *metrics.Sources) {
	books, ok := h.store.(queue)
	if !ok {
		return
	}
	s.Queue = func(ctx context.Context, now time.Time) ([]metrics.Queue, error) { return queues(ctx, books, now) }
	s.Crew = func(ctx context.Context) (metrics.Crew, error) {
		workers, err := rosterOf(ctx, books)
		crew := metrics.Crew{Leases: map[string]int{}}
		for account := range h.conf.Accounts {
			crew.Leases[account] = 0
		}
		leases, alive := crewOf(workers)
		maps.Copy(crew.Leases, leases)
		crew.Workers = alive
		return crew, err
	}
}

// queues sums the queue up by campaign and account; each campaign that is carried
// has an entry for any account.
func queues(ctx context.Context, books queue, now time.Time) ([]metrics.Queue, error) {
	type part struct{ campaign, account string }
	sums := map[part]metrics.Queue{}
	carried, err := keysOn(ctx, books, shelfWork)
	if err != nil {
		return nil, err
	}
	for key := range carried {
		sums[part{key.Campaign, ""}] = metrics.Queue{Campaign: key.Campaign}
	}
	parts, err := queued(ctx, books, now)
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		if p.Paused {
			continue
		}
		sum := sums[part{p.Campaign, p.Account}]
		if sum.Mails == 0 || p.Since.Before(sum.Since) {
			sum.Since = p.Since
		}
		sums[part{p.Campaign, p.Account}] = metrics.Queue{Campaign: p.Campaign, Account: p.Account, Mails: sum.Mails + p.Due, Since: sum.Since}
	}
	return slices.Collect(maps.Values(sums)), nil
}
