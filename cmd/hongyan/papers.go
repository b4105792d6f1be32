package main

import (
	"context"
	"errors"
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
