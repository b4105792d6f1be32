package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"hongyan/internal/ledger"
)

// Settle decides doubts. See [ledger.Auditor]. From then on a late result of
// their own sender settles nothing any more.
func (s *Store) Settle(ctx context.Context, k ledger.Key, w ledger.Settlement) (int, error) {
	if err := w.Check(); err != nil {
		return 0, err
	}
	issue, err := s.issue(ctx, k)
	if err != nil {
		return 0, err
	}
	if _, err := s.Reap(ctx); err != nil { // what the dead were sending is shown as a doubt already
		return 0, err
	}
	at, due := w.At.UnixMilli(), int64(0)
	if w.To == ledger.Deferred {
		due = at
	}
	settled := 0
	err = s.transact(ctx, func(tx pgx.Tx) error {
		ids, err := column(ctx, tx, `UPDATE delivery SET state = $4, due = $5, ended = CASE WHEN ended = 0 THEN $6 ELSE ended END, claim = 0
			WHERE id BETWEEN $1 AND $2 AND state = 5 AND ($3::bigint[] IS NULL OR id = ANY($3)) RETURNING id`,
			first(issue), last(issue), w.IDs, number(w.To), due, at)
		if err != nil {
			return err
		}
		settled = len(ids)
		return sign(ctx, tx, ids, w.By, at, w.To == ledger.Deferred)
	})
	return settled, wrap("settle "+k.String(), err)
}

// sign keeps who decided about entries, and when, and enters them among those
// that come due if they are deferred now.
func sign(ctx context.Context, tx pgx.Tx, ids []int64, by string, at int64, due bool) error {
	t := &trans{ctx: ctx, tx: tx}
	t.exec(`INSERT INTO answer (id, settled_by, settled_at) SELECT id, $2, $3 FROM unnest($1::bigint[]) AS v(id)
		ON CONFLICT (id) DO UPDATE SET settled_by = $2, settled_at = $3`, ids, text(by), at)
	if due {
		t.exec(`INSERT INTO due (issue, account, due, id) SELECT id >> 32, account, due, id FROM delivery WHERE id = ANY($1)`, ids)
	}
	return t.err
}

// Reopen makes refused entries due again. See [ledger.Auditor].
func (s *Store) Reopen(ctx context.Context, k ledger.Key, w ledger.Reopening) (int, error) {
	if err := w.Check(); err != nil {
		return 0, err
	}
	issue, err := s.issue(ctx, k)
	if err != nil {
		return 0, err
	}
	reopened := 0
	err = s.transact(ctx, func(tx pgx.Tx) error {
		ids, err := column(ctx, tx, `UPDATE delivery d SET state = 4, due = $5 WHERE id BETWEEN $1 AND $2 AND state = 3
			AND ($3::bigint[] IS NULL OR id = ANY($3))
			AND ($4::text[] IS NULL OR coalesce((SELECT class FROM answer a WHERE a.id = d.id), '') = ANY($4)) RETURNING id`,
			first(issue), last(issue), w.IDs, w.Classes, w.At.UnixMilli())
		if err != nil {
			return err
		}
		reopened = len(ids)
		return sign(ctx, tx, ids, w.By, w.At.UnixMilli(), true)
	})
	return reopened, wrap("reopen "+k.String(), err)
}
