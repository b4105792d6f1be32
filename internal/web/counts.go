package web

import (
	"context"
	"sync"
	"time"

	"hongyan/internal/ledger"
)

// fresh is for how long a count stands in for the ledger: many may look at one
// page, and none of them sees a difference.
const fresh = 500 * time.Millisecond

// counts are what was last counted, so that a hundred open pages cost the
// ledger as much as one.
type counts struct {
	mu     sync.Mutex // held while the ledger is asked: whoever comes meanwhile shares the answer
	at     time.Time
	issues []ledger.Issue
}

// issues lists all issues with their totals.
func (s *Server) issues(ctx context.Context) ([]ledger.Issue, error) {
	c := &s.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.at) < fresh {
		return c.issues, nil
	}
	issues, err := s.Books.Issues(ctx)
	if err != nil {
		return nil, err
	}
	c.at, c.issues = time.Now(), issues
	return issues, nil
}

// forget makes the next look a fresh one: somebody has just changed something.
func (c *counts) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = time.Time{}
}

func (s *Server) issue(ctx context.Context, k ledger.Key) (ledger.Issue, error) {
	issues, err := s.issues(ctx)
	if err != nil {
		return ledger.Issue{}, err
	}
	for _, issue := range issues {
		if issue.Key == k {
			return issue, nil
		}
	}
	return ledger.Issue{}, ErrUnknown
}
