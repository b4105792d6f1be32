package pace

import "sync"

// A Concurrency finds out how many connections at once a server likes, as
// Postfix's queue manager does (SCHEDULER_README, 1/N feedback): one more after
// as many successes as there are connections, one less at the first refusal of
// a series, and one less again only when a whole cohort of them was refused.
// It never leaves 1 to its cap. It is safe for concurrent use.
type Concurrency struct {
	mu      sync.Mutex
	most    int
	now     int
	good    int // since the last change
	refused int // in a row
}

// NewConcurrency starts with so many connections, of at most so many.
func NewConcurrency(start, most int) *Concurrency {
	most = max(most, 1)
	return &Concurrency{most: most, now: min(max(start, 1), most)}
}

// Limit is how many connections may be open now.
func (c *Concurrency) Limit() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Succeeded reports a mail that the server took.
func (c *Concurrency) Succeeded() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused = 0
	if c.good++; c.good >= c.now && c.now < c.most {
		c.now, c.good = c.now+1, 0
	}
}

// Refused reports that the server wanted fewer connections or none.
func (c *Concurrency) Refused() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.good = 0
	if c.refused%c.now == 0 && c.now > 1 {
		c.now, c.refused = c.now-1, 0
	}
	c.refused++
}
