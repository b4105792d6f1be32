package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"hongyan/internal/ledger"
)

// Attempts returns the earlier attempts of an entry. See [ledger.Reader].
func (r *Reader) Attempts(ctx context.Context, id int64) ([]ledger.Attempt, error) {
	doing := "read the attempts of entry " + ledger.Label(id)
	rows, err := r.pool.Query(ctx, `SELECT coalesce(c.name, ''), a.message_id, a.begun, a.ended, a.stage, a.code,
		a.enhanced, a.reply, a.class, a.rule, a.bytes, a.settled_by, a.settled_at
		FROM attempt a LEFT JOIN account c ON c.id = a.account WHERE a.id = $1 ORDER BY a.n`, id)
	if err != nil {
		return nil, wrap(doing, err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a ledger.Attempt, err error) {
		var begun, ended, settled int64
		err = row.Scan(&a.Account, &a.MessageID, &begun, &ended, &a.Stage, &a.Code,
			&a.Enhanced, &a.Reply, &a.Class, &a.Rule, &a.Bytes, &a.SettledBy, &settled)
		a.Begun, a.Ended, a.SettledAt = instant(begun), instant(ended), instant(settled)
		return a, err
	})
	return out, wrap(doing, err)
}

// Timeline counts entries by time and state. See [ledger.Reader]. It walks over
// the narrow table only.
func (r *Reader) Timeline(ctx context.Context, k ledger.Key, step time.Duration) ([]ledger.Moment, error) {
	if step < time.Millisecond {
		return nil, fmt.Errorf("timeline of %s: a step of %v is too short", k, step)
	}
	issue, err := r.issue(ctx, k)
	if err != nil {
		return nil, err
	}
	rows, err := r.pool.Query(ctx, `SELECT at / $3, state, count(*)
		FROM (SELECT greatest(begun, ended) AS at, `+shown+` AS state FROM delivery d WHERE id BETWEEN $1 AND $2) AS event
		WHERE at > 0 GROUP BY 1, 2 ORDER BY 1`, first(issue), last(issue), step.Milliseconds())
	if err != nil {
		return nil, wrap("read the timeline of "+k.String(), err)
	}
	var out []ledger.Moment
	var n int64
	var is int16
	var count int
	_, err = pgx.ForEachRow(rows, []any{&n, &is, &count}, func() error {
		at := instant(n * step.Milliseconds())
		if len(out) == 0 || !out[len(out)-1].At.Equal(at) {
			out = append(out, ledger.Moment{At: at})
		}
		m := &out[len(out)-1]
		m.Rows += count
		m.Add(state(is), count)
		return nil
	})
	return out, wrap("read the timeline of "+k.String(), err)
}
