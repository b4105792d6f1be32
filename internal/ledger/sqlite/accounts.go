package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"hongyan/internal/ledger"
)

// History returns when attempts began. See [ledger.Accounts].
func (r *Reader) History(ctx context.Context, account string, since time.Time) ([]time.Time, error) {
	rows, err := r.db.QueryContext(ctx, `WITH who AS (SELECT id FROM account WHERE name = ?1)
		SELECT d.begun FROM issue CROSS JOIN delivery d ON d.id BETWEEN issue.id << 32 AND (issue.id << 32) + 4294967295
		WHERE issue.touched >= ?2 AND d.begun >= ?2 AND d.begun > 0 AND d.account IN who
		UNION ALL
		SELECT a.begun FROM issue CROSS JOIN attempt a ON a.id BETWEEN issue.id << 32 AND (issue.id << 32) + 4294967295
		WHERE issue.touched >= ?2 AND a.begun >= ?2 AND a.begun > 0 AND a.account IN who`, account, millis(since))
	if err != nil {
		return nil, wrap("read the history of "+account, err)
	}
	defer rows.Close()
	var out []time.Time
	for rows.Next() {
		var at int64
		if err := rows.Scan(&at); err != nil {
			return nil, wrap("read the history of "+account, err)
		}
		out = append(out, instant(at))
	}
	slices.SortFunc(out, time.Time.Compare)
	return out, wrap("read the history of "+account, rows.Err())
}

// Hold puts an account on hold. See [ledger.Accounts].
func (s *Store) Hold(_ context.Context, h ledger.Hold) error {
	return s.writer.write(func(t *tx) {
		t.exec(`INSERT OR REPLACE INTO hold (account, until, since, reason, rule, reply, human)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`, t.account(h.Account), millis(h.Until), millis(h.Since),
			h.Reason, h.Rule, ledger.Bounded(h.Reply), h.Human)
	})
}

// Holds lists the holds. See [ledger.Accounts].
func (r *Reader) Holds(ctx context.Context) ([]ledger.Hold, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT a.name, h.until, h.since, h.reason, h.rule, h.reply, h.human
		FROM hold h JOIN account a ON a.id = h.account ORDER BY a.name`)
	if err != nil {
		return nil, wrap("read holds", err)
	}
	defer rows.Close()
	var out []ledger.Hold
	for rows.Next() {
		var h ledger.Hold
		var until, since int64
		if err := rows.Scan(&h.Account, &until, &since, &h.Reason, &h.Rule, &h.Reply, &h.Human); err != nil {
			return nil, wrap("read holds", err)
		}
		h.Until, h.Since = instant(until), instant(since)
		out = append(out, h)
	}
	return out, wrap("read holds", rows.Err())
}

// PutOffBy names accounts. See [ledger.Accounts].
func (r *Reader) PutOffBy(ctx context.Context, k ledger.Key) (names []string, err error) {
	issue, err := r.issue(ctx, k)
	if err != nil {
		return nil, err
	}
	rows, err := r.db.QueryContext(ctx, `SELECT a.name FROM account a
		WHERE EXISTS (SELECT 1 FROM due u WHERE u.issue = ? AND u.account = a.id) ORDER BY a.name`, issue)
	if err != nil {
		return nil, wrap("look who put recipients off", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, wrap("look who put recipients off", err)
		}
		names = append(names, name)
	}
	return names, wrap("look who put recipients off", rows.Err())
}

// kept are the entries that wait for the end of an account's hold. See [ledger.Hold.Keeps].
const kept = `SELECT d.id FROM account a JOIN hold h ON h.account = a.id JOIN due u ON u.account = a.id JOIN delivery d ON d.id = u.id
	WHERE a.name = ?1 AND u.due > ?2 AND (d.attempts = 0 OR d.begun = 0 OR d.ended = h.since)
	AND d.ended <= h.since AND d.due - d.ended = h.until - h.since`

// Lift ends a hold. See [ledger.Accounts].
func (s *Store) Lift(_ context.Context, account string) error {
	now := time.Now().UnixMilli()
	return s.writer.write(func(t *tx) {
		var ids []int64
		var id int64
		t.each([]any{&id}, func() bool { ids = append(ids, id); return true }, kept, account, now)
		for _, id := range ids {
			t.changes(id)
			t.exec(`DELETE FROM due WHERE (issue, account, due, id) IN (SELECT id >> 32, account, due, id FROM delivery WHERE id = ?1)`, id)
			t.exec(`UPDATE delivery SET due = ?2 WHERE id = ?1`, id, now)
			t.comesDue(id)
		}
		t.exec(`DELETE FROM hold WHERE account = (SELECT id FROM account WHERE name = ?1)`, account)
	})
}

// Learn remembers what was learned. See [ledger.Accounts].
func (s *Store) Learn(_ context.Context, account string, learned []byte) error {
	return s.writer.write(func(t *tx) {
		t.exec(`UPDATE account SET learned = ?2 WHERE id = ?1`, t.account(account), learned)
	})
}

// Learned returns what was learned. See [ledger.Accounts].
func (r *Reader) Learned(ctx context.Context, account string) ([]byte, error) {
	var learned []byte
	err := r.db.QueryRowContext(ctx, `SELECT learned FROM account WHERE name = ?1`, account).Scan(&learned)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return learned, wrap("read what was learned of "+account, err)
}
