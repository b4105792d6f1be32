package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"hongyan/internal/archive"
	"hongyan/internal/crew"
	"hongyan/internal/crew/board"
	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/office"
	"hongyan/internal/run"
	"hongyan/internal/schedule"
)

// slice is how long an account stays with one worker.
const slice = time.Minute

// Pump works over a lane of an account for a slice. A lease that is somebody else's, or
// was lost, and a database that is away are nothing to worry about: the account
// comes due again. One that cannot be used here is left alone for a while.
func (w *worker) Pump(ctx context.Context, d crew.Due) error {
	by := postgres.Lane{Account: d.Account, N: d.Lane, Of: max(d.Of, 1)}
	if w.shuns(burden{lane: by}, time.Now()) {
		return nil
	}
	books := w.books.Part(by.N, by.Of)
	err := books.Take(ctx, by.Account)
	if errors.Is(err, ledger.ErrElsewhere) {
		return nil
	}
	if err != nil {
		return err
	}
	err = w.pump(ctx, by, time.Now().Add(slice))
	if back := books.HandBack(context.WithoutCancel(ctx), by.Account); back != nil {
		w.door.log.Warn("the account's lease runs out by itself", slog.String("account", by.String()), slog.Any("err", back))
	}
	if errors.Is(err, ledger.ErrElsewhere) || errors.Is(err, ledger.ErrAway) {
		w.door.log.Warn("the account was lost", slog.String("account", by.String()), slog.Any("err", err))
		return nil
	}
	if err != nil {
		return w.shun(ctx, burden{lane: by}, err)
	}
	return w.accept(ctx, burden{lane: by})
}

// pump gives the issues that need the lane their shares of the slice.
func (w *worker) pump(ctx context.Context, by postgres.Lane, end time.Time) error {
	if err := w.freshen(ctx, by); err != nil {
		return err
	}
	keys, err := w.issues(ctx, by)
	if err != nil {
		return err
	}
	for i, key := range keys {
		share := time.Until(end) / time.Duration(len(keys)-i)
		silent, err := w.carry(ctx, key, by, share)
		if err != nil || silent || w.stopped() || w.lent(ctx, by.Account) {
			return err
		}
	}
	return nil
}

// issues are those that need a lane, each time another one first.
func (w *worker) issues(ctx context.Context, by postgres.Lane) (keys []ledger.Key, err error) {
	for paper, err := range w.books.Papers(ctx, shelfWork) {
		if err != nil {
			return nil, err
		}
		due, err := w.dueOf(ctx, paper, map[postgres.Lane]int64{by: 0})
		if err != nil {
			return nil, err
		}
		if len(due) > 0 {
			keys = append(keys, keyOf(paper.Name))
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn++
	return slices.Concat(keys[w.turn%len(keys):], keys[:w.turn%len(keys)]), nil
}

// carry is one issue's share of a lane, and reports whether the lane is silent from
// then on.
func (w *worker) carry(ctx context.Context, key ledger.Key, by postgres.Lane, share time.Duration) (silent bool, err error) {
	t, err := w.packed(ctx, key)
	if err != nil {
		return false, w.cannotCarry(ctx, key, err)
	}
	defer w.putBack(t)
	if err := w.accept(ctx, burden{issue: key}); err != nil {
		return false, err
	}
	lane, err := w.laneOf(ctx, t.dispatch, by)
	if err != nil {
		return false, w.setAside(ctx, key, err)
	}
	if lane.Orphans, err = w.orphansOf(ctx, key); err != nil {
		return false, err
	}
	books := &foster{Store: w.booksOf(by), whole: w.books, orphans: lane.Orphans}
	learned := func(ctx context.Context) error { return w.keepOf(ctx, by) }
	over := make(chan struct{})
	done := make(chan struct{})
	var beside sync.WaitGroup
	beside.Go(func() { w.ration(ctx, key, by, time.After(share), done); close(over) })
	r := &run.Run{
		Key: key, Ledger: w.door.timed(memory{books, learned, w.lookout.held}), Lanes: []*run.Lane{lane},
		Retry: retry(w.conf.Retry), Patience: time.Second, Stop: over, Watch: w.lookout.watch(key, func(run.Event) {}),
		List: t.Campaign.List, Suppressor: w.store,
	}
	early, err := r.Do(ctx)
	close(done)
	beside.Wait()
	if back := books.handBack(context.WithoutCancel(ctx)); back != nil {
		w.door.log.Warn("an account's lease runs out by itself", slog.Any("err", back))
	}
	if err == nil || errors.Is(err, context.Canceled) {
		return len(early) > 0 && !early[0].Due, errors.Join(w.takeRest(ctx, by, early), learned(ctx))
	}
	if errors.Is(err, ledger.ErrElsewhere) || errors.Is(err, ledger.ErrAway) {
		return true, err
	}
	return true, w.setAside(ctx, key, err)
}

// ration returns when a share is over: by its time, by a person who has paused the
// issue, by one who wants the account, or by a hold that another lane of it met.
func (w *worker) ration(ctx context.Context, key ledger.Key, by postgres.Lane, end <-chan time.Time, done <-chan struct{}) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if w.recalled(ctx, key, by.Account) || by.Of > 1 && w.held(ctx, by.Account) {
				return
			}
		case <-end:
			return
		case <-done:
			return
		case <-w.door.interrupted:
			return
		}
	}
}

