package web

import (
	"context"
	"net/http"
	"time"

	"hongyan/internal/ledger"
)

// shown is how many of the last issues the overview has.
const shown = 10

// An overview is what stands first: what is under way, what waits, what ended.
type overview struct {
	Jobs   []progress
	Due    []slot
	Holds  []ledger.Hold
	Faulty []Campaign
	Past   []ledger.Issue
	Doubts int
	Crew   *Crew // nil where one process has the ledger alone
}

// A progress is an issue on the floor with what the ledger has of it.
type progress struct {
	Job
	Totals ledger.Totals
}

func (s *Server) overviewPage(r *http.Request) (view, error) {
	o, err := s.survey(r.Context())
	return view{Page: "overview", Title: "Overview", Live: "/live/overview", Data: o}, err
}

func (s *Server) survey(ctx context.Context) (overview, error) {
	var o overview
	jobs, err := s.Desk.Jobs(ctx)
	if err != nil {
		return o, err
	}
	issues, err := s.issues(ctx)
	if err != nil {
		return o, err
	}
	if o.Holds, err = s.holds(ctx); err != nil {
		return o, err
	}
	if o.Crew, err = s.crew(ctx); err != nil {
		return o, err
	}
	campaigns, err := s.Desk.Campaigns(ctx)
	if err != nil {
		return o, err
	}
	o.Due, o.Faulty = coming(campaigns), faulty(campaigns)
	o.place(jobs, issues)
	return o, nil
}

// holds are those that stand now.
func (s *Server) holds(ctx context.Context) (out []ledger.Hold, err error) {
	all, err := s.Books.Holds(ctx)
	for _, hold := range all {
		if hold.Holds(time.Now()) {
			out = append(out, hold)
		}
	}
	return out, err
}

// place tells the issues on the floor from those that are over.
func (o *overview) place(jobs []Job, issues []ledger.Issue) {
	on := map[ledger.Key]Job{}
	for _, job := range jobs {
		on[job.Key] = job
	}
	for _, issue := range issues {
		o.Doubts += issue.InDoubt
		if job, ok := on[issue.Key]; ok {
			o.Jobs = append(o.Jobs, progress{job, issue.Totals})
			delete(on, issue.Key)
		} else if len(o.Past) < shown {
			o.Past = append(o.Past, issue)
		}
	}
	for _, job := range jobs { // planned so newly that the ledger does not know them yet
		if _, ok := on[job.Key]; ok {
			o.Jobs = append(o.Jobs, progress{Job: job})
		}
	}
}
