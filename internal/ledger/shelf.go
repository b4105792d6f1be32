package ledger

import (
	"context"
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
