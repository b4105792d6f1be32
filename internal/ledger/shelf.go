package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"
)

// A Paper is what one room keeps on a shelf, in words that only it reads.
type Paper struct {
	Name string
	Body []byte
	At   time.Time // when it was put there, by the store's clock
}

// A Shelf keeps small papers of other rooms; each has a shelf of its own.
type Shelf interface {
	// Put leaves a paper on a shelf, in the place of an earlier one of its name.
	Put(ctx context.Context, shelf, name string, body []byte) error

	// PutNew leaves a paper unless there is one of its name, and reports
	// whether it did. Of several at once, in whatever processes, one does.
	PutNew(ctx context.Context, shelf, name string, body []byte) (bool, error)

	// Paper returns the body of a paper, nil if there is none. An empty body
	// is not nil.
	Paper(ctx context.Context, shelf, name string) ([]byte, error)

	// Papers streams the papers of a shelf by name.
	Papers(ctx context.Context, shelf string) iter.Seq2[Paper, error]

	// Discard takes a paper away, if there is one.
	Discard(ctx context.Context, shelf, name string) error
}

// Papers are shelves that are only read. See [Shelf].
type Papers interface {
	Paper(ctx context.Context, shelf, name string) ([]byte, error)
	Papers(ctx context.Context, shelf string) iter.Seq2[Paper, error]
}

// ReadPapers reads what stands as JSON on each paper of a shelf into told, and hands
// on the paper's name.
func ReadPapers[T any](ctx context.Context, from Papers, shelf string, told func(name string, what T)) error {
	for paper, err := range from.Papers(ctx, shelf) {
		if err != nil {
			return err
		}
		var what T
		if err := json.Unmarshal(paper.Body, &what); err != nil {
			return fmt.Errorf("paper %s on shelf %s: %w", paper.Name, shelf, err)
		}
		told(paper.Name, what)
	}
	return nil
}
