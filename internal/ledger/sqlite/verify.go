package sqlite

import (
	"context"
	"iter"

	"hongyan/internal/ledger"
)

// A check is one thing that must not be. Its statement yields (id, line) of
// each entry where it is; line is 0 when the recipient is missing.
type check struct{ what, where string }

// The part of the statements that most checks share.
const fromDelivery = `SELECT d.id, coalesce(r.line, 0) FROM delivery d LEFT JOIN recipient r ON r.id = d.id WHERE `

func checks() []check {
	return []check{
		{"its state is none that the ledger knows", fromDelivery + `d.state NOT BETWEEN 0 AND 7`},
		{"it is sending, but nobody's", fromDelivery + `d.state = 1 AND (d.account = 0 OR d.begun = 0)`},
		{"it has an outcome without an intent", fromDelivery + `d.state IN (2, 5) AND (d.begun = 0 OR d.account = 0)`},
		{"it is untouched, but was attempted", fromDelivery + `d.state = 0 AND (d.account <> 0 OR d.begun <> 0)`},
		{"it was attempted by no account", fromDelivery + `d.attempts > 0 AND d.account NOT IN (SELECT id FROM account)`},
		{"its attempts are fewer than none", fromDelivery + `d.attempts < 0`},
		{"it is deferred, but to no time", fromDelivery + `d.state = 4 AND d.due = 0`},
		{"it is deferred, but will not come due", fromDelivery + `d.state = 4 AND NOT EXISTS (SELECT 1 FROM due
			WHERE issue = d.id >> 32 AND account = d.account AND due = d.due AND id = d.id)`},
		{"it will come due, but is not deferred", `SELECT u.id, coalesce(r.line, 0) FROM due u
			LEFT JOIN delivery d ON d.id = u.id LEFT JOIN recipient r ON r.id = u.id
			WHERE d.state IS NOT 4 OR d.due <> u.due OR d.account <> u.account`},
		{"it has a state, but no recipient", `SELECT d.id, 0 FROM delivery d LEFT JOIN recipient r ON r.id = d.id WHERE r.id IS NULL`},
		{"it has a recipient, but no state", `SELECT r.id, r.line FROM recipient r LEFT JOIN delivery d ON d.id = r.id WHERE d.id IS NULL`},
		{"it belongs to no issue", `SELECT r.id, r.line FROM recipient r LEFT JOIN issue i ON i.id = r.id >> 32 WHERE i.id IS NULL`},
		{"its address is not on the roll", `SELECT r.id, r.line FROM issue i CROSS JOIN recipient r
			ON r.id > i.id << 32 AND r.id <= (i.id << 32) + i.indexed
			WHERE NOT EXISTS (SELECT 1 FROM address WHERE issue = i.id AND address IN (lower(r.address), r.address) AND id = r.id)`},
		{"the roll has an address that nobody has", `SELECT a.id, 0 FROM address a LEFT JOIN recipient r ON r.id = a.id
			WHERE lower(r.address) IS NOT lower(a.address)`},
		{"it has an answer, but no state", `SELECT a.id, 0 FROM answer a LEFT JOIN delivery d ON d.id = a.id WHERE d.id IS NULL`},
		{
			"a suppression is of no address, or of one that is not folded",
			`SELECT 0, 0 FROM suppression WHERE address = '' OR address <> lower(trim(address))`,
		},
		{
			"a suppression is of no known source, nobody's, or of no time",
			`SELECT 0, 0 FROM suppression WHERE source NOT IN ('unsubscribe', 'bounce', 'manual', 'import') OR by = '' OR at = 0`,
		},
		{"an act is nobody's, nothing, or of no time", `SELECT 0, 0 FROM act WHERE by = '' OR what = '' OR at = 0`},
		{"it has a history, but no state", `SELECT DISTINCT a.id, 0 FROM attempt a LEFT JOIN delivery d ON d.id = a.id WHERE d.id IS NULL`},
	}
}

// Verify checks the books. See [ledger.Auditor].
func (r *Reader) Verify(ctx context.Context) iter.Seq2[ledger.Finding, error] {
	return func(yield func(ledger.Finding, error) bool) {
		if err := r.verify(ctx, func(f ledger.Finding) bool { return yield(f, nil) }); err != nil {
			yield(ledger.Finding{}, wrap("verify the ledger", err))
		}
	}
}

// verify ends early, without error, when yield has had enough.
func (r *Reader) verify(ctx context.Context, yield func(ledger.Finding) bool) error {
	if more, err := r.quick(ctx, yield); err != nil || !more {
		return err
	}
	keys, more, err := r.balance(ctx, yield)
	if err != nil || !more {
		return err
	}
	for _, c := range checks() {
		if more, err := r.look(ctx, c, keys, yield); err != nil || !more {
			return err
		}
	}
	return nil
}

// quick is SQLite's own check of its file.
func (r *Reader) quick(ctx context.Context, yield func(ledger.Finding) bool) (more bool, err error) {
	rows, err := r.db.QueryContext(ctx, `PRAGMA quick_check`)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	for rows.Next() {
		var said string
		if err := rows.Scan(&said); err != nil {
			return false, err
		}
		if said != "ok" && !yield(ledger.Finding{What: "the file is damaged: " + said}) {
			return false, nil
		}
	}
	return true, rows.Err()
}

// balance checks the accounting identity of every issue, and returns their keys.
func (r *Reader) balance(ctx context.Context, yield func(ledger.Finding) bool) (map[int64]ledger.Key, bool, error) {
	ids, issues, err := r.issues(ctx)
	if err != nil {
		return nil, false, err
	}
	keys := map[int64]ledger.Key{}
	for i, id := range ids {
		keys[id] = issues[i].Key
		totals, _, err := r.totals(ctx, id)
		if err != nil {
			return nil, false, err
		}
		if err := totals.Check(); err != nil && !yield(ledger.Finding{Key: issues[i].Key, What: err.Error()}) {
			return nil, false, nil
		}
	}
	return keys, true, nil
}

func (r *Reader) look(ctx context.Context, c check, keys map[int64]ledger.Key, yield func(ledger.Finding) bool) (more bool, err error) {
	rows, err := r.db.QueryContext(ctx, c.where)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	for rows.Next() {
		f := ledger.Finding{What: c.what}
		if err := rows.Scan(&f.ID, &f.Line); err != nil {
			return false, err
		}
		f.Key = keys[f.ID>>32]
		if !yield(f) {
			return false, nil
		}
	}
	return true, rows.Err()
}
