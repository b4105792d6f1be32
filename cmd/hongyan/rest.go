package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"hongyan/internal/config"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/pace"
	"hongyan/internal/run"
)

// This file is how workers tell each other, and everybody, that an account has
// come to its limits. A hold is in the ledger, where it can be lifted.

// shelfRest says until when a lane is silent by its limits.
const shelfRest = "resting"

// A rest is until when a lane is silent, and by which of its limits.
type rest struct {
	Until time.Time `json:"until"`
	Why   string    `json:"why"`
}

// restName names a lane with the limits that it has: who has been given others
// since is not bound by what these made of it.
func restName(by postgres.Lane, l pace.Limits) string {
	sum := sha256.Sum256(fmt.Append(nil, l.String(), l.Hours.Holidays))
	return by.String() + " " + hex.EncodeToString(sum[:8])
}

// takeRest tells until when a lane is silent, if a limit has ended its run.
func (w *worker) takeRest(ctx context.Context, by postgres.Lane, early []run.Early) error {
	if len(early) == 0 || early[0].Due || early[0].Held {
		return nil
	}
	body, err := json.Marshal(rest{early[0].Until, early[0].Why})
	if err != nil {
		return err
	}
	return w.store.Put(ctx, shelfRest, restName(by, w.conf.Accounts[by.Account].Limits), body)
}

// restsOf are the lanes that are silent by the limits which the configuration
// gives their accounts.
func restsOf(ctx context.Context, books papers, conf *config.Config) (map[postgres.Lane]rest, error) {
	told := map[string]rest{}
	now := time.Now()
	err := written(ctx, books, shelfRest, func(name string, r rest) {
		if r.Until.After(now) {
			told[name] = r
		}
	})
	if err != nil {
		return nil, err
	}
	out := map[postgres.Lane]rest{}
	for name, account := range conf.Accounts {
		for _, lane := range lanesOf(name, account.Lanes) {
			if r, ok := told[restName(lane, account.Limits)]; ok {
				out[lane] = r
			}
		}
	}
	return out, nil
}

// soonest is when the first of an account's lanes may send again; false while one
// of them may.
func soonest(rests map[postgres.Lane]rest, account config.Account) (first rest, ok bool) {
	for i, lane := range lanesOf(account.Name, account.Lanes) {
		r, ok := rests[lane]
		if !ok {
			return rest{}, false
		}
		if i == 0 || r.Until.Before(first.Until) {
			first = r
		}
	}
	return first, true
}
