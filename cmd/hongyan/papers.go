package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"

	"hongyan/internal/config"
	"hongyan/internal/ledger"
)

// Papers are what the rooms around the line have left in the ledger.
type papers interface {
	Paper(ctx context.Context, shelf, name string) ([]byte, error)
	Papers(ctx context.Context, shelf string) iter.Seq2[ledger.Paper, error]
}

// shelf opens the ledger to read its papers; there may be none yet.
func (d *door) shelf(ctx context.Context, conf *config.Config) (papers, func(), error) {
	if conf == nil { // its faults are told
		return nil, func() {}, nil
	}
	reader, err := d.openReader(ctx, conf)
	if errors.Is(err, os.ErrNotExist) {
		return nil, func() {}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return reader, func() { reader.Close() }, nil
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
