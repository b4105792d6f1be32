package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"hongyan/internal/ledger"
)

// A hand writes what several processes may write at the same time: all but the
// line. The file's own lock keeps the writers apart, which is why each of its
// transactions is short.
type hand struct {
	writer *writer
	none   *nobody
}

// A Clerk is the ledger for those who work beside the line, also while another
// process has the [Store]: it reads everything, and writes suppressions, acts
// and papers. Nobody can send by it.
type Clerk struct {
	*Reader
	hand
}

// OpenClerk opens the ledger in the folder dir. One that is missing, or of an
// older make, is made or brought up to date first.
func OpenClerk(ctx context.Context, dir string) (*Clerk, error) {
	if err := ready(ctx, dir); err != nil {
		return nil, err
	}
	c := &Clerk{hand: hand{none: &nobody{}}}
	if err := c.open(ctx, filepath.Join(dir, File)); err != nil {
		_ = c.Close() // the reason for giving up is the better error
		return nil, fmt.Errorf("ledger %s: %w", filepath.Join(dir, File), err)
	}
	return c, nil
}

func (c *Clerk) open(ctx context.Context, file string) error {
	var err error
	if c.writer, err = connect(ctx, file); err != nil {
		return err
	}
	c.Reader, err = openReader(ctx, file, "rw")
	return err
}

// ready sees to it that there is a ledger of today's make. Whoever has the line
// has done so already, or is about to.
func ready(ctx context.Context, dir string) error {
	for tries := 0; ; tries++ {
		r, err := OpenReader(ctx, dir)
		if err == nil {
			return r.Close()
		}
		s, opened := Open(ctx, dir)
		if opened == nil {
			return s.Close()
		}
		if _, held := errors.AsType[*Held](opened); !held {
			return opened
		}
		if tries == readyTries || !sleep(ctx, readyPause) {
			return err
		}
	}
}

const (
	readyTries = 50
	readyPause = 100 * time.Millisecond
)

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Close ends the use of the ledger.
func (c *Clerk) Close() error {
	var errs [2]error
	if c.writer != nil {
		errs[0] = c.writer.close()
	}
	if c.Reader != nil {
		errs[1] = c.Reader.Close()
	}
	return wrap("close the ledger", errors.Join(errs[:]...))
}

// handful is how many rows a hand writes in one transaction, so that a line
// that wants to record meanwhile waits for milliseconds.
const handful = 500

// Suppress writes suppressions down. See [ledger.Suppressor].
func (h hand) Suppress(ctx context.Context, all ...ledger.Suppression) (added int, err error) {
	for _, s := range all {
		if err := s.Check(); err != nil {
			return 0, err
		}
	}
	defer h.none.changed()
	for some := range slices.Chunk(all, handful) {
		if ctx.Err() != nil {
			return added, context.Cause(ctx)
		}
		if err := h.writer.write(func(t *tx) {
			for _, s := range some {
				added += int(t.suppress(s))
			}
		}); err != nil {
			return added, err
		}
	}
	return added, nil
}

func (t *tx) suppress(s ledger.Suppression) int64 {
	return t.exec(`INSERT INTO suppression (address, list, source, reason, by, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
		ON CONFLICT DO NOTHING`, ledger.Folded(s.Address), s.List, string(s.Source), ledger.Bounded(s.Reason), s.By, millis(s.At))
}

// Unsuppress takes a suppression back. See [ledger.Suppressor].
func (h hand) Unsuppress(_ context.Context, list, address string) (was bool, err error) {
	err = h.writer.write(func(t *tx) {
		was = t.exec(`DELETE FROM suppression WHERE address = ?1 AND list = ?2`, ledger.Folded(address), list) == 1
	})
	return was, err
}

// Note writes an act down. See [ledger.Journal].
func (h hand) Note(_ context.Context, a ledger.Act) error {
	if err := a.Check(); err != nil {
		return err
	}
	return h.writer.write(func(t *tx) {
		t.exec(`INSERT INTO act (at, by, what, campaign, issue, about, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`,
			millis(a.At), a.By, a.What, a.Campaign, a.Issue, a.About, ledger.Bounded(a.Note))
	})
}

// Put leaves a paper. See [ledger.Shelf].
func (h hand) Put(_ context.Context, shelf, name string, body []byte) error {
	return h.writer.write(func(t *tx) {
		t.exec(`INSERT OR REPLACE INTO paper (shelf, name, body, at) VALUES (?1, ?2, ?3, ?4)`,
			shelf, name, blob(body), time.Now().UnixMilli())
	})
}

// PutNew leaves a paper unless there is one. See [ledger.Shelf].
func (h hand) PutNew(_ context.Context, shelf, name string, body []byte) (put bool, err error) {
	err = h.writer.write(func(t *tx) {
		put = t.exec(`INSERT INTO paper (shelf, name, body, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING`,
			shelf, name, blob(body), time.Now().UnixMilli()) == 1
	})
	return put, err
}

// blob makes an empty body one that is there.
func blob(body []byte) []byte {
	if body == nil {
		return []byte{}
	}
	return body
}

// Discard takes a paper away. See [ledger.Shelf].
func (h hand) Discard(_ context.Context, shelf, name string) error {
	return h.writer.write(func(t *tx) {
		t.exec(`DELETE FROM paper WHERE shelf = ?1 AND name = ?2`, shelf, name)
	})
}
