package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"hongyan/internal/ledger"
)

// perPage is how many recipients a table shows.
const perPage = 50

// An issueView is an issue's page.
type issueView struct {
	standing
	State ledger.State // of the filter; "" = all
	Text  string
	After int64
	Found
}

// A standing is what of an issue changes while one looks at it.
type standing struct {
	Key   ledger.Key
	Job   Job // without a standing when it is not on the floor
	Issue ledger.Issue
	Known bool          // there is a campaign of that name
	Rate  float64       // recipients a second, of late
	Left  time.Duration // until the open ones are settled, 0 = not known
	Curve curve
}

// Waiting is how many recipients a run still has something to do for; those in
// doubt wait for a person.
func (s standing) Waiting() int { return waiting(s.Issue.Totals) }

func waiting(t ledger.Totals) int { return t.Queued + t.Sending + t.Deferred }

func (s *Server) issuePage(r *http.Request) (view, error) {
	now, err := s.standing(r.Context(), keyOf(r), s.counts.lastCurve)
	if err != nil {
		return view{}, err
	}
	v := issueView{standing: now, State: ledger.State(r.FormValue("state")), Text: r.FormValue("q")}
	v.After, _ = strconv.ParseInt(r.FormValue("after"), 10, 64)
	if v.Found, err = s.search(v).Find(r.Context()); err != nil {
		return view{}, err
	}
	k := keyOf(r)
	return view{Page: "issue", Here: "campaigns", Heading: k.String(), Live: "/live" + link(k), Data: v}, nil
}

// search is for the recipients that a page shows.
func (s *Server) search(v issueView) Search {
	f := ledger.Filter{Text: v.Text, After: v.After, Limit: perPage}
	if slices.Contains(ledger.States(), v.State) {
		f.States = []ledger.State{v.State}
	}
	return Search{Books: s.Books, Key: v.Key, Filter: f}
}

// Next is the query of the next page.
func (v issueView) Next() string { return v.query(string(v.State), v.More) }

// First is the query of the first page.
func (v issueView) First() string { return v.query(string(v.State), 0) }

// Only is the query by which only a state is shown; "" shows all.
func (v issueView) Only(state ledger.State) string { return v.query(string(state), 0) }

func (v issueView) query(state string, after int64) string {
	q := url.Values{}
	if state != "" {
		q.Set("state", state)
	}
	if v.Text != "" {
		q.Set("q", v.Text)
	}
	if after > 0 {
		q.Set("after", strconv.FormatInt(after, 10))
	}
	return "?" + q.Encode()
}

// timelinePage is the curve in numbers.
func (s *Server) timelinePage(r *http.Request) (view, error) {
	now, err := s.standing(r.Context(), keyOf(r), s.curve)
	return view{Page: "timeline", Here: "campaigns", Heading: keyOf(r).String(), Data: now}, err
}

// standing tells how the issue is. Its curve is drawn anew, or the last one
// does: the page itself need not wait for it, what follows it live brings it.
func (s *Server) standing(ctx context.Context, k ledger.Key, draw func(context.Context, ledger.Issue) (curve, error)) (standing, error) {
	issue, err := s.issue(ctx, k)
	if err != nil {
		return standing{}, err
	}
	jobs, err := s.Desk.Jobs(ctx)
	if err != nil {
		return standing{}, err
	}
	_, err = s.campaign(ctx, k.Campaign)
	now := standing{Key: k, Job: jobOf(jobs, k), Issue: issue, Known: err == nil}
	if now.Curve, err = draw(ctx, issue); err != nil {
		return standing{}, err
	}
	if now.Job.Standing == Running {
		now.Rate = now.Curve.rate(time.Now())
		now.Left = left(now.Job, issue.Totals, now.Rate)
	}
	return now, nil
}

// left is how long the open recipients take: at the accounts' limits, and not
// faster than it went of late.
func left(j Job, t ledger.Totals, rate float64) time.Duration {
	n := waiting(t)
	if rate <= 0 || n == 0 {
		return j.Takes
	}
	return max(j.Takes, time.Duration(float64(n)/rate*float64(time.Second)))
}

// An entryView is all that is known of one recipient.
type entryView struct {
	ledger.Entry
	Earlier []ledger.Attempt
	Columns []string
}

func (s *Server) entryPage(r *http.Request) (view, error) {
	e, err := s.entry(r.Context(), keyOf(r), r.PathValue("id"))
	if err != nil {
		return view{}, err
	}
	v := entryView{Entry: e}
	if v.Earlier, err = s.Books.Attempts(r.Context(), e.ID); err != nil {
		return view{}, err
	}
	for name := range e.Fields {
		v.Columns = append(v.Columns, name)
	}
	slices.Sort(v.Columns)
	return view{Page: "entry", Here: "campaigns", Heading: e.Address, Data: v}, nil
}

func (s *Server) entry(ctx context.Context, k ledger.Key, text string) (ledger.Entry, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return ledger.Entry{}, ErrUnknown
	}
	for e, err := range s.Books.Entries(ctx, k, ledger.Filter{After: id - 1, Limit: 1}) {
		if err != nil || e.ID != id {
			return ledger.Entry{}, firstOf(err, ErrUnknown)
		}
		return e, nil
	}
	return ledger.Entry{}, ErrUnknown
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
