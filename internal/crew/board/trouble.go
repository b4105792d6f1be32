package board

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"hongyan/internal/ledger"
)

// A Trouble is why a worker cannot use a lane of an account, or carry an issue.
type Trouble struct {
	Worker  string    `json:"worker"`
	Account string    `json:"account,omitempty"`
	Part    string    `json:"part,omitempty"` // "2/4" of an account that is split
	Issue   string    `json:"issue,omitempty"`
	Why     string    `json:"why"`
	Again   time.Time `json:"again"` // when it tries the next time
}

// paper is its name: another worker may have the same trouble.
func (t Trouble) paper() string {
	switch {
	case t.Issue != "":
		return "issue " + t.Issue + " " + t.Worker
	case t.Part != "":
		return "account " + t.Account + " " + t.Part + " " + t.Worker
	}
	return "account " + t.Account + " " + t.Worker
}

// Tell puts a trouble on the board.
func (t Trouble) Tell(ctx context.Context, shelf ledger.Shelf) error {
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return shelf.Put(ctx, troubles, t.paper(), body)
}

// TakeBack takes one off that is over.
func (t Trouble) TakeBack(ctx context.Context, shelf ledger.Shelf) error {
	return shelf.Discard(ctx, troubles, t.paper())
}

// stale is how long after the next try a trouble is no longer believed: its worker
// may be gone.
const stale = time.Minute

func (t Trouble) isStale() bool { return time.Since(t.Again) >= stale }

// Troubles are those that workers have.
func Troubles(ctx context.Context, papers ledger.Papers) ([]Trouble, error) {
	out := []Trouble{}
	err := ledger.ReadPapers(ctx, papers, troubles, func(_ string, t Trouble) {
		if !t.isStale() {
			out = append(out, t)
		}
	})
	return out, err
}

// Sweep takes off the troubles of who had a worker's name before it, and of those
// that are gone.
func Sweep(ctx context.Context, shelf ledger.Shelf, worker string) error {
	var old []string
	err := ledger.ReadPapers(ctx, shelf, troubles, func(name string, t Trouble) {
		if t.Worker == worker || t.isStale() {
			old = append(old, name)
		}
	})
	for _, name := range old {
		err = errors.Join(err, shelf.Discard(ctx, troubles, name))
	}
	return err
}
