package sqlite

import (
	"context"
	"errors"

	"hongyan/internal/ledger"
)

// A was is what the tables already say about a row.
type was struct {
	id    int64
	line  int
	state int
	key   string // of its address
}

// differs reports whether meeting l again has something to write.
func (w *was) differs(l line) bool { return w.state == skipped || w.line != l.Line }

// known walks along the entries of earlier passes, in list order, beside the
// list that is being enqueued again: where both agree, no index is asked.
type known struct {
	at, end int64 // ids: where the next page begins after, where the last one ends
	page    []was
}

// meet returns the next known entry if its address has this key, and passes on.
func (k *known) meet(ctx context.Context, s *Store, key string) (*was, error) {
	if len(k.page) == 0 && k.at < k.end {
		if err := k.turn(ctx, s); err != nil {
			return nil, err
		}
	}
	if len(k.page) == 0 || k.page[0].key != key {
		return nil, nil
	}
	met := &k.page[0]
	k.page = k.page[1:]
	return met, nil
}

// turn reads the next page. Only this pass adds and cures entries, so what it
// reads outside of its own transaction stays true.
func (k *known) turn(ctx context.Context, s *Store) error {
	rows, err := s.db.QueryContext(ctx, `SELECT r.id, r.line, d.state, r.address FROM recipient r CROSS JOIN delivery d ON d.id = r.id
		WHERE r.id > ?1 AND r.id <= ?2 ORDER BY r.id LIMIT ?3`, k.at, k.end, page)
	if err != nil {
		return err
	}
	defer rows.Close()
	k.page = make([]was, 0, page)
	k.at = k.end
	for rows.Next() {
		var w was
		if err := rows.Scan(&w.id, &w.line, &w.state, &w.key); err != nil {
			return err
		}
		w.key = ledger.Folded(w.key)
		k.page = append(k.page, w)
	}
	if len(k.page) == page {
		k.at = k.page[page-1].id
	}
	return rows.Err()
}

// resume walks on after id: the list was edited, and this is where it is now.
func (k *known) resume(id int64) { k.page, k.at = nil, min(id, k.end) }

// was reads what the tables say of an entry.
func (t *tx) was(id int64) *was {
	w := &was{id: id}
	if !t.row([]any{&w.line, &w.state}, `SELECT r.line, d.state FROM recipient r JOIN delivery d ON d.id = r.id
		WHERE r.id = ?1`, id) && t.err == nil {
		t.err = errors.New("entry " + ledger.Label(id) + " has an address, but no recipient or no state")
	}
	return w
}

// addressless returns the ids of all rows without address.
func (t *tx) addressless(issue int64) (ids []int64) {
	var id int64
	t.each([]any{&id}, func() bool { ids = append(ids, id); return true },
		`SELECT id FROM address WHERE issue = ?1 AND address >= ?2 AND address < 'line;'`, issue, addresslessPrefix)
	return ids
}
