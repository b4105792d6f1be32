package board

import (
	"slices"
	"strings"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
)

// A hand is a worker that is alive.
type hand struct {
	postgres.Worker
	cannot map[string]string // accounts that it cannot use, and why
	heavy  map[string]string // issues that it cannot carry, and why
}

// Hands are those that are there to do the work.
type Hands []hand

// HandsOf are those of all workers that are, with their troubles.
func HandsOf(workers []postgres.Worker, troubles []Trouble) (out Hands) {
	for _, w := range workers {
		if w.Works && w.Alive {
			out = append(out, handOf(w, troubles))
		}
	}
	return out
}

// handOf goes by what a worker has before what it told of an account: that is taken
// back at the end of the first slice that went well. What it told of an issue is taken
// back as soon as it has the files.
func handOf(w postgres.Worker, troubles []Trouble) hand {
	h := hand{w, map[string]string{}, map[string]string{}}
	for _, t := range troubles {
		switch {
		case t.Worker != w.Name:
		case t.Issue != "":
			h.heavy[t.Issue] = t.Why
		case !slices.Contains(w.Accounts, t.Account):
			h.cannot[t.Account] = t.Why
		}
	}
	return h
}

// takes reports whether the worker takes an account for an issue, and can.
func (h hand) takes(k ledger.Key, account string) bool {
	_, cannot := h.cannot[account]
	_, heavy := h.heavy[k.String()]
	return !cannot && !heavy && (h.Takes == nil || slices.Contains(h.Takes, account))
}

// Can reports whether one of them takes one of the accounts for an issue.
func (h Hands) Can(k ledger.Key, accounts ...string) bool {
	return slices.ContainsFunc(h, func(one hand) bool {
		return slices.ContainsFunc(accounts, func(account string) bool { return one.takes(k, account) })
	})
}

// Lack says that nobody takes any of the accounts for an issue, if that is so.
func (h Hands) Lack(k ledger.Key, accounts ...string) (why fault.Text) {
	if len(h) == 0 {
		return fault.Textf("no worker is there; start hongyan worker on any machine")
	}
	if h.Can(k, accounts...) {
		return why
	}
	for _, one := range h {
		if why, ok := one.heavy[k.String()]; ok {
			return fault.Textf("no worker can carry %s: %s; mend that, or start hongyan worker on a machine that can", k.String(), why)
		}
		for _, account := range accounts {
			if why, ok := one.cannot[account]; ok {
				return fault.Textf("no worker can use account %s: %s; mend that, or start hongyan worker on a machine that can", account, why)
			}
		}
	}
	return fault.Textf("no worker takes account %s; start hongyan worker on any machine", strings.Join(accounts, ", "))
}
