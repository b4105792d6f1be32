package main

import (
	"context"
	"errors"
	"os"

	"hongyan/internal/archive"
	"hongyan/internal/edition"
	"hongyan/internal/ledger"
)

// A thawed issue is one as it was packed, in a folder of its own. By which accounts
// it goes stands in its assignment: whoever has one need not know the others.
type thawed struct {
	*dispatch
	dir    string
	slices int // of a worker, that have it in hand
}

func (h *house) thaw(ctx context.Context, shelf archive.Shelf, k ledger.Key) (*thawed, error) {
	dir, err := h.scratch.folder()
	if err != nil {
		return nil, err
	}
	e, err := edition.Thaw(ctx, shelf, k, dir, settingsOf(h.conf))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &thawed{dispatch: &dispatch{Edition: e, conf: h.conf}, dir: dir}, nil
}

func (t *thawed) Close() error {
	t.Edition.Close()
	return os.RemoveAll(t.dir)
}
