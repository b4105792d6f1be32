package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/message"
	"hongyan/internal/reply"
	"hongyan/internal/run"
)

// This file is how mails leave that belong to no issue: tests to oneself and
// notices. The provider counts them like any other, and so does the account.

// notNow says that an account may not send for a good while.
type notNow struct{ run.Early }

func (n *notNow) Error() string { return n.text().String() }

func (n *notNow) text() fault.Text {
	if n.Human {
		return fault.Textf("account %s is held until a person acts: %s", n.Account, silenceOf(n.Why))
	}
	return fault.Textf("account %s may not send before %s: %s", n.Account, stamp(n.Until), silenceOf(n.Why))
}

// offerAside waits for the account's turn and offers one mail. When the turn is
// far off, as during a hold, it is not offered at all: a [notNow].
func (h *house) offerAside(ctx context.Context, w *way, session run.Session, mail *message.Message) error {
	if err := h.near(ctx, w); err != nil {
		return err
	}
	if err := w.pacer.Wait(ctx, ""); err != nil {
		return err
	}
	if err := session.Offer(ctx, mail); err != nil {
		return h.refusedAside(ctx, w, err)
	}
	return nil
}

// deliverAside hands over the mail that was offered.
func (h *house) deliverAside(ctx context.Context, w *way, session run.Session) error {
	if err := h.noteAside(ctx, w.lane.Account, time.Now()); err != nil {
		w.pacer.Unclear()
		return err // no memory, no mail
	}
	if _, err := session.Deliver(ctx, nil); err != nil {
		return h.refusedAside(ctx, w, err)
	}
	w.pacer.Succeeded(time.Now())
	return nil
}

// near reports whether the account's next turn is worth waiting for.
func (h *house) near(ctx context.Context, w *way) error {
	holds, err := h.store.Holds(ctx)
	if err != nil {
		return err
	}
	byHand := func(hold ledger.Hold) bool { return hold.Account == w.lane.Account && hold.Human }
	if i := slices.IndexFunc(holds, byHand); i >= 0 { // the pacer knows of those that end by themselves
		return &notNow{run.Early{Account: w.lane.Account, Why: holds[i].Reply, Human: true}}
	}
	now := time.Now()
	if at, why := w.pacer.Next(now, ""); at.Sub(now) > patience {
		return &notNow{run.Early{Account: w.lane.Account, Until: at, Why: why}}
	}
	return nil
}

// refusedAside heeds what a server's no means for the account: a throttle holds
// it, as in a run. All else is for the person who reads it.
func (h *house) refusedAside(ctx context.Context, w *way, err error) error {
	refusal, ok := errors.AsType[*reply.Refusal](err)
	if !ok {
		w.pacer.Unclear()
		return err
	}
	now := time.Now()
	v := w.lane.Judge(refusal.Answer, now)
	if v.Class != reply.RateAccount && v.Class != reply.RateIP {
		w.pacer.Unclear()
		return err
	}
	w.pacer.Throttled(now)
	if v.Scope != reply.Account || v.Streak > 1 {
		return err
	}
	hold := ledger.Hold{
		Account: w.lane.Account, Since: now, Until: now.Add(v.Wait), Human: v.Human,
		Reason: string(v.Class), Rule: v.Rule, Reply: refusal.Reply(),
	}
	if failed := h.hold(ctx, w, hold); failed != nil {
		return failed
	}
	return errors.Join(err, &notNow{run.Early{Account: hold.Account, Until: hold.Until, Why: hold.Reply, Human: hold.Human}})
}

// hold makes an account's silence durable with what it has learned by it, keeps
// it, and tells of it.
func (h *house) hold(ctx context.Context, w *way, hold ledger.Hold) error {
	ctx = context.WithoutCancel(ctx)
	if err := cmp.Or(h.store.Hold(ctx, hold), h.keep(ctx, *w)); err != nil {
		return err
	}
	if !hold.Human {
		w.pacer.Hold(hold.Until, hold.Reason)
	}
	if h.lookout != nil {
		h.lookout.held(hold)
	}
	return nil
}

// shelfAside has a paper for each mail of an account that belongs to no issue,
// named by the time when it left.
func shelfAside(account string) string { return "aside/" + account }

// asideTime has the order of names be the order of times.
const asideTime = "2006-01-02T15:04:05.000000000Z"

// noteAside writes down that such a mail is about to leave, and forgets those
// that no limit asks for any more.
func (h *house) noteAside(ctx context.Context, account string, at time.Time) error {
	shelf := shelfAside(account)
	if _, err := h.store.PutNew(ctx, shelf, at.UTC().Format(asideTime), nil); err != nil {
		return err
	}
	kept := max(h.conf.Accounts[account].Limits.Horizon(), 24*time.Hour)
	var old []string
	for paper, err := range h.store.Papers(ctx, shelf) {
		if err != nil {
			return err
		}
		if paper.Name >= at.Add(-kept).UTC().Format(asideTime) {
			break
		}
		old = append(old, paper.Name)
	}
	for _, name := range old {
		if err := h.store.Discard(ctx, shelf, name); err != nil {
			return err
		}
	}
	return nil
}

// sentAside is when such mails of an account left since then, the oldest first.
func sentAside(ctx context.Context, shelf ledger.Papers, account string, since time.Time) (out []time.Time, err error) {
	for paper, err := range shelf.Papers(ctx, shelfAside(account)) {
		if err != nil {
			return nil, err
		}
		at, err := time.Parse(asideTime, paper.Name)
		if err != nil {
			return nil, err
		}
		if !at.Before(since) {
			out = append(out, at)
		}
	}
	return out, nil
}

// past is when mails left that count against a lane's share of the account's
// limits: those of issues, and its part of the others, rounded up.
func (h *house) past(ctx context.Context, by postgres.Lane, since time.Time) ([]time.Time, error) {
	out, err := h.booksOf(by).History(ctx, by.Account, since)
	if err != nil {
		return nil, err
	}
	aside, err := sentAside(ctx, h.store, by.Account, since)
	for i := len(aside) - 1; i >= 0; i -= by.Of {
		out = append(out, aside[i])
	}
	return out, err
}
