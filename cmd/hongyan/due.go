package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"hongyan/internal/crew"
	"hongyan/internal/crew/board"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/office"
)

// The shelves that workers share: what is to be done, and what was.
const (
	shelfWork  = "work"
	shelfEnded = "ended" // of what it was told that it is done
)

// An assignment is an issue that workers carry.
type assignment struct {
	Accounts []string `json:"accounts"`
}

// assign hands an issue to the workers.
func (h *house) assign(ctx context.Context, e *dispatch) error {
	body, err := json.Marshal(assignment{e.accountNames()})
	if err != nil {
		return err
	}
	err = errors.Join(h.store.Discard(ctx, shelfEnded, e.Key.String()), h.store.Put(ctx, shelfWork, e.Key.String(), body))
	if err == nil {
		h.call(ctx)
	}
	return err
}

// call has a worker look for work at once.
func (h *house) call(ctx context.Context) {
	books, ok := h.store.(*postgres.Store)
	if !ok {
		return
	}
	if err := crew.Call(ctx, books.Pool()); err != nil {
		h.door.log.Debug("the workers look for themselves", slog.Any("err", err))
	}
}

// keyOf reads a key as it is written: a campaign's name has no slash.
func keyOf(name string) ledger.Key {
	campaign, issue, _ := strings.Cut(name, "/")
	return ledger.Key{Campaign: campaign, Issue: issue}
}

// Due lists what this worker would take. It also puts in order what dead workers
// left, strikes out issues that are done, and lets go of their files.
func (w *worker) Due(ctx context.Context) ([]crew.Due, error) {
	if _, err := w.books.Reap(ctx); err != nil {
		return nil, err
	}
	var work []ledger.Paper
	carried := map[ledger.Key]bool{}
	for paper, err := range w.books.Papers(ctx, shelfWork) {
		if err != nil {
			return nil, err
		}
		work, carried[keyOf(paper.Name)] = append(work, paper), true
	}
	w.tidy(carried)
	able, err := w.able(ctx)
	if err != nil || len(able) == 0 {
		return nil, err
	}
	var due []crew.Due
	for _, paper := range work {
		more, err := w.dueOf(ctx, paper, able)
		if err != nil {
			return nil, err
		}
		for _, d := range more { // another issue may need it too
			if !slices.Contains(due, d) {
				due = append(due, d)
			}
		}
	}
	return due, nil
}

// able are the lanes of this worker that nobody has, that nothing silences and
// that can be used here, with their epochs. While others have an account split otherwise, it is theirs.
func (w *worker) able(ctx context.Context) (map[postgres.Lane]int64, error) {
	standings, err := w.books.Standings(ctx)
	if err != nil {
		return nil, err
	}
	split := map[string]int{} // of accounts that somebody has
	for lane, s := range standings {
		if s.Taken {
			split[lane.Account] = lane.Of
		}
	}
	able := map[postgres.Lane]int64{}
	for _, account := range w.accounts {
		for _, lane := range w.lanesOf(account) {
			if s := standings[lane]; !s.Taken && (split[account] == 0 || split[account] == lane.Of) {
				able[lane] = s.Epoch
			}
		}
	}
	silent, err := w.silent(ctx)
	for lane := range able {
		if silent[lane.Account] || silent[lane.String()] || w.shuns(burden{lane: lane}, time.Now()) {
			delete(able, lane)
		}
	}
	return able, err
}

// silent are the accounts, and lanes of accounts, that must not send now.
func (w *worker) silent(ctx context.Context) (map[string]bool, error) {
	out := map[string]bool{}
	holds, err := w.books.Holds(ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	for _, h := range holds {
		if h.Holds(now) {
			out[h.Account] = true
		}
	}
	rests, err := board.RestsOf(ctx, w.store, boarded(w.conf))
	if err != nil {
		return nil, err
	}
	for lane := range rests {
		out[lane.String()] = true
	}
	lent, err := board.Wanted(ctx, w.store)
	for account := range lent {
		out[account] = true
	}
	return out, err
}

// dueOf lists the able lanes that an issue needs now.
func (w *worker) dueOf(ctx context.Context, paper ledger.Paper, able map[postgres.Lane]int64) (due []crew.Due, err error) {
	key := keyOf(paper.Name)
	if w.shuns(burden{issue: key}, time.Now()) {
		return nil, nil
	}
	var a assignment
	if err := json.Unmarshal(paper.Body, &a); err != nil {
		return nil, err
	}
	if paused, err := w.books.Paper(ctx, office.Pauses, paper.Name); err != nil || paused != nil {
		return nil, err
	}
	open := false
	for _, account := range a.Accounts {
		for _, lane := range w.lanesOf(account) {
			at, more, err := w.books.Part(lane.N, lane.Of).NextDue(ctx, key, account)
			if err != nil {
				return nil, err
			}
			open = open || more || !at.IsZero()
			epoch, ok := able[lane]
			if ok && (more || !at.IsZero() && !at.After(time.Now())) {
				due = append(due, crew.Due{Account: account, Lane: lane.N, Of: lane.Of, Epoch: epoch})
			}
		}
	}
	if len(due) == 0 {
		if due, err = w.dueOfOrphans(ctx, key, a.Accounts, able); err != nil {
			return nil, err
		}
	}
	if open || len(due) > 0 {
		return due, nil
	}
	return nil, w.strike(ctx, paper)
}

// strike takes an issue off the list when nothing of it is left.
func (w *worker) strike(ctx context.Context, paper ledger.Paper) error {
	key := keyOf(paper.Name)
	if left, err := w.left(ctx, key); err != nil || left > 0 {
		return err
	}
	first, err := w.books.PutNew(ctx, shelfEnded, key.String(), nil)
	if err != nil {
		return err
	}
	if first { // others find it done at the same time
		w.lookout.ended(ctx, w.books, key, nil)
	}
	if err := w.books.Discard(ctx, shelfWork, paper.Name); err != nil {
		return err
	}
	// What was opened anew just before found the issue still there.
	if left, err := w.left(ctx, key); err != nil || left == 0 {
		return err
	}
	return w.books.Put(ctx, shelfWork, paper.Name, paper.Body)
}

// left is how many mails of an issue are still to leave.
func (w *worker) left(ctx context.Context, key ledger.Key) (int, error) {
	totals, err := w.books.Totals(ctx, key)
	return totals.Queued + totals.Sending + totals.Deferred, err
}
