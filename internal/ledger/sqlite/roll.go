package sqlite

import (
	"context"
	"maps"
	"slices"
	"strings"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/intake"
)

// A roll knows the address of every entry of an issue, folded, and which entry
// has it.
//
// An index that takes each address as it comes would dirty a page of it per
// row: with a million rows that costs more than everything else. So new
// addresses are gathered in memory and entered in sorted batches; those that a
// dead process had gathered are found again by their ids.
type roll struct {
	issue  int64
	recent map[string]int64 // gathered, not entered yet
	sieve  *intake.Sieve    // of all addresses; nil: any may be known
}

// batch is how many addresses are gathered.
const batch = 32 << 10

// openRoll gathers again what was not entered: the entries after indexed.
func openRoll(ctx context.Context, r *Reader, issue, indexed, end int64) (*roll, error) {
	l := &roll{issue: issue, recent: map[string]int64{}}
	if end == first(issue) {
		l.sieve = intake.NewSieve(1 << 23)
		return l, nil
	}
	rows, err := r.db.QueryContext(ctx, `SELECT id, address FROM recipient WHERE id > ?1 AND id <= ?2`, first(issue)+indexed, end)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var address string
		if err := rows.Scan(&id, &address); err != nil {
			return nil, err
		}
		l.recent[ledger.Folded(address)] = id
	}
	return l, rows.Err()
}

// find returns the entry of an address, 0 when there is none.
func (l *roll) find(t *tx, key string) (id int64) {
	if !l.sieve.Maybe(key) {
		return 0
	}
	if id = l.recent[key]; id == 0 {
		t.row([]any{&id}, `SELECT id FROM address WHERE issue = ?1 AND address = ?2`, l.issue, key)
	}
	return id
}

func (l *roll) add(key string, id int64) {
	l.recent[strings.Clone(key)] = id // or the whole row would stay
	l.sieve.Add(key)
}

// enter writes the gathered addresses in order, so that each page of the index
// is touched once. The primary key is the last guard against two entries of
// one address.
func (l *roll) enter(t *tx, size int64) {
	for _, key := range slices.Sorted(maps.Keys(l.recent)) {
		t.exec(`INSERT INTO address (issue, address, id) VALUES (?, ?, ?)`, l.issue, key, l.recent[key])
	}
	t.exec(`UPDATE issue SET indexed = ?2 WHERE id = ?1 AND indexed <> ?2`, l.issue, size)
	clear(l.recent)
}
