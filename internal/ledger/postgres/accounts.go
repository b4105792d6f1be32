package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"hongyan/internal/ledger"
)

// account returns the number of a lane, new if need be; 0 for that of no account.
func (s *Store) account(ctx context.Context, l Lane) (int64, error) {
	if l.Account == "" {
		return 0, nil
	}
	s.mu.Lock()
	id := s.accounts[l]
	s.mu.Unlock()
	if id != 0 {
		return id, nil
	}
	if _, err := s.pool.Exec(ctx, `INSERT INTO account (name) VALUES ($1) ON CONFLICT DO NOTHING`, l.Account); err != nil {
		return 0, err
	}
	if _, err := s.pool.Exec(ctx, `INSERT INTO account (name, lane, lanes) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, l.Account, l.N, l.Of); err != nil {
		return 0, err
	}
	if err := s.pool.QueryRow(ctx, `SELECT id FROM account WHERE name = $1 AND lane = $2 AND lanes = $3`, l.Account, l.N, l.Of).Scan(&id); err != nil {
		return 0, err
	}
	s.mu.Lock()
	s.accounts[l] = id
	s.mu.Unlock()
	return id, nil
}

// History returns when attempts began, by whichever lane. See [ledger.Accounts].
func (r *Reader) History(ctx context.Context, account string, since time.Time) ([]time.Time, error) {
	return r.began(ctx, Whole(account), since)
}

// Hold puts an account on hold. See [ledger.Accounts].
func (s *Store) Hold(ctx context.Context, h ledger.Hold) error {
	id, err := s.account(ctx, Whole(h.Account))
	if err != nil {
		return wrap("hold "+h.Account, err)
	}
	_, err = s.pool.Exec(ctx, `INSERT INTO hold (account, until, since, reason, rule, reply, human)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account) DO UPDATE SET until = $2, since = $3,
		reason = $4, rule = $5, reply = $6, human = $7`, id, millis(h.Until), millis(h.Since),
		text(h.Reason), text(h.Rule), text(ledger.Bounded(h.Reply)), h.Human)
	return wrap("hold "+h.Account, err)
}

// Holds lists the holds. See [ledger.Accounts].
func (r *Reader) Holds(ctx context.Context) ([]ledger.Hold, error) {
	rows, err := r.pool.Query(ctx, `SELECT a.name, h.until, h.since, h.reason, h.rule, h.reply, h.human
		FROM hold h JOIN account a ON a.id = h.account ORDER BY a.name`)
	if err != nil {
		return nil, wrap("read holds", err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h ledger.Hold, err error) {
		var until, since int64
		err = row.Scan(&h.Account, &until, &since, &h.Reason, &h.Rule, &h.Reply, &h.Human)
		h.Until, h.Since = instant(until), instant(since)
		return h, err
	})
	if len(out) == 0 {
		return nil, wrap("read holds", err)
	}
	return out, wrap("read holds", err)
}

// PutOffBy names accounts. See [ledger.Accounts].
func (r *Reader) PutOffBy(ctx context.Context, k ledger.Key) ([]string, error) {
	issue, err := r.issue(ctx, k)
	if err != nil {
		return nil, err
	}
	rows, err := r.pool.Query(ctx, `SELECT DISTINCT a.name FROM account a
		WHERE EXISTS (SELECT 1 FROM due u WHERE u.issue = $1 AND u.account = a.id) ORDER BY a.name`, issue)
	if err != nil {
		return nil, wrap("look who put recipients off", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return names, wrap("look who put recipients off", err)
}

// Lift ends a hold. See [ledger.Accounts]. Nobody works on who is not due yet, so
// that no lease is asked for.
func (s *Store) Lift(ctx context.Context, account string) error {
	_, err := s.pool.Exec(ctx, `WITH h AS (DELETE FROM hold WHERE account = (SELECT id FROM account WHERE name = $1 AND lanes = 1)
			RETURNING since, until),
		kept AS (UPDATE delivery d SET due = $2 FROM h, due u JOIN account a ON a.id = u.account
			WHERE a.name = $1 AND u.due > $2 AND d.id = u.id AND d.state = 4 AND d.due = u.due
			AND (d.attempts = 0 OR d.begun = 0 OR d.ended = h.since) AND d.ended <= h.since AND d.due - d.ended = h.until - h.since
			RETURNING u.issue, u.account, u.due, u.id)
		UPDATE due u SET due = $2 FROM kept k WHERE (u.issue, u.account, u.due, u.id) = (k.issue, k.account, k.due, k.id)`,
		account, time.Now().UnixMilli())
	return wrap("lift the hold of "+account, err)
}

// Learn remembers what was learned. See [ledger.Accounts].
func (s *Store) Learn(ctx context.Context, account string, learned []byte) error {
	id, err := s.account(ctx, Whole(account))
	if err != nil {
		return wrap("remember what "+account+" learned", err)
	}
	_, err = s.pool.Exec(ctx, `UPDATE account SET learned = $2 WHERE id = $1`, id, learned)
	return wrap("remember what "+account+" learned", err)
}

// Learned returns what was learned. See [ledger.Accounts].
func (r *Reader) Learned(ctx context.Context, account string) ([]byte, error) {
	var learned []byte
	err := r.pool.QueryRow(ctx, `SELECT learned FROM account WHERE name = $1 AND lanes = 1`, account).Scan(&learned)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return learned, wrap("read what was learned of "+account, err)
}
