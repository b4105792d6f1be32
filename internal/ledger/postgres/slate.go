package postgres

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"hongyan/internal/ledger"
)

// A slate is who is known to be on no list of the suppressed: it is asked for
// every mail, and a round trip for each would cost more than all the rest. It is
// wiped when the suppressions have changed.
type slate struct {
	mu       sync.Mutex          // guards the fields below
	writes   int                 // of this process, which sees its own at once
	revision int64               // of the suppressions
	asked    time.Time           // since when it was this one at least
	nobody   bool                // is suppressed at all
	clean    map[string]struct{} // folded addresses, each until it was asked for
}

const (
	// moment is for how long what another process has written may go unseen.
	moment = 100 * time.Millisecond
	// lapse is after how long all is looked up anew: the database may be another
	// one by then, that took the place of the first and counts on from less.
	lapse = time.Second
	// slateRoom bounds those that were given back and never asked for.
	slateRoom = 10_000
)

// clears reports whether an address is known to get its mail.
func (s *slate) clears(address string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.asked) >= moment {
		return false
	}
	_, clean := s.clean[address]
	delete(s.clean, address)
	return clean || s.nobody
}

// begin is before a census is taken; empty says that none is needed.
func (s *slate) begin(now time.Time) (c census, empty bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return census{writes: s.writes, begun: now}, s.nobody && now.Sub(s.asked) < moment
}

// A census is what the slate learns at once.
type census struct {
	writes   int
	begun    time.Time
	revision int64
	nobody   bool
	clean    []string
}

// note writes a census down, unless this process has changed something meanwhile.
func (s *slate) note(c census) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.writes != s.writes {
		return
	}
	if c.revision != s.revision || c.begun.Sub(s.asked) > lapse || len(s.clean) > slateRoom {
		s.clean = map[string]struct{}{}
		s.asked = time.Time{}
	}
	s.revision, s.nobody = c.revision, c.nobody
	if c.begun.After(s.asked) {
		s.asked = c.begun
	}
	for _, address := range c.clean {
		s.clean[address] = struct{}{}
	}
}

// changed is after this process has changed something.
func (s *slate) changed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	s.asked, s.nobody, s.clean = time.Time{}, false, nil
}

// atRevision is what a census asks of the revision, beside whom it is about.
const atRevision = `SELECT n, NOT EXISTS (SELECT 1 FROM suppression)`

// foresee looks up all that were claimed, before their turns come. What it does
// not come to know is asked for then.
func (s *Store) foresee(ctx context.Context, claimed []ledger.Entry) {
	c, empty := s.slate.begin(time.Now())
	if empty || len(claimed) == 0 {
		return
	}
	addresses := make([]string, len(claimed))
	for i, e := range claimed {
		addresses[i] = text(ledger.Folded(e.Address))
	}
	var listed []string
	err := s.pool.QueryRow(ctx, atRevision+`, ARRAY(SELECT address FROM suppression WHERE address = ANY($1)) FROM revision`, addresses).
		Scan(&c.revision, &c.nobody, &listed)
	if err != nil {
		return
	}
	c.clean = slices.DeleteFunc(addresses, func(a string) bool { return slices.Contains(listed, a) })
	s.slate.note(c)
}

// renewed has a batch also tell the slate's census.
func (s *slate) renewed(b *pgx.Batch) *census {
	c, _ := s.begin(time.Now())
	b.Queue(atRevision + ` FROM revision`).QueryRow(func(row pgx.Row) error { return row.Scan(&c.revision, &c.nobody) })
	return &c
}
