package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"hongyan/internal/ledger"
)

// Backlog lists what could leave now, the oldest issue first; what has none is
// left out. It looks only at what lies ahead of each issue's cursor, at what was
// given back and at what is deferred: what is done costs nothing.
func (r *Reader) Backlog(ctx context.Context, now time.Time) ([]ledger.Backlog, error) {
	rows, err := r.pool.Query(ctx, `WITH untouched AS (SELECT i.id AS issue, 0::bigint AS account, i.planned AS since,
			(SELECT count(*) FROM delivery d WHERE d.id > (i.id << 32) + i.cursor AND d.id <= (i.id << 32) + i.size
				AND d.state = 0 AND d.claim = 0)
			+ (SELECT count(*) FROM loose l JOIN delivery d ON d.id = ANY(ARRAY[l.id]) WHERE l.issue = i.id AND d.state = 0 AND d.claim = 0) AS n
			FROM issue i),
		again AS (SELECT u.issue, min(a.id) AS account, min(u.due) AS since, count(*) AS n FROM due u JOIN account a ON a.id = u.account
			WHERE u.due <= $1 GROUP BY u.issue, a.name)
		SELECT i.campaign, i.issue, coalesce(a.name, ''), b.n, b.since
		FROM (TABLE untouched UNION ALL TABLE again) b
		JOIN issue i ON i.id = b.issue LEFT JOIN account a ON a.id = b.account WHERE b.n > 0 ORDER BY i.id, a.name NULLS FIRST`, now.UnixMilli())
	if err != nil {
		return nil, wrap("read the backlog", err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (b ledger.Backlog, err error) {
		var since int64
		err = row.Scan(&b.Campaign, &b.Issue, &b.Account, &b.Due, &since)
		b.Since = instant(since)
		return b, err
	})
	return out, wrap("read the backlog", err)
}
