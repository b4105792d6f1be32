package main

import (
	"context"
	"strings"
	"time"

	"hongyan/internal/config"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/pace"
)

// This file is how long mails are going to take at the accounts' limits.

// takes is how long open mails take over the accounts; to are those of them that
// go to domains with limits of their own. What waits for its domain lets the others
// pass, so it is the slowest of them that counts.
func (h *house) takes(ctx context.Context, accounts []config.Account, open int, to map[string]int) (time.Duration, error) {
	now := time.Now()
	var lanes []pace.Lane
	for _, account := range accounts {
		learned, err := learnedBy(ctx, h.store, account.Name)
		if err != nil {
			return 0, err
		}
		lane, err := h.forecast(ctx, account, learned)
		if err != nil {
			return 0, err
		}
		lanes = append(lanes, lane)
	}
	longest := pace.Forecast(open, "", now, lanes)
	for domain, n := range to {
		longest = max(longest, pace.Forecast(min(n, open), domain, now, lanes))
	}
	return longest, nil
}

// forecast is an account as a forecast wants it, after all that has left.
func (h *house) forecast(ctx context.Context, account config.Account, learned pace.State) (pace.Lane, error) {
	lane := pace.Lane{Limits: account.Limits, State: learned}
	var err error
	if lane.Past, err = h.past(ctx, postgres.Whole(account.Name), account.Limits.Since(time.Now(), learned)); err != nil {
		return lane, err
	}
	lane.First, err = h.firstSent(ctx, account)
	return lane, err
}

// limited counts the open mails that go to domains for which an account has limits;
// those of an issue that is half sent have the domains of the whole list.
func (p *plan) limited(ctx context.Context) (map[string]int, error) {
	to := map[string]int{}
	for _, account := range p.edition.accounts {
		for domain := range account.Limits.To {
			to[domain] = 0
		}
	}
	if len(to) == 0 || p.open() == 0 {
		return nil, nil
	}
	for r, err := range p.edition.list.Recipients() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		domain := strings.ToLower(r.Address[strings.LastIndexByte(r.Address, '@')+1:])
		if n, ok := to[domain]; ok && r.Fault == nil {
			to[domain] = n + 1
		}
	}
	for domain, n := range to {
		to[domain] = int(float64(n) * float64(p.open()) / float64(p.recipients()))
	}
	return to, nil
}
