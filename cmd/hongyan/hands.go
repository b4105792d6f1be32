package main

import (
	"context"

	"hongyan/internal/config"
	"hongyan/internal/crew/board"
	"hongyan/internal/ledger/postgres"
)

// A roster knows the processes that work on a shared ledger.
type roster interface {
	Workers(ctx context.Context) ([]postgres.Worker, error)
}

// hands are the workers that are there to do the work.
func (h *house) hands(ctx context.Context) (board.Hands, error) {
	shared, ok := h.store.(roster)
	if !ok {
		return nil, nil
	}
	workers, err := shared.Workers(ctx)
	if err != nil {
		return nil, err
	}
	troubles, err := board.Troubles(ctx, h.store)
	return board.HandsOf(workers, troubles), err
}

// boarded are the accounts as those who share a ledger talk of them.
func boarded(conf *config.Config) (out []board.Account) {
	for _, a := range conf.Accounts {
		out = append(out, board.Account{Name: a.Name, Lanes: a.Lanes, Limits: a.Limits})
	}
	return out
}
