package run

import (
	"context"
	"errors"
	"time"

	"hongyan/internal/ledger"
)

// This file is how a lane takes over whom accounts have put off that no lane has
// any more, see [Lane.Orphans].

// claims claims for the lane's own account, or else for those that have none any more.
func (b *belt) claims(ctx context.Context, room int, now time.Time) ([]ledger.Entry, error) {
	claimed, err := b.run.Ledger.Claim(ctx, b.run.Key, b.lane.Account, room, now)
	for _, orphan := range b.lane.Orphans {
		if err != nil || len(claimed) > 0 {
			break
		}
		claimed, err = b.run.Ledger.Claim(ctx, b.run.Key, orphan, room, now)
		err = unlessElsewhere(err)
	}
	return claimed, err
}

// nextDue says what the lane may wait for, of those that it claims.
func (b *belt) nextDue(ctx context.Context) (due time.Time, more bool, err error) {
	due, more, err = b.run.Ledger.NextDue(ctx, b.run.Key, b.lane.Account)
	for _, orphan := range b.lane.Orphans {
		if err != nil {
			break
		}
		var theirs time.Time
		theirs, _, err = b.run.Ledger.NextDue(ctx, b.run.Key, orphan)
		if due.IsZero() || !theirs.IsZero() && theirs.Before(due) {
			due = theirs
		}
	}
	return due, more, err
}

// unlessElsewhere passes over an account that another process works with.
func unlessElsewhere(err error) error {
	if errors.Is(err, ledger.ErrElsewhere) {
		return nil
	}
	return err
}
