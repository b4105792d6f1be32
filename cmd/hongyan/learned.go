package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hongyan/internal/config"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/pace"
)

// pacer gives a lane of the account its limits, its past, what it learned and its
// hold.
func (h *house) pacer(ctx context.Context, account config.Account, by postgres.Lane) (*pace.Pacer, error) {
	learned, err := learnedBy(ctx, h.store, account.Name)
	if err != nil {
		return nil, err
	}
	past, err := h.past(ctx, by, account.Limits.Since(time.Now(), learned))
	if err != nil {
		return nil, err
	}
	first, err := h.firstSent(ctx, account)
	if err != nil {
		return nil, err
	}
	pacer := pace.New(account.Limits, past, pace.Options{State: learned, First: first, Seed: seed(), Awake: awake})
	holds, err := h.store.Holds(ctx)
	if err != nil {
		return nil, err
	}
	for _, hold := range holds {
		if hold.Account == account.Name && !probed(hold, past) {
			pacer.Hold(hold.Until, hold.Reason)
		}
	}
	return pacer, nil
}

// probed reports whether a hold is over and a mail has left since: whatever came of
// that, the hold has said all it had to say.
func probed(hold ledger.Hold, past []time.Time) bool {
	return !hold.Holds(time.Now()) && len(past) > 0 && past[len(past)-1].After(hold.Until)
}

// firstSent is when the account's first mail left, which only a warm-up asks for.
func (h *house) firstSent(ctx context.Context, account config.Account) (time.Time, error) {
	if len(account.Limits.Warmup) == 0 {
		return time.Time{}, nil
	}
	all, err := h.store.History(ctx, account.Name, time.Time{})
	if err != nil || len(all) == 0 {
		return time.Time{}, err
	}
	return all[0], nil
}

type learner interface {
	Learned(ctx context.Context, account string) ([]byte, error)
}

// learnedBy is what an account learned in earlier runs.
func learnedBy(ctx context.Context, memory learner, account string) (pace.State, error) {
	var state pace.State
	saved, err := memory.Learned(ctx, account)
	if err != nil || saved == nil {
		return state, err
	}
	if err := json.Unmarshal(saved, &state); err != nil {
		return state, fmt.Errorf("what account %s learned: %w", account, err)
	}
	return state, nil
}

// A memory is the ledger of a run that also keeps, with every hold, what the
// accounts have learned by it, and tells of it.
type memory struct {
	ledger.Store
	learn func(context.Context) error
	tell  func(ledger.Hold)
}

func (m memory) Hold(ctx context.Context, hold ledger.Hold) error {
	err := m.Store.Hold(ctx, hold)
	m.tell(hold)
	return errors.Join(err, m.learn(ctx))
}

// learned keeps what the accounts have learned for the next run.
func (h *house) learned(ctx context.Context) error {
	for _, w := range h.open() {
		if err := h.keep(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// keep keeps what one account has learned. Of lanes of one account, one that has
// learned nothing, or less than another, keeps still.
func (h *house) keep(ctx context.Context, w way) error {
	learned := w.pacer.State()
	if w.part != "" {
		others, err := learnedBy(ctx, h.store, w.lane.Account)
		if err != nil || learned == w.knew || others.Throttled.After(learned.Throttled) {
			return err
		}
	}
	state, err := json.Marshal(learned)
	if err != nil {
		return err
	}
	return h.store.Learn(ctx, w.lane.Account, state)
}

func seed() uint64 {
	var b [8]byte
	rand.Read(b[:])
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

// keepOf keeps what one lane has learned. What others have is theirs to keep.
func (w *worker) keepOf(ctx context.Context, by postgres.Lane) error {
	for _, way := range w.open() {
		if way.lane.Account == by.Account && way.part == by.Part() {
			return w.keep(ctx, way)
		}
	}
	return nil
}
