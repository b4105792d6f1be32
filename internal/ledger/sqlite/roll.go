package sqlite

import (
	"context"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
)

// A roll knows the address of every entry of an issue, and which entry has it.
//
// An index that takes each address as it comes would dirty a page of it per
// row: with a million rows that costs more than everything else. So new
// addresses are gathered in memory and entered in sorted batches; those that a
// dead process had gathered are found again by their ids.
type roll struct {
	issue  int64
	recent map[string]int64 // gathered, not entered yet
	sieve  *sieve           // of all addresses; nil: any may be known
}

// batch is how many addresses are gathered.
const batch = 32 << 10

// openRoll gathers again what was not entered: the entries after indexed.
func openRoll(ctx context.Context, r *Reader, issue, indexed, end int64) (*roll, error) {
	l := &roll{issue: issue, recent: map[string]int64{}}
	if end == first(issue) {
		l.sieve = &sieve{seed: maphash.MakeSeed(), bits: make([]uint64, sieveBits/64)}
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
		l.recent[address] = id
	}
	return l, rows.Err()
}

// find returns the entry of an address, 0 when there is none.
func (l *roll) find(t *tx, address string) (id int64) {
	if l.sieve != nil && !l.sieve.has(address) {
		return 0
	}
	if id = l.recent[address]; id == 0 {
		t.row([]any{&id}, `SELECT id FROM address WHERE issue = ?1 AND address = ?2`, l.issue, address)
	}
	return id
}

func (l *roll) add(address string, id int64) {
	l.recent[strings.Clone(address)] = id // or the whole row would stay
	if l.sieve != nil {
		l.sieve.add(address)
	}
}

// enter writes the gathered addresses in order, so that each page of the index
// is touched once. The primary key is the last guard against two entries of
// one address.
func (l *roll) enter(t *tx, size int64) {
	for _, address := range slices.Sorted(maps.Keys(l.recent)) {
		t.exec(`INSERT INTO address (issue, address, id) VALUES (?, ?, ?)`, l.issue, address, l.recent[address])
	}
	t.exec(`UPDATE issue SET indexed = ?2 WHERE id = ?1 AND indexed <> ?2`, l.issue, size)
	clear(l.recent)
}

// A sieve is a Bloom filter: it lets new addresses pass without a look at the
// tables. Of a million one in five hundred is looked up in vain; of many more,
// more are.
type sieve struct {
	seed maphash.Seed
	bits []uint64
}

const sieveBits = 1 << 24

func (s *sieve) add(address string) {
	for at := range s.places(address) {
		s.bits[at/64] |= 1 << (at % 64)
	}
}

func (s *sieve) has(address string) bool {
	for at := range s.places(address) {
		if s.bits[at/64]&(1<<(at%64)) == 0 {
			return false
		}
	}
	return true
}

// places yields four of the bits, by double hashing.
func (s *sieve) places(address string) func(func(uint64) bool) {
	h := maphash.String(s.seed, address)
	return func(yield func(uint64) bool) {
		for i := range uint64(4) {
			if !yield((h + i*(h>>32|1)) % sieveBits) {
				return
			}
		}
	}
}
