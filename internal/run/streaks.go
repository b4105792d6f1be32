package run

import (
	"sync"

	"hongyan/internal/reply"
)

// Streaks count the verdicts of a class that come in a row. A lane that is given
// to one run of an issue after another keeps them. The zero value has none.
type Streaks struct {
	mu sync.Mutex
	n  map[reply.Class]int
}

// more returns how many verdicts of a class came in a row, with this one.
func (s *Streaks) more(class reply.Class) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n == nil {
		s.n = map[reply.Class]int{}
	}
	s.n[class]++
	return s.n[class]
}

// over notes a mail that was taken.
func (s *Streaks) over() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.n)
}
