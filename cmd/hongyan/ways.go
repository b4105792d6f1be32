package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hongyan/internal/config"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/pace"
	"hongyan/internal/run"
	"hongyan/internal/sender"
)

// A way is what all issues of a process share of an account: one sender and one
// pacer, so that its limits and connections hold over all of them.
type way struct {
	lane  run.Lane // nobody composes for it
	part  string   // "2/4" of an account that is split, "" for the whole
	knew  pace.State
	wire  *sender.Sender
	pacer *pace.Pacer
}

// way returns one account's way out, built when it is first needed.
func (h *house) way(ctx context.Context, account config.Account) (*way, error) {
	return h.wayBy(ctx, account, postgres.Whole(account.Name))
}

// wayBy is the way out by one lane of an account, with its share of the limits.
func (h *house) wayBy(ctx context.Context, account config.Account, by postgres.Lane) (*way, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if w := h.ways[by.String()]; w != nil {
		return w, nil
	}
	account.Limits = account.Limits.Share(by.N, by.Of)
	book, err := h.book(account.Provider)
	if err != nil {
		return nil, err
	}
	wire, err := h.sender(ctx, account, h.sure(by))
	if err != nil {
		return nil, err
	}
	pacer, err := h.pacer(ctx, account, by)
	if err != nil {
		return nil, err
	}
	connections := max(account.Limits.Connections, 1)
	w := &way{wire: wire, pacer: pacer, part: by.Part(), knew: pacer.State(), lane: run.Lane{
		Account: account.Name, Sender: line{wire, h.sure(by)}, Pacer: pacer, Judge: book.Judge,
		Connections: connections, Ahead: ahead(account.Limits, connections), Workers: min(connections, 4),
	}}
	h.ways[by.String()] = w
	return w, nil
}

// booksOf is the ledger as a lane sees it; where an account cannot be split, the
// ledger.
func (h *house) booksOf(by postgres.Lane) ledger.Store {
	if shared, ok := h.store.(*postgres.Store); ok && by.Of > 1 {
		return shared.Part(by.N, by.Of)
	}
	return h.store
}

// open are the ways that were needed so far, as they are now.
func (h *house) open() (out []way) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.ways {
		out = append(out, *w)
	}
	return out
}

// ahead is how many mails are composed before their turn: hardly any where the
// account is slow, so that another account can have the recipients.
func ahead(l pace.Limits, connections int) int {
	if l.GapMin > 0 {
		return 1
	}
	return 8 * connections
}

// laneOf is the way out for an issue by one lane, whose account is known here.
func (h *house) laneOf(ctx context.Context, e *dispatch, by postgres.Lane) (*run.Lane, error) {
	account := h.conf.Accounts[by.Account]
	lane, err := h.lane(ctx, e, account, by)
	if err == nil && swift(account.Limits.Share(by.N, by.Of)) {
		lane.Ahead *= lots
	}
	return lane, err
}

// lots is how many times more an account claims at once on a shared ledger, where
// that is two round trips, and lanes of all workers take turns at it.
const lots = 4

// swift accounts have sent within moments what they hold; others would keep it
// from those that are idle.
func swift(l pace.Limits) bool {
	return l.GapMin == 0 && len(l.Warmup) == 0 && !slices.ContainsFunc(l.Windows, func(w pace.Window) bool {
		return w.Per > time.Duration(w.N)*20*time.Millisecond
	})
}

// freshen forgets what this process knew of a lane's pace: others may have sent by
// it since.
func (h *house) freshen(ctx context.Context, by postgres.Lane) error {
	account, ok := h.conf.Accounts[by.Account]
	if !ok {
		return fmt.Errorf("there is no account %s in %s", by.Account, h.conf.File)
	}
	w, err := h.wayBy(ctx, account, by)
	if err != nil {
		return err
	}
	account.Limits = account.Limits.Share(by.N, by.Of)
	pacer, err := h.pacer(ctx, account, by)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	w.pacer, w.lane.Pacer, w.knew = pacer, pacer, pacer.State()
	return nil
}

// lanes builds the way out of every account of the edition.
func (h *house) lanes(ctx context.Context, e *dispatch) ([]*run.Lane, error) {
	if err := e.OpenKeys(ctx, h.store); err != nil {
		return nil, err
	}
	var lanes []*run.Lane
	for _, account := range e.accounts {
		lane, err := h.lane(ctx, e, account, postgres.Whole(account.Name))
		if err != nil {
			return nil, err
		}
		lanes = append(lanes, lane)
	}
	var err error
	lanes[0].Orphans, err = h.lost(ctx, e.Key, e.accountNames())
	return lanes, err
}

// lane builds the way out of one account for the edition, whose keys are open.
func (h *house) lane(ctx context.Context, e *dispatch, account config.Account, by postgres.Lane) (*run.Lane, error) {
	key, err := h.store.Key(ctx)
	if err != nil {
		return nil, err
	}
	signer, err := signerOf(ctx, account)
	if err != nil {
		return nil, err
	}
	mailing, err := e.mailing(account, key, signer)
	if err != nil {
		return nil, err
	}
	w, err := h.wayBy(ctx, account, by)
	if err != nil {
		return nil, err
	}
	lane := w.lane
	lane.Compose = mailing.Compose
	return &lane, nil
}

// lanesOf are the lanes of an account, as it is configured to be split.
func (h *house) lanesOf(account string) []postgres.Lane {
	return postgres.Lanes(account, h.conf.Accounts[account].Lanes)
}
