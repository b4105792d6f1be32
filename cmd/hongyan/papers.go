package main

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"hongyan/internal/ledger"
)

// A reader reads a paper of the shelf, papers all of them.
type reader interface {
	Paper(ctx context.Context, shelf, name string) ([]byte, error)
}

type papers interface {
	reader
	Papers(ctx context.Context, shelf string) iter.Seq2[ledger.Paper, error]
}

// written reads what stands as JSON on each paper of a shelf into told, and hands
// on the paper's name.
func written[T any](ctx context.Context, books papers, shelf string, told func(name string, what T)) error {
	for paper, err := range books.Papers(ctx, shelf) {
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
