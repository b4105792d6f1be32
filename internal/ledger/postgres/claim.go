package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"hongyan/internal/ledger"
)

// Claim offers entries to a lane. See [ledger.Line]. The account is this
// process's from then on; while another has it, the error is a
// [ledger.ErrElsewhere].
func (s *Store) Claim(ctx context.Context, k ledger.Key, account string, n int, now time.Time) ([]ledger.Entry, error) {
	issue, err := s.issue(ctx, k)
	if err != nil {
		return nil, err
	}
	l, err := s.leased(ctx, account)
	if err != nil {
		return nil, wrap("claim", err)
	}
	due, err := s.claimDue(ctx, issue, l, n, now)
	if err != nil {
		return nil, wrap("claim", err)
	}
	fresh, err := s.claimQueued(ctx, issue, l, n-len(due))
	if err != nil {
		return nil, wrap("claim", err)
	}
	out, err := s.entries(ctx, append(due, fresh...))
	for i := range out {
		out[i].Key = k
	}
	return out, wrap("claim", err)
}

// claimDue takes what is due from the account's own pile.
func (s *Store) claimDue(ctx context.Context, issue int64, l lease, n int, now time.Time) ([]int64, error) {
	rows, err := s.pool.Query(ctx, `SELECT id FROM due WHERE issue = $1 AND account = $2 AND due <= $3
		ORDER BY due, id LIMIT $4`, issue, l.number, now.UnixMilli(), n+s.busy(issue))
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []int64
	desk := s.desk(issue)
	for _, id := range ids {
		if len(out) < n && !desk[id] {
			desk[id] = true
			out = append(out, id)
		}
	}
	return out, nil
}

// busy is how many deferred entries of an issue are being worked on.
func (s *Store) busy(issue int64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.desk(issue))
}

// claimQueued takes first what was given back, which lies behind the issue's
// cursor, then what lies ahead. The lock on the issue's row makes lanes of all
// processes take turns.
func (s *Store) claimQueued(ctx context.Context, issue int64, l lease, n int) (ids []int64, err error) {
	if n <= 0 {
		return nil, nil
	}
	var any bool
	err = s.pool.QueryRow(ctx, `SELECT cursor < size OR EXISTS (SELECT 1 FROM loose WHERE issue = $1)
		FROM issue WHERE id = $1`, issue).Scan(&any)
	if err != nil || !any {
		return nil, err
	}
	var spanned bounds
	err = s.transact(ctx, func(tx pgx.Tx) error {
		ids, err = s.pick(ctx, tx, issue, l, n)
		if err != nil || len(ids) == 0 {
			return err
		}
		spanned, err = s.span(ctx, tx, l.epoch, ids)
		return err
	})
	if err == nil && len(ids) > 0 {
		s.keepSpan(span{l.epoch, issue}, spanned)
	}
	return ids, err
}

// pick marks up to n entries as claimed under the lease, which must still stand.
func (s *Store) pick(ctx context.Context, tx pgx.Tx, issue int64, l lease, n int) ([]int64, error) {
	stands, err := s.stands(ctx, tx, l)
	if err != nil {
		return nil, err
	}
	if !stands {
		return nil, ledger.ErrElsewhere
	}
	var cursor, size int64
	if err := tx.QueryRow(ctx, `SELECT cursor, size FROM issue WHERE id = $1 FOR UPDATE`, issue).Scan(&cursor, &size); err != nil {
		return nil, err
	}
	ids, err := loose(ctx, tx, issue, n)
	if err != nil {
		return nil, err
	}
	if ahead := n - len(ids); ahead > 0 && cursor < size {
		more, err := column(ctx, tx, `SELECT id FROM delivery WHERE id > $1 AND id <= $2 AND state = 0 AND claim = 0
			ORDER BY id LIMIT $3`, first(issue)+cursor, first(issue)+size, ahead)
		if err != nil {
			return nil, err
		}
		if cursor = size; len(more) == ahead {
			cursor = more[ahead-1] - first(issue)
		}
		if _, err := tx.Exec(ctx, `UPDATE issue SET cursor = $2 WHERE id = $1`, issue, cursor); err != nil {
			return nil, err
		}
		ids = append(ids, more...)
	}
	return claimed(ctx, tx, ids, l.epoch)
}

// loose takes entries from among those that were given back. Some may have been
// dealt with since: they are no longer given back.
func loose(ctx context.Context, tx pgx.Tx, issue int64, n int) ([]int64, error) {
	ids, err := column(ctx, tx, `SELECT l.id FROM loose l JOIN delivery d ON d.id = l.id
		WHERE l.issue = $1 AND d.state = 0 AND d.claim = 0 ORDER BY l.id LIMIT $2`, issue, n)
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, `DELETE FROM loose l USING delivery d WHERE l.issue = $1 AND d.id = l.id
		AND (d.state <> 0 OR d.claim <> 0 OR l.id = ANY($2))`, issue, ids)
	return ids, err
}

// claimed marks entries and returns those that it could mark, in order.
func claimed(ctx context.Context, tx pgx.Tx, ids []int64, epoch int64) ([]int64, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return column(ctx, tx, `WITH mark AS (UPDATE delivery SET claim = $2
		WHERE id = ANY($1) AND state = 0 AND claim = 0 RETURNING id) SELECT id FROM mark ORDER BY id`, ids, epoch)
}

