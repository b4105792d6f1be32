package office

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"hongyan/internal/ledger"
)

// A Shelf is where the office keeps which issues are paused: the ledger's.
type Shelf interface {
	Put(ctx context.Context, shelf, name string, body []byte) error
	Papers(ctx context.Context, shelf string) iter.Seq2[ledger.Paper, error]
	Discard(ctx context.Context, shelf, name string) error
}

// A Pause is why an issue is off the floor though it is not at its end.
type Pause struct {
	At      time.Time `json:"at"`
	By      string    `json:"by,omitempty"`  // who paused it; "" when nobody did
	Why     string    `json:"why,omitempty"` // in a sentence, or a server's words
	Account string    `json:"account,omitempty"`
	Stopped bool      `json:"stopped,omitempty"` // by a verdict or a breakdown: somebody has to act
	Changed []string  `json:"changed,omitempty"` // inputs that are not what they were, where that is why
}

// Pauses is the name of that shelf.
const Pauses = "paused"

func (o *Office) shelve(ctx context.Context, key ledger.Key, p Pause) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return o.Shelf.Put(ctx, Pauses, key.String(), body)
}

// Halt writes down that an issue which is not on the floor shall not come on it
// by itself.
func (o *Office) Halt(ctx context.Context, key ledger.Key, p Pause) error {
	if err := o.shelve(ctx, key, p); err != nil {
		return err
	}
	o.tell(Halted{key, p})
	return nil
}

func (o *Office) resume(ctx context.Context, key ledger.Key) error {
	return o.Shelf.Discard(ctx, Pauses, key.String())
}

// Paused are the issues that are off the floor until somebody starts them.
func (o *Office) Paused(ctx context.Context) (map[ledger.Key]Pause, error) {
	out := map[ledger.Key]Pause{}
	for paper, err := range o.Shelf.Papers(ctx, Pauses) {
		if err != nil {
			return nil, err
		}
		// A campaign's name has no slash; an issue's may.
		campaign, issue, _ := strings.Cut(paper.Name, "/")
		var p Pause
		if err := json.Unmarshal(paper.Body, &p); err != nil {
			return nil, fmt.Errorf("why %s is paused: %w", paper.Name, err)
		}
		out[ledger.Key{Campaign: campaign, Issue: issue}] = p
	}
	return out, nil
}
