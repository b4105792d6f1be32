package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"hongyan/internal/edition/change"
	"hongyan/internal/ledger"
)

// A comparison is what the issue would be made of now, against what it was made
// of when it began.
type comparison struct {
	now     ledger.Plan
	known   bool            // it began
	began   time.Time       // when
	changed []change.Change // inputs that are not what they were
}

// same reports whether the issue began and nothing has changed.
func (c comparison) same() bool { return c.known && len(c.changed) == 0 }

// compare writes nothing: who says no to the plan has begun nothing.
func (h *house) compare(ctx context.Context, e *dispatch) (c comparison, err error) {
	c.now.At = time.Now()
	if c.now.Digests, err = e.Digests(); err != nil {
		return c, err
	}
	issues, err := h.store.Issues(ctx)
	if err != nil {
		return c, err
	}
	i := slices.IndexFunc(issues, func(issue ledger.Issue) bool { return issue.Key == e.Key && issue.Rows > 0 })
	if i < 0 {
		return c, nil
	}
	c.known, c.began, c.changed = true, issues[i].At, change.Difference(issues[i].Digests, c.now.Digests)
	return c, nil
}

// refuse is the answer to a difference that is not accepted.
func (h *house) refuse(ctx context.Context, e *dispatch, c comparison) error {
	lines := []string{h.door.Say("%s has changed since its first start on %s:", e.Key.String(), stamp(c.began))}
	for _, change := range c.changed {
		more, err := h.describe(ctx, e, change)
		if err != nil {
			return err
		}
		lines = append(append(lines, "  "+change.String()), more...)
	}
	lines = append(lines, h.door.Say("Go on with --accept-changes (who has the mail gets no second one), or start a new edition with --issue NAME."))
	return usageError{errors.New(strings.Join(lines, "\n"))}
}

// freeze writes down what the issue is made of. It reports whether the whole
// list is in the ledger already.
func (h *house) freeze(ctx context.Context, e *dispatch, c comparison) (bool, error) {
	key, err := h.store.Key(ctx)
	if err != nil {
		return false, err
	}
	// Data and files before the plan: where there is a plan, there is what it speaks of.
	if err := errors.Join(e.Fresh.Freeze(ctx, h.store), e.LeaveParcels(ctx, key)); err != nil {
		return false, err
	}
	if !c.same() {
		if err := e.KeepTexts(ctx, h.store); err != nil {
			return false, err
		}
	}
	frozen, err := h.store.Plan(ctx, e.Key, c.now)
	if err != nil {
		return false, err
	}
	whole := c.same() && frozen.Complete
	if !frozen.First && !c.same() {
		err = h.store.Refreeze(ctx, e.Key, c.now)
	}
	return whole, errors.Join(err, e.Fresh.Remember(ctx, h.store))
}