// stands reports whether a lease still stands, and makes whoever would take the
// account over wait for the end of the transaction.
func (s *Store) stands(ctx context.Context, tx pgx.Tx, l lease) (bool, error) {
	got, err := column(ctx, tx, `SELECT epoch FROM lease WHERE account = $1 AND epoch = $2 AND owner = $3
		AND until > clock_timestamp() + $4::interval FOR KEY SHARE`, l.number, l.epoch, s.me, s.margin())
	return len(got) == 1, err
}

// entries reads claimed entries in the order of their ids in the argument.
func (s *Store) entries(ctx context.Context, ids []int64) ([]ledger.Entry, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := s.pool.Query(ctx, columns+`JOIN unnest($1::bigint[]) WITH ORDINALITY AS w(id, n) ON w.id = d.id ORDER BY w.n`, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}

// column reads a query of one column.
func column(ctx context.Context, tx pgx.Tx, query string, args ...any) ([]int64, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// A span is where the entries of an epoch lie in an issue.
type span struct{ epoch, issue int64 }

// Its bounds, both included.
type bounds struct{ low, high int64 }

func (b bounds) with(ids ...int64) bounds {
	for _, id := range ids {
		if b == (bounds{}) {
			b = bounds{id, id}
		}
		b.low, b.high = min(b.low, id), max(b.high, id)
	}
	return b
}

// span writes down that the epoch has entries there, if it is not known already.
func (s *Store) span(ctx context.Context, tx pgx.Tx, epoch int64, ids []int64) (bounds, error) {
	key := span{epoch, ids[0] >> 32}
	s.mu.Lock()
	known := s.spans[key]
	s.mu.Unlock()
	wide := known.with(ids...)
	if wide == known {
		return wide, nil
	}
	_, err := tx.Exec(ctx, widening, epoch, key.issue, wide.low, wide.high)
	return wide, err
}

const widening = `INSERT INTO span AS s (epoch, issue, low, high) VALUES ($1, $2, $3, $4)
	ON CONFLICT (epoch, issue) DO UPDATE SET low = least(s.low, $3), high = greatest(s.high, $4)`

// keepSpan remembers what is written.
func (s *Store) keepSpan(key span, b bounds) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spans[key] = s.spans[key].with(b.low, b.high)
}

// Release gives claims back. See [ledger.Line].
func (s *Store) Release(ctx context.Context, ids ...int64) error {
	if len(ids) == 0 {
		return nil
	}
	s.mu.Lock()
	for _, id := range ids {
		delete(s.desk(id>>32), id)
	}
	s.mu.Unlock()
	_, err := s.pool.Exec(ctx, `WITH back AS (UPDATE delivery SET claim = 0
		WHERE id = ANY($1) AND state = 0 AND claim = ANY($2) RETURNING id)
		INSERT INTO loose (issue, id) SELECT id >> 32, id FROM back ON CONFLICT DO NOTHING`, ids, s.epochs())
	return wrap("give claims back", err)
}

// NextDue says what a lane may wait for. See [ledger.Line].
func (s *Store) NextDue(ctx context.Context, k ledger.Key, account string) (time.Time, bool, error) {
	issue, err := s.issue(ctx, k)
	if err != nil {
		return time.Time{}, false, err
	}
	due, err := s.nextDue(ctx, issue, account)
	if err != nil {
		return time.Time{}, false, wrap("look for due entries", err)
	}
	more, err := s.more(ctx, issue)
	return due, more, wrap("look for queued entries", err)
}

func (s *Store) nextDue(ctx context.Context, issue int64, account string) (time.Time, error) {
	rows, err := s.pool.Query(ctx, `SELECT due, id FROM due WHERE issue = $1
		AND account = (SELECT id FROM account WHERE name = $2) ORDER BY due, id LIMIT $3`, issue, account, 1+s.busy(issue))
	if err != nil {
		return time.Time{}, err
	}
	type line struct{ Due, ID int64 }
	lines, err := pgx.CollectRows(rows, pgx.RowToStructByPos[line])
	if err != nil {
		return time.Time{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range lines {
		if !s.desk(issue)[l.ID] {
			return instant(l.Due), nil
		}
	}
	return time.Time{}, nil
}

// more reports whether queued entries are left or may still come: the plan is
// not complete, the list is being read, some lie ahead or were given back, or
// somebody has claimed some.
func (s *Store) more(ctx context.Context, issue int64) (more bool, err error) {
	err = s.pool.QueryRow(ctx, `SELECT NOT i.complete
		OR EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = $1::bigint::oid
			AND classid::bigint = `+enqueueLock+`::bigint & 4294967295 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
		OR EXISTS (SELECT 1 FROM loose l JOIN delivery d ON d.id = l.id WHERE l.issue = $1 AND d.state = 0)
		OR EXISTS (SELECT 1 FROM delivery d WHERE d.id > (i.id << 32) + i.cursor AND d.id <= (i.id << 32) + i.size AND d.state = 0)
		OR EXISTS (SELECT 1 FROM span s JOIN delivery d ON d.id BETWEEN s.low AND s.high
			WHERE s.issue = $1 AND d.state = 0 AND d.claim <> 0)
		FROM issue i WHERE i.id = $1`, issue).Scan(&more)
	return more, err
}
