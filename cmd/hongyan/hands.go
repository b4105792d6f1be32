package main

import (
	"context"
	"slices"
	"strings"

	"hongyan/internal/fault"
	"hongyan/internal/ledger/postgres"
)

// A roster knows the processes that work on a shared ledger.
type roster interface {
	Workers(ctx context.Context) ([]postgres.Worker, error)
}

// Hands are workers that are alive.
type hands []postgres.Worker

// hands are the workers that are there to do the work.
func (h *house) hands(ctx context.Context) (hands, error) {
	shared, ok := h.store.(roster)
	if !ok {
		return nil, nil
	}
	workers, err := shared.Workers(ctx)
	return slices.DeleteFunc(workers, func(w postgres.Worker) bool { return !w.Works || !w.Alive }), err
}

// take reports whether one of them takes one of the accounts.
func (h hands) take(accounts ...string) bool {
	return slices.ContainsFunc(h, func(w postgres.Worker) bool {
		return w.Takes == nil || slices.ContainsFunc(accounts, func(a string) bool { return slices.Contains(w.Takes, a) })
	})
}

// lack says that nobody takes any of the accounts, if that is so.
func (h hands) lack(accounts ...string) (why fault.Text) {
	switch {
	case len(h) == 0:
		return fault.Textf("no worker is there; start hongyan worker on any machine")
	case !h.take(accounts...):
		return fault.Textf("no worker takes account %s; start hongyan worker on any machine", strings.Join(accounts, ", "))
	}
	return why
}
