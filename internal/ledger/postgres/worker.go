package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Worker is a process that works on the ledger.
type Worker struct {
	Name     string
	Since    time.Time
	Until    time.Time // it is taken for dead, and its accounts are free, unless it is heard of before
	Works    bool      // it takes whatever is due; else it came for one errand
	Takes    []string  // the accounts that it would take; nil: any
	Alive    bool      // it was heard of lately
	Accounts []string  // that it has; one that is split as often as it has lanes of it
}

// Workers lists the processes that work on the ledger, the first one first.
// Those that died stay in the list for a day.
func (r *Reader) Workers(ctx context.Context) ([]Worker, error) {
	rows, err := r.pool.Query(ctx, `SELECT w.name, w.since, w.until, w.works, w.takes, w.until > clock_timestamp(),
		coalesce((SELECT array_agg(a.name ORDER BY a.name) FROM lease l JOIN account a ON a.id = l.account
			WHERE l.owner = w.id AND l.until > clock_timestamp()), '{}')
		FROM worker w WHERE w.until > clock_timestamp() - interval '1 day' ORDER BY w.since, w.id`)
	if err != nil {
		return nil, wrap("list the workers", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Worker])
	return out, wrap("list the workers", err)
}

// A Standing is how a lane stands among the workers.
type Standing struct {
	Epoch int64 // of its last lease
	Taken bool  // somebody has it
}

// Standings returns how every lane stands that was ever taken.
func (r *Reader) Standings(ctx context.Context) (map[Lane]Standing, error) {
	rows, err := r.pool.Query(ctx, `SELECT a.name, a.lane, a.lanes, l.epoch, l.owner <> '' AND l.until > clock_timestamp()
		FROM lease l JOIN account a ON a.id = l.account`)
	if err != nil {
		return nil, wrap("read the leases", err)
	}
	out := map[Lane]Standing{}
	var lane Lane
	var s Standing
	_, err = pgx.ForEachRow(rows, []any{&lane.Account, &lane.N, &lane.Of, &s.Epoch, &s.Taken}, func() error { out[lane] = s; return nil })
	return out, wrap("read the leases", err)
}
