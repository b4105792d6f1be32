package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"hongyan/internal/ledger"
)

// A desk holds the claims on one issue. They live and die with the process,
// which alone has the file; the database never hears of them.
//
// Every queued entry up to the cursor is claimed, so that a claim starts
// looking where the last one stopped. Whatever puts an unclaimed queued entry
// behind the cursor moves it back.
type desk struct {
	mu        sync.Mutex
	cursor    int64
	claimed   map[int64]ledger.State // as it was claimed: queued or deferred
	enqueuing bool
}

// recorded ends a claim: the entry's state says the rest. It comes after the
// commit, so whoever looks for work under the same mutex sees one of the two.
func (d *desk) recorded(id int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.claimed, id)
}

func (d *desk) release(id int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.claimed[id] == ledger.Queued {
		d.cursor = min(d.cursor, id-1)
	}
	delete(d.claimed, id)
}

// rewind makes the next claim look at id again.
func (d *desk) rewind(id int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cursor = min(d.cursor, id-1)
}

// Claim offers entries to a lane. See [ledger.Line].
func (s *Store) Claim(ctx context.Context, k ledger.Key, account string, n int, now time.Time) ([]ledger.Entry, error) {
	issue, err := s.issue(ctx, k)
	if err != nil {
		return nil, err
	}
	d := s.desk(issue)
	d.mu.Lock()
	defer d.mu.Unlock()
	due, err := s.claimDue(ctx, d, n, issue, account, now)
	if err != nil {
		return nil, wrap("claim", err)
	}
	fresh, err := s.claimQueued(ctx, d, n-len(due), issue)
	if err != nil {
		return nil, wrap("claim", err)
	}
	out := fresh
	if len(due) > 0 {
		out = append(due, fresh...)
	}
	for i := range out {
		out[i].Key = k
		d.claimed[out[i].ID] = out[i].State
	}
	return out, nil
}

func (s *Store) claimDue(ctx context.Context, d *desk, n int, issue int64, account string, now time.Time) ([]ledger.Entry, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id FROM due WHERE issue = ?1
		AND account = (SELECT id FROM account WHERE name = ?2) AND due <= ?3 ORDER BY due, id`,
		issue, account, now.UnixMilli())
	if err != nil {
		return nil, err
	}
	ids, err := unclaimed(rows, d, n)
	if err != nil {
		return nil, err
	}
	var out []ledger.Entry
	for _, id := range ids {
		err := s.each(ctx, func(e ledger.Entry) bool { out = append(out, e); return true }, columns+`WHERE d.id = ?1`, id)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// unclaimed reads up to n ids that nobody has claimed.
func unclaimed(rows *sql.Rows, d *desk, n int) ([]int64, error) {
	defer rows.Close()
	var ids []int64
	for len(ids) < n && rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		if _, ok := d.claimed[id]; !ok {
			ids = append(ids, id)
		}
	}
	return ids, rows.Err()
}

// claimQueued walks on from the cursor. What others have claimed lies ahead of
// it only after it was moved back.
func (s *Store) claimQueued(ctx context.Context, d *desk, n int, issue int64) ([]ledger.Entry, error) {
	end, err := s.end(ctx, issue)
	if n <= 0 || err != nil || end <= d.cursor {
		return nil, err
	}
	out := make([]ledger.Entry, 0, n)
	err = s.each(ctx, func(e ledger.Entry) bool {
		if _, claimed := d.claimed[e.ID]; !claimed {
			out = append(out, e)
		}
		return len(out) < n
	}, untouched+`WHERE d.id > ?1 AND d.id <= ?2 AND d.state = 0 ORDER BY d.id`, d.cursor, end)
	if err != nil {
		return nil, err
	}
	d.cursor = end
	if len(out) == n {
		d.cursor = out[n-1].ID
	}
	return out, nil
}

// end returns the greatest id of an issue so far; what is enqueued later is
// greater.
func (r *Reader) end(ctx context.Context, issue int64) (id int64, err error) {
	err = r.tail.QueryRowContext(ctx, first(issue), last(issue)).Scan(&id)
	return id, err
}

// Release gives claims back. See [ledger.Line].
func (s *Store) Release(_ context.Context, ids ...int64) error {
	for _, id := range ids {
		s.desk(id >> 32).release(id)
	}
	return nil
}

// NextDue says what a lane may wait for. See [ledger.Line].
func (s *Store) NextDue(ctx context.Context, k ledger.Key, account string) (time.Time, bool, error) {
	issue, err := s.issue(ctx, k)
	if err != nil {
		return time.Time{}, false, err
	}
	d := s.desk(issue)
	d.mu.Lock()
	defer d.mu.Unlock()
	due, err := s.nextDue(ctx, d, issue, account)
	if err != nil {
		return time.Time{}, false, wrap("look for due entries", err)
	}
	more, err := s.more(ctx, d, issue)
	return due, more, wrap("look for queued entries", err)
}

func (s *Store) nextDue(ctx context.Context, d *desk, issue int64, account string) (time.Time, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id FROM due WHERE issue = ?1
		AND account = (SELECT id FROM account WHERE name = ?2) ORDER BY due, id`, issue, account)
	if err != nil {
		return time.Time{}, err
	}
	ids, err := unclaimed(rows, d, 1)
	if err != nil || len(ids) == 0 {
		return time.Time{}, err
	}
	var due int64
	err = s.db.QueryRowContext(ctx, `SELECT due FROM delivery WHERE id = ?1`, ids[0]).Scan(&due)
	return instant(due), err
}

// more reports whether queued entries are left or may still come.
func (s *Store) more(ctx context.Context, d *desk, issue int64) (bool, error) {
	if d.enqueuing {
		return true, nil
	}
	for _, from := range d.claimed {
		if from == ledger.Queued {
			return true, nil
		}
	}
	var complete bool
	err := s.db.QueryRowContext(ctx, `SELECT complete FROM issue WHERE id = ?1`, issue).Scan(&complete)
	if err != nil || !complete {
		return true, err
	}
	var one int
	err = s.db.QueryRowContext(ctx, `SELECT 1 FROM delivery WHERE id > ?1 AND id <= ?2 AND state = 0 LIMIT 1`,
		d.cursor, last(issue)).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return true, err
}
