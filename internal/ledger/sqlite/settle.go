package sqlite

import (
	"context"

	"hongyan/internal/ledger"
)

// Settle decides doubts. See [ledger.Auditor].
func (s *Store) Settle(ctx context.Context, k ledger.Key, w ledger.Settlement) (int, error) {
	if err := w.Check(); err != nil {
		return 0, err
	}
	issue, err := s.issue(ctx, k)
	if err != nil {
		return 0, err
	}
	ids := w.IDs
	if ids == nil {
		if ids, err = s.doubts(ctx, issue); err != nil {
			return 0, wrap("look for doubts", err)
		}
	}
	settled := 0
	err = s.writer.write(func(t *tx) {
		for _, id := range ids {
			settled += t.settle(issue, id, w)
		}
	})
	return settled, err
}

func (r *Reader) doubts(ctx context.Context, issue int64) ([]int64, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT id FROM delivery WHERE id BETWEEN ?1 AND ?2 AND state = ?3`,
		first(issue), last(issue), inDoubt)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// settle decides one doubt, keeping the evidence, and returns how many it was.
func (t *tx) settle(issue, id int64, w ledger.Settlement) int {
	at, due := w.At.UnixMilli(), int64(0)
	if w.To == ledger.Deferred {
		due = at
	}
	if id>>32 != issue || t.exec(`UPDATE delivery SET state = ?2, due = ?3, ended = iif(ended = 0, ?4, ended)
		WHERE id = ?1 AND state = 5`, id, number(w.To), due, at) == 0 {
		return 0
	}
	t.changes(id)
	t.sign(id, w.By, at)
	if w.To == ledger.Deferred {
		t.comesDue(id)
	}
	return 1
}

// sign keeps who decided about an entry, and when.
func (t *tx) sign(id int64, by string, at int64) {
	t.exec(`INSERT INTO answer (id, settled_by, settled_at) VALUES (?1, ?2, ?3)
		ON CONFLICT (id) DO UPDATE SET settled_by = ?2, settled_at = ?3`, id, by, at)
}

// comesDue enters what was just deferred among those that come due.
func (t *tx) comesDue(id int64) {
	t.exec(`INSERT INTO due (issue, account, due, id) SELECT id >> 32, account, due, id FROM delivery WHERE id = ?1`, id)
}

// Reopen makes refused entries due again. See [ledger.Auditor].
func (s *Store) Reopen(ctx context.Context, k ledger.Key, w ledger.Reopening) (int, error) {
	if err := w.Check(); err != nil {
		return 0, err
	}
	var ids []int64
	for e, err := range s.Entries(ctx, k, ledger.Filter{States: []ledger.State{ledger.Refused}}) {
		if err != nil {
			return 0, err
		}
		if w.Match(e) {
			ids = append(ids, e.ID)
		}
	}
	reopened := 0
	err := s.writer.write(func(t *tx) {
		for _, id := range ids {
			reopened += t.reopen(id, w)
		}
	})
	return reopened, err
}

// reopen makes one refused entry due, keeping what was said of it.
func (t *tx) reopen(id int64, w ledger.Reopening) int {
	at := w.At.UnixMilli()
	if t.exec(`UPDATE delivery SET state = 4, due = ?2 WHERE id = ?1 AND state = 3`, id, at) == 0 {
		return 0
	}
	t.changes(id)
	t.sign(id, w.By, at)
	t.comesDue(id)
	return 1
}
