package drill_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hongyan/internal/ledger"
)

// sound checks the promise as it must hold whenever no process lives.
func (w *world) sound(ctx context.Context) error {
	totals, err := w.store.Totals(ctx, simulated)
	if err == nil {
		err = totals.Check()
	}
	if err != nil {
		return err
	}
	for e, err := range w.store.Entries(ctx, simulated, ledger.Filter{}) {
		if err != nil {
			return err
		}
		if err := w.honest(e); err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
	}
	for _, a := range w.accounts {
		if err := w.paced(a); err != nil {
			return fmt.Errorf("account %s: %w", a.name, err)
		}
	}
	return nil
}

// honest compares one entry with the truth.
func (w *world) honest(e ledger.Entry) error {
	taken, since := w.taken[e.Address], w.since[e.Address]
	switch {
	case e.State == ledger.Sent && taken == 0 && !w.vouched[e.Address]:
		return fmt.Errorf("it is recorded as sent, but was never taken")
	case taken > 1+w.again[e.Address]:
		return fmt.Errorf("it was taken %d times, and a person had it sent again %d times", taken, w.again[e.Address])
	case since > 0 && e.State != ledger.Sent && e.State != ledger.InDoubt:
		return fmt.Errorf("it was taken, but is recorded as %s", e.State)
	}
	return nil
}

// paced checks that no window ever held more than it may, in true time. The
// ledger keeps milliseconds, so that much a restart may be off.
func (w *world) paced(a account) error {
	left := slices.SortedFunc(slices.Values(w.left[a.name]), time.Time.Compare)
	for _, window := range a.limits.Windows {
		for i := window.N; i < len(left); i++ {
			if within := left[i].Sub(left[i-window.N]); within < window.Per-time.Millisecond {
				return fmt.Errorf("%d mails left within %s, the limit is %s", window.N+1, within, window)
			}
		}
	}
	for i := range max(len(left)-1, 0) {
		if gap := left[i+1].Sub(left[i]); gap < a.limits.GapMin-time.Millisecond {
			return fmt.Errorf("two mails left within %s, the gap is %s", gap, a.limits.GapMin)
		}
	}
	return nil
}

// settled checks that in the end everybody has an outcome.
func (w *world) settled(ctx context.Context) error {
	totals, err := w.store.Totals(ctx, simulated)
	if err == nil && (totals.Open() > 0 || totals.Rows == 0) {
		err = fmt.Errorf("somebody was forgotten: %+v", totals)
	}
	return err
}
