package sqlite

import (
	"context"
	"sync"
	"time"

	"hongyan/internal/ledger"
)

// nobody remembers for a moment that there are no suppressions at all, as in
// most ledgers: it is asked for every mail.
type nobody struct {
	mu      sync.Mutex
	until   time.Time // nobody is suppressed, as far as is known
	changes int       // by this process
	some    bool      // somebody was seen: there is no use in asking again
}

// moment is for how long the first suppression of another process may go
// unseen. This process sees its own at once.
const moment = 100 * time.Millisecond

// Suppressed says whether an address gets no mail. See [ledger.Suppressor]; what
// another process has written is seen within a tenth of a second.
func (s *Store) Suppressed(ctx context.Context, list, address string) (ledger.Suppression, bool, error) {
	changes, empty, some := s.none.look(time.Now())
	if empty {
		return ledger.Suppression{}, false, nil
	}
	by, ok, err := s.Reader.Suppressed(ctx, list, address)
	if err != nil || ok || some {
		return by, ok, err
	}
	if err := s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM suppression)`).Scan(&some); err != nil {
		return ledger.Suppression{}, false, wrap("look for suppressions", err)
	}
	s.none.seen(changes, some, time.Now().Add(moment))
	return ledger.Suppression{}, false, nil
}

// look returns how often this process has changed something, and whether it is
// still known that there is nobody, or that there is somebody.
func (n *nobody) look(now time.Time) (changes int, empty, some bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.changes, now.Before(n.until), n.some
}

// seen keeps whether there was somebody, unless this process wrote meanwhile.
func (n *nobody) seen(changes int, some bool, until time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.changes != changes {
		return
	}
	if n.some = some; !some {
		n.until = until
	}
}

// changed forgets it.
func (n *nobody) changed() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.changes++
	n.until = time.Time{}
}
