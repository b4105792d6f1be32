package board

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/pace"
)

// A Rest is until when a lane is silent, and by which of its limits. A hold is in
// the ledger, where it can be lifted.
type Rest struct {
	Until time.Time `json:"until"`
	Why   string    `json:"why"`
}

// An Account is one as the configuration has it.
type Account struct {
	Name   string
	Lanes  int // that it is split over; 0 = it is not
	Limits pace.Limits
}

// restName names a lane with the limits that it has: who has been given others
// since is not bound by what these made of it.
func restName(by postgres.Lane, l pace.Limits) string {
	sum := sha256.Sum256(fmt.Append(nil, l.String(), l.Hours.Holidays))
	return by.String() + " " + hex.EncodeToString(sum[:8])
}

// Tell says that a lane with such limits rests.
func (r Rest) Tell(ctx context.Context, shelf ledger.Shelf, by postgres.Lane, l pace.Limits) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return shelf.Put(ctx, rests, restName(by, l), body)
}

// Rests are the lanes that are silent.
type Rests map[postgres.Lane]Rest

// RestsOf are those that are by the limits which the accounts have.
func RestsOf(ctx context.Context, papers ledger.Papers, accounts []Account) (Rests, error) {
	told := map[string]Rest{}
	now := time.Now()
	err := ledger.ReadPapers(ctx, papers, rests, func(name string, r Rest) {
		if r.Until.After(now) {
			told[name] = r
		}
	})
	if err != nil {
		return nil, err
	}
	out := Rests{}
	for _, a := range accounts {
		for _, lane := range postgres.Lanes(a.Name, a.Lanes) {
			if r, ok := told[restName(lane, a.Limits)]; ok {
				out[lane] = r
			}
		}
	}
	return out, nil
}

// Soonest is when the first of an account's lanes may send again; false while one
// of them may.
func (r Rests) Soonest(account string, lanes int) (first Rest, ok bool) {
	for i, lane := range postgres.Lanes(account, lanes) {
		one, ok := r[lane]
		if !ok {
			return Rest{}, false
		}
		if i == 0 || one.Until.Before(first.Until) {
			first = one
		}
	}
	return first, true
}