// recalled asks the ledger; while that is away the run finds out by itself.
func (w *worker) recalled(ctx context.Context, key ledger.Key, account string) bool {
	paused, err := w.books.Paper(ctx, office.Pauses, key.String())
	return err == nil && paused != nil || w.lent(ctx, account)
}

// held reports whether an account is held.
func (w *worker) held(ctx context.Context, account string) bool {
	holds, err := w.books.Holds(ctx)
	return err == nil && slices.ContainsFunc(holds, func(h ledger.Hold) bool { return h.Account == account && h.Holds(time.Now()) })
}

// lent reports whether somebody wants the account for an errand.
func (w *worker) lent(ctx context.Context, account string) bool {
	wanted, err := board.Wanted(ctx, w.store)
	_, ok := wanted[account]
	return err == nil && ok
}

func (w *worker) stopped() bool {
	select {
	case <-w.door.interrupted:
		return true
	default:
		return false
	}
}

// setAside stops an issue until a person has acted, as the office does. What may
// be gone at the next try, such as a database that is away, stops nothing.
func (w *worker) setAside(ctx context.Context, key ledger.Key, why error) error {
	if ctx.Err() != nil || !lasting(why) {
		return why
	}
	pause := office.Pause{At: time.Now(), Why: w.door.because(why), Stopped: true, Changed: changedBy(why)}
	if stopped, ok := errors.AsType[*run.Stopped](why); ok {
		pause.Account, pause.Why = stopped.Account, stopped.Refusal.Reply()
	}
	body, err := json.Marshal(pause)
	if err != nil {
		return err
	}
	w.door.log.Error("the issue is set aside", slog.String("issue", key.String()), slog.Any("err", why))
	ctx = context.WithoutCancel(ctx)
	first, err := w.store.PutNew(ctx, office.Pauses, key.String(), body)
	if first { // another account may have come to the same end
		w.lookout.ended(ctx, w.store, key, errors.New(pause.Why))
	}
	return err
}

// cannotCarry stops an issue, or leaves it to workers that can do better: the
// account is well, and the next issue may be.
func (w *worker) cannotCarry(ctx context.Context, key ledger.Key, why error) error {
	err := w.setAside(ctx, key, why)
	if err == nil || ctx.Err() != nil || errors.Is(err, ledger.ErrAway) {
		return err
	}
	return w.shun(ctx, burden{issue: key}, err)
}

// lasting reports whether only a person can mend it: a verdict, a fault in the
// issue's files, what they have become, or files that are not there.
func lasting(why error) bool {
	_, stopped := errors.AsType[*run.Stopped](why)
	_, isChanged := errors.AsType[*changed](why)
	_, isNothing := errors.AsType[*schedule.Nothing](why)
	return stopped || isChanged || isNothing || fault.In(why) != nil || errors.Is(why, archive.ErrNone)
}

// A packing is what an issue was made of at one time.
type packing struct {
	ledger.Key
	manifest string
}

// packed is an issue as it is packed now, thawed once for as long as it is the
// same. It is the slice's until that puts it back.
func (w *worker) packed(ctx context.Context, key ledger.Key) (*thawed, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	body, err := archive.Stamp(ctx, w.books, key.String())
	if err != nil {
		return nil, err
	}
	p := packing{key, string(body)}
	if w.thawed[p] == nil {
		t, err := w.thaw(ctx, w.books, key)
		if err != nil {
			return nil, err
		}
		if err := t.OpenKeys(ctx, w.books); err != nil {
			return nil, errors.Join(err, t.Close())
		}
		w.thawed[p] = t // one packed earlier stays for the slices that still have it
	}
	w.thawed[p].slices++
	return w.thawed[p], nil
}

func (w *worker) putBack(t *thawed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t.slices--
}

// tidy lets go of the issues that are not carried any more, once no slice has them.
// It waits for nobody who thaws one now: there will be another look.
func (w *worker) tidy(carried map[ledger.Key]bool) {
	if !w.mu.TryLock() {
		return
	}
	defer w.mu.Unlock()
	for p, t := range w.thawed {
		if t.slices == 0 && !carried[p.Key] {
			_ = t.Close() // the rest of it goes with the process
			delete(w.thawed, p)
		}
	}
}

// takeRest tells until when a lane is silent, if a limit has ended its run.
func (w *worker) takeRest(ctx context.Context, by postgres.Lane, early []run.Early) error {
	if len(early) == 0 || early[0].Due || early[0].Held {
		return nil
	}
	return board.Rest{Until: early[0].Until, Why: early[0].Why}.Tell(ctx, w.store, by, w.conf.Accounts[by.Account].Limits)
}
