package web

import (
	"net/http"

	"hongyan/internal/ledger"
)

// shown is how many of the last issues the overview has.
const shown = 12

// An overview is what stands first: what is under way, what waits, what ended.
type overview struct {
	Jobs   []progress
	Due    []slot
	Holds  []ledger.Hold
	Faulty []Campaign
	Past   []ledger.Issue
	Doubts int
}

// A progress is an issue on the floor with what the ledger has of it.
type progress struct {
	Job
	Totals ledger.Totals
}

// Share is how much of the issue is settled, in thousandths.
func (p progress) Share() int { return 1000 * p.Totals.Settled() / max(p.Totals.Rows, 1) }

func (s *Server) overview(r *http.Request) (view, error) {
	o, err := s.survey(r)
	return view{Page: "overview", Title: "Overview", Data: o}, err
}

func (s *Server) survey(r *http.Request) (overview, error) {
	var o overview
	jobs, err := s.Desk.Jobs(r.Context())
	if err != nil {
		return o, err
	}
	issues, err := s.Books.Issues(r.Context())
	if err != nil {
		return o, err
	}
	if o.Holds, err = s.Books.Holds(r.Context()); err != nil {
		return o, err
	}
	campaigns, err := s.Desk.Campaigns(r.Context())
	if err != nil {
		return o, err
	}
	o.Due, o.Faulty = coming(campaigns), faulty(campaigns)
	o.place(jobs, issues)
	return o, nil
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
