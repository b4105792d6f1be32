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
	flying  map[int64]bool // entries whose intent was recorded and whose outcome was not
	landed  int            // how many of them are waiting with their outcome

	all chan struct{} // of one: nobody is missing
}

func newQueue() *queue {
	return &queue{flying: map[int64]bool{}, all: make(chan struct{}, 1)}
}

func (q *queue) join(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, w)
	for _, e := range w.events {
		if o, ok := e.(ledger.Outcome); ok && q.flying[o.ID] {
			q.landed++
		}
	}
	if q.landed >= len(q.flying) {
		q.signal()
	}
}

func (q *queue) signal() {
	select {
	case q.all <- struct{}{}:
	default:
	}
}

// assemble waits for the mails that are in flight: one commit for all is
// cheaper than two for half of them each, which is what their connections fall
// into when they take turns. It waits for no longer than the last commit took,
// so that no outcome takes more than twice as long; a connection alone never
// waits.
func (q *queue) assemble(atMost time.Duration) {
	if q.whole() {
		return
	}
	timer := time.NewTimer(min(atMost, longestWait))
	defer timer.Stop()
	select {
	case <-q.all:
	case <-timer.C:
	}
}

// longestWait is what a group costs at most in speed where a server answers slowly.
const longestWait = 5 * time.Millisecond

// whole reports whether nobody is missing; if somebody is, all will tell.
func (q *queue) whole() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-q.all: // told of an earlier group
	default:
	}
	return q.landed >= len(q.flying)
}

// gather takes everybody who waits. They are as good as recorded: if they are
// not, nothing is recorded any more.
func (q *queue) gather() []*waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	group := q.waiting
	q.waiting, q.landed = nil, 0
	for _, w := range group {
		for _, e := range w.events {
			q.depart(e)
		}
	}
	return group
}

func (q *queue) depart(e ledger.Event) {
	switch e := e.(type) {
	case ledger.Intent:
		q.flying[e.ID] = true
	case ledger.Outcome:
		delete(q.flying, e.ID)
	}
}
