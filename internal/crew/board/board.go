// Package board is where those who work on a shared ledger tell each other, and
// everybody, what they are up to: who cannot do what, which accounts have come to
// their limits, and who wants an account for an errand. All of it is papers on the
// ledger's shelves, and none of it is believed for longer than it says.
//
// It must never act on what it reads.
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

const rests = "resting"

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

// Rests are the lanes that are silent by the limits which their accounts have.
func Rests(ctx context.Context, papers ledger.Papers, accounts []Account) (map[postgres.Lane]Rest, error) {
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
	out := map[postgres.Lane]Rest{}
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
func Soonest(rests map[postgres.Lane]Rest, account string, lanes int) (first Rest, ok bool) {
	for i, lane := range postgres.Lanes(account, lanes) {
		r, ok := rests[lane]
		if !ok {
			return Rest{}, false
		}
		if i == 0 || r.Until.Before(first.Until) {
			first = r
		}
	}
	return first, true
}

const errands = "errand"

// Want says that somebody wants an account for an errand until then; the workers
// leave it alone.
func Want(ctx context.Context, shelf ledger.Shelf, account string, until time.Time) error {
	body, err := json.Marshal(until)
	if err != nil {
		return err
	}
	return shelf.Put(ctx, errands, account, body)
}

// Done takes the wish back.
func Done(ctx context.Context, shelf ledger.Shelf, account string) error {
	return shelf.Discard(ctx, errands, account)
}

// Wanted are the accounts that somebody wants for an errand, until when.
func Wanted(ctx context.Context, papers ledger.Papers) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	now := time.Now()
	err := ledger.ReadPapers(ctx, papers, errands, func(account string, until time.Time) {
		if until.After(now) {
			out[account] = until
		}
	})
	return out, err
}
