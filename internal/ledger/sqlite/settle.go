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
	t.exec(`INSERT INTO answer (id, settled_by, settled_at) VALUES (?1, ?2, ?3)
		ON CONFLICT (id) DO UPDATE SET settled_by = ?2, settled_at = ?3`, id, w.By, at)
	if w.To == ledger.Deferred {
		t.exec(`INSERT INTO due (issue, account, due, id) SELECT id >> 32, account, due, id FROM delivery WHERE id = ?1`, id)
	}
	return 1
}
