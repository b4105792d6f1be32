package sqlite

import (
	"sync"
	"time"

	"hongyan/internal/ledger"
)

// A waiter is one caller of Record, waiting for its events to be durable.
type waiter struct {
	events          []ledger.Event
	recorded, taken []int64    // entries, by what became of the event
	done            chan error // of one
}

// A queue is who waits for the next commit, and who may join them any moment:
// a mail that is on its way to the server comes back with an outcome.
type queue struct {
	mu      sync.Mutex // guards the fields below
	waiting []*waiter
	flying  map[int64]bool // entries whose intent is durable and whose outcome has not come

	joined chan struct{} // of one: somebody has
}

func newQueue() *queue {
	return &queue{flying: map[int64]bool{}, joined: make(chan struct{}, 1)}
}

func (q *queue) join(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, w)
	for _, e := range w.events {
		if o, ok := e.(ledger.Outcome); ok {
			delete(q.flying, o.ID)
		}
	}
	select {
	case q.joined <- struct{}{}:
	default:
	}
}

// gather takes everybody who waits. They are as good as recorded: if they are
// not, nothing is recorded any more.
func (q *queue) gather() []*waiter {
	some, _ := q.here()
	return some
}

// here also reports whether that is all: no mail is in flight.
func (q *queue) here() (some []*waiter, all bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	some, q.waiting = q.waiting, nil
	return some, len(q.flying) == 0
}

// late waits for the mails that are in flight and returns who brings the next
// outcomes; nobody when all are there, or when it is time. One commit for all is
// cheaper than two for half of them each, which is what their connections fall
// into when they take turns; a connection alone never waits.
func (q *queue) late(time <-chan time.Time) []*waiter {
	for {
		if some, all := q.here(); len(some) > 0 || all {
			return some
		}
		select {
		case <-q.joined:
		case <-time:
			return nil
		}
	}
}

// longestWait is what a group costs at most in speed where a server answers
// slowly. Among enough callers what a commit costs is lost anyway.
const (
	longestWait = 5 * time.Millisecond
	enough      = 64
)

// departs says that the intents of a group are durable: their mails may leave.
func (q *queue) departs(group []*waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, w := range group {
		for _, e := range w.events {
			if i, ok := e.(ledger.Intent); ok {
				q.flying[i.ID] = true
			}
		}
	}
}
