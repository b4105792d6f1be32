package sqlite

import (
	"context"
	"fmt"
	"time"

	"hongyan/internal/ledger"
)

// Attempts returns the earlier attempts of an entry. See [ledger.Reader].
func (r *Reader) Attempts(ctx context.Context, id int64) ([]ledger.Attempt, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT coalesce(c.name, ''), a.message_id, a.begun, a.ended, a.stage, a.code,
		a.enhanced, a.reply, a.class, a.rule, a.bytes, a.settled_by, a.settled_at
		FROM attempt a LEFT JOIN account c ON c.id = a.account WHERE a.id = ?1 ORDER BY a.n`, id)
	out, err := collect(rows, err, func(a *ledger.Attempt) error {
		var begun, ended, settled int64
		err := rows.Scan(&a.Account, &a.MessageID, &begun, &ended, &a.Stage, &a.Code,
			&a.Enhanced, &a.Reply, &a.Class, &a.Rule, &a.Bytes, &a.SettledBy, &settled)
		a.Begun, a.Ended, a.SettledAt = instant(begun), instant(ended), instant(settled)
		return err
	})
	return out, wrap("read the attempts of entry "+ledger.Label(id), err)
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
	// Step and state are one number: what groups by it sorts half as long as by two.
	rows, err := r.db.QueryContext(ctx, `SELECT iif(ended > begun, ended, begun) / ?3 * 8 + state, count(*)
		FROM delivery WHERE id BETWEEN ?1 AND ?2 AND (begun > 0 OR ended > 0)
		GROUP BY 1 ORDER BY 1`, first(issue), last(issue), step.Milliseconds())
	if err != nil {
		return nil, wrap("read the timeline of "+k.String(), err)
	}
	defer rows.Close()
	var out []ledger.Moment
	for rows.Next() {
		var packed int64
		var count int
		if err := rows.Scan(&packed, &count); err != nil {
			return nil, wrap("read the timeline of "+k.String(), err)
		}
		out = extend(out, packed/8*8+int64(r.shown(int(packed%8))), count, step)
	}
	return out, wrap("read the timeline of "+k.String(), rows.Err())
}

// extend adds the count of a step and state to those of earlier ones.
func extend(out []ledger.Moment, packed int64, count int, step time.Duration) []ledger.Moment {
	at := instant(packed / 8 * step.Milliseconds())
	if len(out) == 0 || !out[len(out)-1].At.Equal(at) {
		out = append(out, ledger.Moment{At: at})
	}
	m := &out[len(out)-1]
	m.Rows += count
	m.Add(state(int(packed%8)), count)
	return out
}
