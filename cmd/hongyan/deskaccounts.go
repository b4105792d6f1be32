package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"hongyan/internal/config"
	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/pace"
	"hongyan/internal/reply"
	"hongyan/internal/sender"
	"hongyan/internal/web"
)

// This file is the accounts as the dashboard sees them.

// Accounts lists the accounts. See [web.Mailboxes].
func (d desk) Accounts(ctx context.Context) ([]web.Account, error) {
	holds, err := d.store.Holds(ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	var out []web.Account
	for _, name := range slices.Sorted(maps.Keys(d.conf.Accounts)) {
		account := d.conf.Accounts[name]
		pacer, err := d.pacerOf(ctx, account)
		if err != nil {
			return nil, err
		}
		out = append(out, accountOf(account, pacer, holds, now))
	}
	return out, nil
}

func accountOf(account config.Account, pacer *pace.Pacer, holds []ledger.Hold, now time.Time) web.Account {
	state := pacer.State()
	a := web.Account{
		Name: account.Name, Provider: account.Provider, Address: account.Address,
		Limits: account.Limits.Describe(), Learned: state.Describe(), Pace: 1,
	}
	if state.Factor > 0 {
		a.Pace = state.Factor
	}
	for _, use := range pacer.Uses(now) {
		a.Windows = append(a.Windows, web.Window{Name: use.String(), Used: use.Used, Max: use.N})
	}
	if at, _ := pacer.Next(now, ""); at.After(now) {
		a.Next = at
	}
	if i := slices.IndexFunc(holds, func(h ledger.Hold) bool { return h.Account == account.Name && h.Holds(now) }); i >= 0 {
		a.Hold, a.Next = &holds[i], time.Time{}
	}
	return a
}

// pacerOf is the pacer that is in use, or one that knows as much: of an account
// that others send by, only the ledger knows.
func (h *house) pacerOf(ctx context.Context, account config.Account) (*pace.Pacer, error) {
	if h.door.shared(h.conf) {
		return h.pacer(ctx, account, postgres.Whole(account.Name))
	}
	h.mu.Lock()
	w := h.ways[account.Name]
	h.mu.Unlock()
	if w != nil {
		return w.pacer, nil
	}
	return h.pacer(ctx, account, postgres.Whole(account.Name))
}

// Lift ends the hold of an account. See [web.Mailboxes].
func (d desk) Lift(ctx context.Context, name, _ string) error {
	account, ok := d.conf.Accounts[strings.ToLower(name)]
	if !ok {
		return web.ErrUnknown
	}
	if err := d.store.Lift(ctx, account.Name); err != nil {
		return err
	}
	d.floor.lifted(ctx, account.Name)
	return nil
}

// Probe connects and logs in. See [web.Mailboxes].
func (d desk) Probe(ctx context.Context, name string) (web.Probe, error) {
	account, ok := d.conf.Accounts[strings.ToLower(name)]
	if !ok {
		return web.Probe{}, web.ErrUnknown
	}
	w, err := d.way(ctx, account)
	if err != nil {
		return web.Probe{Failed: err.Error()}, nil
	}
	var p sender.Probe
	aside := d.floor.aside(ctx, w, func() { p, err = w.wire.Probe(ctx) })
	out := web.Probe{
		Remote: p.Remote, TLS: p.TLS, Cipher: p.Cipher, Names: p.Names, Expires: p.Expires,
		Extensions: slices.Sorted(maps.Keys(p.Extensions)), LoggedIn: p.LoggedIn,
	}
	if err != nil {
		out.Failed = err.Error()
	}
	if refusal, ok := errors.AsType[*reply.Refusal](err); ok {
		v := w.lane.Judge(refusal.Answer, time.Now())
		out.Means = []fault.Text{fault.Textf(meaning(v.Class))}
	}
	return out, aside
}
