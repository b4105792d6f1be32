package web

import (
	"context"
	"sync"
	"time"

	"hongyan/internal/ledger"
)

// A count stands in for the ledger for half a second, or for twenty times as
// long as the counting took: many may look at one page, and looking never takes
// more than a twentieth of a core from the sending.
const (
	fresh = 500 * time.Millisecond
	cheap = 20
)

// counts are what was last counted, so that a hundred open pages cost the
// ledger as much as one.
type counts struct {
	mu     sync.Mutex // held while the ledger is asked: whoever comes meanwhile shares the answer
	until  time.Time
	issues []ledger.Issue
	curves map[ledger.Key]drawing

	crewUntil time.Time
	crew      *Crew
}

// A drawing is the curve of an issue as it was.
type drawing struct {
	of    ledger.Issue
	until time.Time
	curve curve
}

// lasting is until when a count holds that was begun at a time.
func lasting(begun time.Time) time.Time {
	now := time.Now()
	return now.Add(max(fresh, cheap*now.Sub(begun)))
}

// issues lists all issues with their totals.
func (s *Server) issues(ctx context.Context) ([]ledger.Issue, error) {
	c := &s.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	begun := time.Now()
	if begun.Before(c.until) {
		return c.issues, nil
	}
	issues, err := s.Books.Issues(ctx)
	if err != nil {
		return nil, err
	}
	c.until, c.issues = lasting(begun), issues
	return issues, nil
}

// crew is who works on the ledger and what waits for them.
func (s *Server) crew(ctx context.Context) (*Crew, error) {
	c := &s.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	begun := time.Now()
	if begun.Before(c.crewUntil) {
		return c.crew, nil
	}
	crew, err := s.Desk.Crew(ctx)
	if err != nil {
		return nil, err
	}
	c.crewUntil, c.crew = lasting(begun), crew
	return crew, nil
}

// forget makes the next look a fresh one: somebody has just changed something.
func (c *counts) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until, c.crewUntil = time.Time{}, time.Time{}
}

// lastCurve is what was last drawn of an issue, nothing if nothing was.
func (c *counts) lastCurve(_ context.Context, issue ledger.Issue) (curve, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.curves[issue.Key].curve, nil
}

// curve is an issue's, which stays what it is while the issue does.
func (s *Server) curve(ctx context.Context, issue ledger.Issue) (curve, error) {
	c := &s.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	begun := time.Now()
	if last, ok := c.curves[issue.Key]; ok && (begun.Before(last.until) || last.of.Last.Equal(issue.Last) && last.of.Totals == issue.Totals) {
		return last.curve, nil
	}
	drawn, err := s.newCurve(ctx, issue)
	if err != nil {
		return curve{}, err
	}
	if c.curves == nil || len(c.curves) > perPage {
		c.curves = map[ledger.Key]drawing{}
	}
	c.curves[issue.Key] = drawing{issue, lasting(begun), drawn}
	return drawn, nil
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
