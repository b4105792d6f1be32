package web

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hongyan/internal/ledger"
)

// A Clerk carries a person's word to the desk and writes it into the log of
// acts, before it is done: what somebody did is on record whatever comes of it.
type Clerk struct {
	Books Books
	Desk  Desk
}

// The acts, as the log names them.
const (
	ActStart      = "start"
	ActPause      = "pause"
	ActResume     = "resume"
	ActTest       = "test"
	ActRetry      = "retry"
	ActSettle     = "settle"
	ActLift       = "lift"
	ActSuppress   = "suppress"
	ActUnsuppress = "unsuppress"
)

// do notes the act, does it, and notes that it failed if it did.
func (c Clerk) do(ctx context.Context, act ledger.Act, do func() error) error {
	act.At = time.Now()
	if err := c.Books.Note(ctx, act); err != nil {
		return err
	}
	err := do()
	if err == nil {
		return nil
	}
	act.At, act.Note = time.Now(), "failed: "+err.Error()
	return errors.Join(err, c.Books.Note(context.WithoutCancel(ctx), act))
}

// Start puts an issue on the floor.
func (c Clerk) Start(ctx context.Context, by string, k ledger.Key) error {
	return c.do(ctx, ledger.Act{By: by, What: ActStart, Key: k}, func() error { return c.Desk.Start(ctx, k, by) })
}

// Pause stops an issue for a while.
func (c Clerk) Pause(ctx context.Context, by string, k ledger.Key) error {
	return c.do(ctx, ledger.Act{By: by, What: ActPause, Key: k}, func() error { return c.Desk.Pause(ctx, k, by) })
}

// Resume lets a paused or stopped issue go on.
func (c Clerk) Resume(ctx context.Context, by string, k ledger.Key) error {
	return c.do(ctx, ledger.Act{By: by, What: ActResume, Key: k}, func() error { return c.Desk.Resume(ctx, k, by) })
}

// Test sends some mails to a person's own addresses.
func (c Clerk) Test(ctx context.Context, k ledger.Key, t Test) (sent int, err error) {
	act := ledger.Act{By: t.By, What: ActTest, Key: k, About: strings.Join(t.To, ", "), Note: t.Rows}
	err = c.do(ctx, act, func() error {
		sent, err = c.Desk.Test(ctx, k, t)
		return err
	})
	return sent, err
}

// Retry opens refusals of some classes again.
func (c Clerk) Retry(ctx context.Context, by string, k ledger.Key, classes []string) (n int, err error) {
	act := ledger.Act{By: by, What: ActRetry, Key: k, About: strings.Join(classes, ", ")}
	err = c.do(ctx, act, func() error {
		n, err = c.Desk.Retry(ctx, k, ledger.Reopening{Classes: classes, At: time.Now(), By: by})
		return err
	})
	return n, err
}

// Settle decides what is in doubt; no ids means all of the issue. Where less was
// left to decide than was asked, the log says so: somebody else was faster.
func (c Clerk) Settle(ctx context.Context, by string, k ledger.Key, to ledger.State, ids []int64) (n int, err error) {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	act := ledger.Act{By: by, What: ActSettle, Key: k, About: string(to)}
	if ids != nil {
		act.Note = fmt.Sprint(len(ids))
	}
	err = c.do(ctx, act, func() error {
		n, err = c.Desk.Settle(ctx, k, ledger.Settlement{IDs: ids, To: to, At: time.Now(), By: by})
		return err
	})
	if err != nil || n > 0 && n >= len(ids) {
		return n, err
	}
	act.At, act.Note = time.Now(), strings.TrimSuffix(fmt.Sprintf("%d of %s", n, act.Note), " of ")
	return n, c.Books.Note(context.WithoutCancel(ctx), act)
}

// Lift ends the hold of an account.
func (c Clerk) Lift(ctx context.Context, by, account string) error {
	return c.do(ctx, ledger.Act{By: by, What: ActLift, About: account}, func() error { return c.Desk.Lift(ctx, account, by) })
}

// Suppress adds suppressions, which have their list, address, source and reason,
// and their time if it is not now.
func (c Clerk) Suppress(ctx context.Context, by string, all ...ledger.Suppression) (added int, err error) {
	for i := range all {
		all[i].By = by
		if all[i].At.IsZero() {
			all[i].At = time.Now()
		}
	}
	err = c.do(ctx, ledger.Act{By: by, What: ActSuppress, About: about(all)}, func() error {
		added, err = c.Books.Suppress(ctx, all...)
		return err
	})
	return added, err
}

// about names what is suppressed, as far as a line holds it.
func about(all []ledger.Suppression) string {
	switch len(all) {
	case 0:
		return ""
	case 1:
		return strings.TrimPrefix(all[0].List+": "+all[0].Address, ": ")
	}
	return fmt.Sprintf("%s … (%d)", all[0].Address, len(all))
}

// Unsuppress takes a suppression back; it is [ErrUnknown] if there is none.
func (c Clerk) Unsuppress(ctx context.Context, by, list, address string) error {
	s := ledger.Suppression{List: list, Address: address}
	return c.do(ctx, ledger.Act{By: by, What: ActUnsuppress, About: about([]ledger.Suppression{s})}, func() error {
		ok, err := c.Books.Unsuppress(ctx, list, address)
		if err == nil && !ok {
			return ErrUnknown
		}
		return err
	})
}
