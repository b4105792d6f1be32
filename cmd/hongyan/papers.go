package main

import (
	"context"
	"errors"
	"os"

	"hongyan/internal/config"
	"hongyan/internal/ledger"
)

// shelf opens the ledger to read its papers; there may be none yet.
func (d *door) shelf(ctx context.Context, conf *config.Config) (ledger.Papers, func(), error) {
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
