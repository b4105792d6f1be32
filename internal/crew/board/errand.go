package board

import (
	"context"
	"encoding/json"
	"time"

	"hongyan/internal/ledger"
)

// An Errand is what somebody wants an account for; the workers leave it alone.
type Errand struct{ Account string }

// Tell says so, until then.
func (e Errand) Tell(ctx context.Context, shelf ledger.Shelf, until time.Time) error {
	body, err := json.Marshal(until)
	if err != nil {
		return err
	}
	return shelf.Put(ctx, errands, e.Account, body)
}

// TakeBack says that it is done.
func (e Errand) TakeBack(ctx context.Context, shelf ledger.Shelf) error {
	return shelf.Discard(ctx, errands, e.Account)
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
