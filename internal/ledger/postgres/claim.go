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
	return s.claim(ctx, k, Whole(account), n, now)
}

func (s *Store) claim(ctx context.Context, k ledger.Key, lane Lane, n int, now time.Time) ([]ledger.Entry, error) {
	issue, err := s.issue(ctx, k)
	if err != nil {
		return nil, err
	}
	l, err := s.leased(ctx, lane)
	if err != nil {
		return nil, wrap("claim", err)
	}
	due, more, err := s.claimDue(ctx, issue, l, n, now)
	if err != nil {
		return nil, wrap("claim", err)
	}
	out, err := s.entries(ctx, due)
	if err == nil && more && len(due) < n {
		var fresh []ledger.Entry
		fresh, err = s.claimQueued(ctx, issue, l, n-len(due))
		out = append(out, fresh...)
	}
	for i := range out {
		out[i].Key = k
	}
	s.foresee(ctx, out)
	return out, wrap("claim", err)
}

// pile are the accounts whose deferred entries are a lane's own: the lane's, and
// its share of what was deferred when the account was split otherwise.
const pile = `account = ANY(ARRAY(SELECT id FROM account WHERE name = $2 AND lane % $3 = $4))`

// claimDue takes what is due from the lane's own pile, and reports whether
// anything is queued beside it.
func (s *Store) claimDue(ctx context.Context, issue int64, l lease, n int, now time.Time) (out []int64, more bool, err error) {
	var b pgx.Batch
	var ids []int64
	b.Queue(`SELECT id FROM due WHERE issue = $1 AND `+pile+` AND due <= $5 ORDER BY due, id LIMIT $6`,
		issue, l.lane.Account, l.lane.Of, l.lane.N, now.UnixMilli(), n+s.busy(issue)).Query(func(rows pgx.Rows) (err error) {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
	b.Queue(`SELECT cursor < size OR EXISTS (SELECT 1 FROM loose WHERE issue = $1) FROM issue WHERE id = $1`, issue).
		QueryRow(func(row pgx.Row) error { return row.Scan(&more) })
	if err := s.pool.SendBatch(ctx, &b).Close(); err != nil {
		return nil, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	desk := s.desk(issue)
	for _, id := range ids {
		if _, busy := desk[id]; len(out) < n && !busy {
			desk[id] = offer{l.epoch, false}
			out = append(out, id)
		}
	}
	return out, more, nil
}

// busy is how many entries of an issue are being worked on.
func (s *Store) busy(issue int64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.desk(issue))
}

// claimQueued takes first what was given back, which lies behind the issue's
// cursor, then what lies ahead. The lock on the issue's row makes lanes of all
// processes take turns, so it is held for one round trip, and not until the log
// is on disk: a claim that is lost with the server is none, and whoever goes on
// with it finds its entry unclaimed (see [trans.intentElsewhere]).
func (s *Store) claimQueued(ctx context.Context, issue int64, l lease, n int) (out []ledger.Entry, err error) {
	stands := false
	var b pgx.Batch
	b.Queue(`WITH stands AS MATERIALIZED (`+standing+` FOR KEY SHARE)
		SELECT set_config('synchronous_commit', 'off', true) FROM issue WHERE id = $5 AND EXISTS (SELECT 1 FROM stands) FOR UPDATE`,
		l.number, l.epoch, s.me, s.margin(), issue).Query(func(rows pgx.Rows) error {
		stands = rows.Next()
		rows.Close()
		return rows.Err()
	})
	b.Queue(claiming, l.number, l.epoch, s.me, s.margin(), issue, n).Query(func(rows pgx.Rows) (err error) {
		out, err = pgx.AppendRows(make([]ledger.Entry, 0, n), rows, scan)
		return err
	})
	if err := s.pool.SendBatch(ctx, &b).Close(); err != nil {
		return nil, err
	}
	if !stands {
		return nil, ledger.ErrElsewhere
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range out {
		s.desk(issue)[e.ID] = offer{l.epoch, true}
	}
	return out, nil
}

// standing is empty when a lease does not stand any more.
const standing = `SELECT epoch FROM lease WHERE account = $1 AND epoch = $2 AND owner = $3 AND until > clock_timestamp() + $4::interval`

// claiming is done behind a lock on the issue's row, by a statement of its own:
// it has to see what whoever had the lock before has written.
//
// What was given back may have been dealt with since; then it is no longer given
// back. The cursor moves on behind what was taken, or to the end.
const claiming = `WITH stands AS MATERIALIZED (` + standing + `),
	i AS MATERIALIZED (SELECT (id << 32) + cursor AS low, (id << 32) + size AS high FROM issue WHERE id = $5 AND EXISTS (SELECT 1 FROM stands)),
	back AS MATERIALIZED (SELECT l.id FROM loose l JOIN delivery d ON d.id = ANY(ARRAY[l.id])
		WHERE l.issue = $5 AND d.state = 0 AND d.claim = 0 AND EXISTS (SELECT 1 FROM i) ORDER BY l.id LIMIT $6::bigint),
	ahead AS MATERIALIZED (SELECT id FROM delivery WHERE id > (SELECT low FROM i) AND id <= (SELECT high FROM i)
		AND state = 0 AND claim = 0 ORDER BY id LIMIT $6::bigint - (SELECT count(*) FROM back)),
	tidied AS (DELETE FROM loose l USING delivery d WHERE l.issue = $5 AND d.id = ANY(ARRAY[l.id]) AND EXISTS (SELECT 1 FROM i)
		AND (d.state <> 0 OR d.claim <> 0 OR l.id IN (SELECT id FROM back))),
	moved AS (UPDATE issue SET cursor = CASE (SELECT count(*) FROM ahead) WHEN $6::bigint - (SELECT count(*) FROM back)
			THEN (SELECT max(id) FROM ahead) - (id << 32) ELSE size END
		WHERE id = $5 AND cursor < size AND EXISTS (SELECT 1 FROM i) AND $6::bigint > (SELECT count(*) FROM back)),
	claimed AS (UPDATE delivery SET claim = $2
		WHERE id = ANY(ARRAY(SELECT id FROM back UNION ALL SELECT id FROM ahead)) AND state = 0 AND claim = 0 RETURNING id),
	spanned AS (` + spanning + `SELECT $2, $5, min(id), max(id) FROM claimed GROUP BY id > (SELECT low FROM i) ` + spanned + `)
	` + columns + `WHERE d.id = ANY(ARRAY(SELECT id FROM claimed)) ORDER BY d.id`

// stands reports whether a lease still stands, and makes whoever would take the
// account over wait for the end of the transaction.
func (s *Store) stands(ctx context.Context, tx pgx.Tx, l lease) (bool, error) {
	got, err := column(ctx, tx, standing+` FOR KEY SHARE`, l.number, l.epoch, s.me, s.margin())
	return len(got) == 1, err
}

// entries reads claimed entries in the order of their ids in the argument.
func (s *Store) entries(ctx context.Context, ids []int64) ([]ledger.Entry, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := s.pool.Query(ctx, columns+`WHERE d.id = ANY($1) ORDER BY array_position($1, d.id)`, ids)
	if err != nil {
		return nil, err
	}
	return pgx.AppendRows(make([]ledger.Entry, 0, len(ids)), rows, scan)
}

// column reads a query of one column.
func column(ctx context.Context, tx pgx.Tx, query string, args ...any) ([]int64, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// A span is where entries lie that an epoch has or had: of a claim what lay ahead,
// or what was given back. It is written by the very transaction that claims an
// entry, or writes an intent of one that was not claimed.
const (
	spanning = `INSERT INTO span AS s (epoch, issue, low, high) `
	spanned  = `ON CONFLICT (epoch, issue, low) DO UPDATE SET high = greatest(s.high, excluded.high)`
)

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
	return s.awaited(ctx, k, Whole(account))
}

func (s *Store) awaited(ctx context.Context, k ledger.Key, lane Lane) (time.Time, bool, error) {
	issue, err := s.issue(ctx, k)
	if err != nil {
		return time.Time{}, false, err
	}
	due, err := s.nextDue(ctx, issue, lane)
	if err != nil {
		return time.Time{}, false, wrap("look for due entries", err)
	}
	more, err := s.more(ctx, issue)
	return due, more, wrap("look for queued entries", err)
}

func (s *Store) nextDue(ctx context.Context, issue int64, lane Lane) (time.Time, error) {
	rows, err := s.pool.Query(ctx, `SELECT due, id FROM due WHERE issue = $1 AND `+pile+` ORDER BY due, id LIMIT $5`,
		issue, lane.Account, lane.Of, lane.N, 1+s.busy(issue))
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
		if _, busy := s.desk(issue)[l.ID]; !busy {
			return instant(l.Due), nil
		}
	}
	return time.Time{}, nil
}

// more reports whether queued entries are left or may still come: the plan is
// not complete, the list is being read, some lie ahead or were given back, or
// somebody has claimed some. What this process has claimed it knows; what others
// have lies at the end of what they had.
func (s *Store) more(ctx context.Context, issue int64) (more bool, err error) {
	if s.offers(issue) {
		return true, nil
	}
	err = s.pool.QueryRow(ctx, `SELECT NOT i.complete OR i.cursor < i.size AND EXISTS
			(SELECT 1 FROM delivery d WHERE d.id > (i.id << 32) + i.cursor AND d.id <= (i.id << 32) + i.size AND d.state = 0)
		OR EXISTS (SELECT 1 FROM loose l JOIN delivery d ON d.id = ANY(ARRAY[l.id]) WHERE l.issue = $1 AND d.state = 0)
		OR EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = $1::bigint::oid
			AND classid::bigint = `+enqueueLock+`::bigint & 4294967295 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
		OR EXISTS (SELECT 1 FROM span s CROSS JOIN LATERAL (SELECT 1 FROM delivery d WHERE d.id BETWEEN s.low AND s.high
				AND d.state = 0 AND d.claim <> 0 ORDER BY d.id DESC LIMIT 1) AS d
			WHERE s.issue = $1 AND s.epoch <> ALL($2))
		FROM issue i WHERE i.id = $1`, issue, s.standing()).Scan(&more)
	return more, err
}

// offers reports whether lanes of this process have queued entries of an issue.
func (s *Store) offers(issue int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.desks[issue] {
		if o.queued {
			return true
		}
	}
	return false
}

// standing are the epochs of the leases that this process has and has not lost:
// what it has claimed under them is on its desks.
func (s *Store) standing() []int64 {
	epochs := []int64{}
	for _, l := range s.held() {
		epochs = append(epochs, l.epoch)
	}
	return epochs
}
