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

// Links are how an account's connections fare, whatever issue they carry. A lane
// that is given to one run after another keeps them. The zero Links fare well.
type Links struct {
	mu   sync.Mutex // guards the fields below
	lost int        // in a row
	away int        // refusals in a row before anybody was named
}

// broke returns how many links in a row were lost, with this one.
func (l *Links) broke() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost++
	return l.lost
}

// turnedAway returns how many refusals in a row came before anybody was named.
func (l *Links) turnedAway() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away++
	return l.away
}

// answered notes that the server is there.
func (l *Links) answered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = 0
}

// listened notes that the server let a mail be offered.
func (l *Links) listened() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = 0
}
