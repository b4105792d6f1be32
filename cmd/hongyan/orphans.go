package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"hongyan/internal/crew"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
)

// This file is how lanes take over whom an account has put off that the issue does
// not use any more, see [run.Lane.Orphans]. A worker who claims them has taken that
// account, like any other: it is one process's, and within it one lane's.

// lost are accounts that have put recipients of an issue off and are none of those
// that it uses now.
func (h *house) lost(ctx context.Context, k ledger.Key, used []string) ([]string, error) {
	names, err := h.store.PutOffBy(ctx, k)
	if errors.Is(err, ledger.ErrUnknown) {
		return nil, nil
	}
	return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(used, name) }), err
}

// orphansOf are the accounts that are lost to an issue, as it was given to the workers.
func (w *worker) orphansOf(ctx context.Context, k ledger.Key) ([]string, error) {
	body, err := w.books.Paper(ctx, shelfWork, k.String())
	if err != nil || body == nil { // it was struck out meanwhile
		return nil, err
	}
	var a assignment
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, err
	}
	return w.lost(ctx, k, a.Accounts)
}

// dueOfOrphans is a lane for those of an issue that are due by accounts which are
// lost and which nobody has; any that is able does.
func (w *worker) dueOfOrphans(ctx context.Context, k ledger.Key, used []string, able map[postgres.Lane]int64) ([]crew.Due, error) {
	lane, ok := w.first(used, able)
	if !ok {
		return nil, nil
	}
	names, err := w.lost(ctx, k, used)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	standings, err := w.books.Standings(ctx)
	if err != nil {
		return nil, err
	}
	for other, s := range standings {
		if s.Taken {
			names = slices.DeleteFunc(names, func(name string) bool { return name == other.Account })
		}
	}
	for _, name := range names {
		if due, err := isDue(ctx, w.books, k, name); err != nil || due {
			return []crew.Due{{Account: lane.Account, Lane: lane.N, Of: lane.Of, Epoch: able[lane]}}, err
		}
	}
	return nil, nil
}

// first is the first of the accounts' lanes that is able.
func (w *worker) first(accounts []string, able map[postgres.Lane]int64) (postgres.Lane, bool) {
	for _, account := range accounts {
		for _, lane := range w.lanesOf(account) {
			if _, ok := able[lane]; ok {
				return lane, true
			}
		}
	}
	return postgres.Lane{}, false
}

// isDue reports whether somebody whom an account put off is due.
func isDue(ctx context.Context, books *postgres.Store, k ledger.Key, account string) (bool, error) {
	at, _, err := books.NextDue(ctx, k, account)
	return !at.IsZero() && !at.After(time.Now()), err
}

// A foster is the ledger to a lane that takes over from accounts that are lost.
// It takes such an account when somebody is due by it, and not before: other
// issues may use it still.
type foster struct {
	ledger.Store // the lane's
	whole        *postgres.Store
	orphans      []string
	has          []string // of these; the lane's one belt claims
}

// Claim is the line's.
func (f *foster) Claim(ctx context.Context, k ledger.Key, account string, n int, now time.Time) ([]ledger.Entry, error) {
	if !slices.Contains(f.orphans, account) {
		return f.Store.Claim(ctx, k, account, n, now)
	}
	if !slices.Contains(f.has, account) {
		if due, err := isDue(ctx, f.whole, k, account); err != nil || !due {
			return nil, err
		}
		if err := f.whole.Take(ctx, account); err != nil {
			return nil, err
		}
		f.has = append(f.has, account)
	}
	return f.whole.Claim(ctx, k, account, n, now)
}

// NextDue is the line's. Who is somebody else's to take over is not waited for.
func (f *foster) NextDue(ctx context.Context, k ledger.Key, account string) (time.Time, bool, error) {
	if !slices.Contains(f.orphans, account) {
		return f.Store.NextDue(ctx, k, account)
	}
	if !slices.Contains(f.has, account) {
		return time.Time{}, false, nil
	}
	return f.whole.NextDue(ctx, k, account)
}

// handBack gives back what was taken.
func (f *foster) handBack(ctx context.Context) (err error) {
	for _, account := range f.has {
		err = errors.Join(err, f.whole.HandBack(ctx, account))
	}
	return err
}
