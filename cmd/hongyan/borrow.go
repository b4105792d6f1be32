package main

import (
	"context"
	"errors"
	"time"

	"hongyan/internal/crew/board"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
)

// This file is how a process that is no worker gets an account of a shared ledger
// for an errand: a test to oneself, a look at the server.

// borrowing is how long an account is waited for: a mail in flight may take that.
const borrowing = 60 * time.Second

// aside does an errand over an account; on a shared ledger between what workers
// send by it.
func (h *house) aside(ctx context.Context, account string, do func()) error {
	if shared, ok := h.store.(*postgres.Store); ok {
		return h.borrow(ctx, shared, account, do)
	}
	do()
	return nil
}

// borrow asks the workers for an account, and gives it back.
func (h *house) borrow(ctx context.Context, books *postgres.Store, account string, do func()) (err error) {
	errand := board.Errand{Account: account}
	if err := errand.Tell(ctx, books, time.Now().Add(borrowing)); err != nil {
		return err
	}
	after := context.WithoutCancel(ctx)
	defer func() { err = errors.Join(err, errand.TakeBack(after, books)) }()
	if err := takeSoon(ctx, books, account); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, books.HandBack(after, account)) }()
	if err := h.freshen(ctx, postgres.Whole(account)); err != nil {
		return err
	}
	do()
	return nil
}

// takeSoon takes an account as soon as whoever has it hands it back.
func takeSoon(ctx context.Context, books *postgres.Store, account string) error {
	deadline := time.After(borrowing)
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := books.Take(ctx, account)
		if !errors.Is(err, ledger.ErrElsewhere) {
			return err
		}
		select {
		case <-ticker.C:
		case <-deadline:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
