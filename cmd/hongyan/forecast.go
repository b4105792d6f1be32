package main

import (
	"context"
	"strings"
	"time"

	"hongyan/internal/config"
	"hongyan/internal/ledger"
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

// A spread is how many of the open mails that were looked at go to each of the
// domains for which an account has limits.
type spread struct {
	of int
	to map[string]int
}

func spreadOf(accounts []config.Account) *spread {
	s := &spread{to: map[string]int{}}
	for _, account := range accounts {
		for domain := range account.Limits.To {
			s.to[domain] = 0
		}
	}
	return s
}

func (s *spread) add(address string) {
	s.of++
	domain := strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
	if n, ok := s.to[domain]; ok {
		s.to[domain] = n + 1
	}
}

// share is how many of so many open mails go to each domain, as those that were
// looked at do.
func (s *spread) share(open int) map[string]int {
	out := map[string]int{}
	for domain, n := range s.to {
		out[domain] = int(int64(n) * int64(open) / int64(max(s.of, 1)))
	}
	return out
}

// limited are those of a plan's open mails that go to domains with limits of their
// own: by the ledger if it has them all, since who waits for such a domain is still
// open when the others are done; else by the list.
func (h *house) limited(ctx context.Context, p *plan) (map[string]int, error) {
	s := spreadOf(p.dispatch.accounts)
	if len(s.to) == 0 || p.open() == 0 {
		return nil, nil
	}
	if waiting := p.totals.Queued + p.totals.Sending + p.totals.Deferred; waiting >= p.open() {
		if err := h.lookThrough(ctx, p.dispatch.Key, p.totals, s); err != nil {
			return nil, err
		}
	}
	if s.of == 0 {
		if err := p.dispatch.lookThrough(ctx, s); err != nil {
			return nil, err
		}
	}
	return s.share(p.open()), nil
}

// lookThrough looks at a list.
func (e *dispatch) lookThrough(ctx context.Context, s *spread) error {
	for r, err := range e.List.Recipients() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if r.Fault == nil {
			s.add(r.Address)
		}
	}
	return nil
}

// Of many open mails a forecast looks at so many stretches of so many, which lie
// evenly over the issue: it takes no longer for a large one.
const (
	stretches = 16
	stretch   = 256
)

// lookThrough looks at an issue's open mails, if an account has limits by domain.
func (h *house) lookThrough(ctx context.Context, k ledger.Key, t ledger.Totals, s *spread) error {
	open := t.Queued + t.Deferred
	if len(s.to) == 0 || open == 0 {
		return nil
	}
	gap := max(t.Rows/stretches-stretch*t.Rows/open, 0)
	f := ledger.Filter{States: []ledger.State{ledger.Queued, ledger.Deferred}, Limit: stretch}
	for range stretches {
		before := s.of
		for e, err := range h.store.Entries(ctx, k, f) {
			if err != nil {
				return err
			}
			s.add(e.Address)
			f.After = e.ID
		}
		if s.of == before {
			return nil
		}
		f.After += int64(gap)
	}
	return nil
}
