package api

import (
	"context"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/web"
)

func (a *api) campaigns(r *http.Request) (any, error) {
	all, err := a.Desk.Campaigns(r.Context())
	out := make([]campaignShape, len(all))
	for i, c := range all {
		out[i] = campaignOf(c)
	}
	return out, err
}

func (a *api) campaign(r *http.Request) (any, error) {
	all, err := a.Desk.Campaigns(r.Context())
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(all, func(c web.Campaign) bool { return c.Name == r.PathValue("campaign") })
	if at < 0 {
		return nil, web.ErrUnknown
	}
	return campaignOf(all[at]), nil
}

func (a *api) draft(r *http.Request) (any, error) {
	d, err := a.Desk.Draft(r.Context(), keyOf(r))
	return draftOf(d), err
}

func (a *api) preview(r *http.Request) (any, error) {
	n, err := number(r, "n", 1)
	if err != nil {
		return nil, err
	}
	m, err := a.Desk.Preview(r.Context(), keyOf(r), int(max(n, 1)))
	return mailOf(m), err
}

// issues has the issues after one. That which was planned anew meanwhile is the
// latest again: who goes on from there sees some twice and misses none.
func (a *api) issues(r *http.Request) (any, error) {
	n, err := limit(r)
	if err != nil {
		return nil, err
	}
	all, err := a.Books.Issues(r.Context())
	if err != nil {
		return nil, err
	}
	if after := (ledger.Key{Campaign: r.FormValue("after"), Issue: r.FormValue("after_issue")}); after != (ledger.Key{}) {
		at := slices.IndexFunc(all, func(i ledger.Issue) bool { return i.Key == after })
		if at < 0 {
			return nil, web.ErrUnknown
		}
		all = all[at+1:]
	}
	jobs, err := a.Desk.Jobs(r.Context())
	out := make([]issueShape, min(len(all), n+1))
	for i := range out {
		out[i] = issueOf(all[i], jobs)
	}
	return first(r, out, n, func(last issueShape) []string { return []string{"after", last.Campaign, "after_issue", last.Issue} }), err
}

func (a *api) issue(r *http.Request) (any, error) {
	all, err := a.Books.Issues(r.Context())
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(all, func(i ledger.Issue) bool { return i.Key == keyOf(r) })
	if at < 0 {
		return nil, web.ErrUnknown
	}
	jobs, err := a.Desk.Jobs(r.Context())
	return issueOf(all[at], jobs), err
}

// longest is the most seconds that a step of a timeline has: a year.
const longest = 366 * 24 * 60 * 60

func (a *api) timeline(r *http.Request) (any, error) {
	step, err := number(r, "step", 60)
	if err != nil || step < 1 || step > longest {
		return nil, &badRequest{fault.Textf("step must be from 1 second to a year of them")}
	}
	moments, wide, err := a.moments(r.Context(), keyOf(r), time.Duration(step)*time.Second)
	out := make([]momentShape, len(moments))
	for i, m := range moments {
		out[i] = momentShape{m.At, seconds(wide), countsOf(m.Totals)}
	}
	return out, err
}

// moments are an issue's by a step, which is doubled until they are not too many.
// Steps of a minute or more are looked at first: only of an issue that was short are
// finer ones asked for, which may be as many as its recipients.
func (a *api) moments(ctx context.Context, k ledger.Key, step time.Duration) ([]ledger.Moment, time.Duration, error) {
	wide := step
	for wide < time.Minute {
		wide *= 2
	}
	all, err := a.Books.Timeline(ctx, k, wide)
	if err == nil && wide > step && len(all) <= most {
		wide = step
		all, err = a.Books.Timeline(ctx, k, wide)
	}
	for len(all) > most {
		wide *= 2
		all = web.Merged(all, wide)
	}
	return all, wide, err
}

// gather collects what a stream yields, each in its shape.
func gather[T, S any](all iter.Seq2[T, error], shape func(T) S) ([]S, error) {
	out := []S{}
	for one, err := range all {
		if err != nil {
			return nil, err
		}
		out = append(out, shape(one))
	}
	return out, nil
}

func (a *api) recipients(r *http.Request) (any, error) {
	n, err := limit(r)
	if err != nil {
		return nil, err
	}
	f := ledger.Filter{Text: r.FormValue("q"), Limit: n}
	if f.After, err = number(r, "after", 0); err != nil {
		return nil, err
	}
	for _, state := range r.Form["state"] {
		if !slices.Contains(ledger.States(), ledger.State(state)) {
			return nil, &badRequest{fault.Textf("there is no state %q", state)}
		}
		f.States = append(f.States, ledger.State(state))
	}
	found, err := web.Search{Books: a.Books, Key: keyOf(r), Filter: f}.Find(r.Context())
	shapes := make([]entryShape, len(found.Rows))
	for i, e := range found.Rows {
		shapes[i] = entryOf(e)
	}
	out := partial{all: shapes}
	if found.More > 0 {
		out.next = onward(r, "after", strconv.FormatInt(found.More, 10))
	}
	return out, err
}

func (a *api) recipient(r *http.Request) (any, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, web.ErrUnknown
	}
	found, err := gather(a.Books.Entries(r.Context(), keyOf(r), ledger.Filter{After: id - 1, Limit: 1}), entryOf)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 || found[0].ID != id {
		return nil, web.ErrUnknown
	}
	earlier, err := a.Books.Attempts(r.Context(), id)
	found[0].Earlier = attemptsOf(earlier)
	return found[0], err
}

func (a *api) accounts(r *http.Request) (any, error) {
	all, err := a.Desk.Accounts(r.Context())
	out := make([]accountShape, len(all))
	for i, one := range all {
		out[i] = accountOf(one)
	}
	return out, err
}

func (a *api) crew(r *http.Request) (any, error) {
	crew, err := a.Desk.Crew(r.Context())
	return crewOf(crew), err
}

func (a *api) suppressions(r *http.Request) (any, error) {
	n, err := limit(r)
	if err != nil {
		return nil, err
	}
	f := ledger.SuppressionFilter{Text: r.FormValue("q"), Limit: n + 1, After: ledger.Suppression{Address: r.FormValue("after"), List: r.FormValue("after_list")}}
	if r.Form.Has("list") {
		list := r.FormValue("list")
		f.List = &list
	}
	all, err := gather(a.Books.Suppressions(r.Context(), f), func(s ledger.Suppression) suppressionShape {
		return suppressionShape{s.Address, s.List, string(s.Source), s.Reason, s.By, s.At}
	})
	return first(r, all, n, func(last suppressionShape) []string { return []string{"after", last.Address, "after_list", last.List} }), err
}

func (a *api) acts(r *http.Request) (any, error) {
	n, err := limit(r)
	if err != nil {
		return nil, err
	}
	before, err := number(r, "before", 0)
	if err != nil {
		return nil, err
	}
	all, err := gather(a.Books.Acts(r.Context(), before, n+1), func(act ledger.Act) actShape {
		return actShape{act.ID, act.At, act.By, act.What, act.Campaign, act.Issue, act.About, act.Note}
	})
	return first(r, all, n, func(last actShape) []string { return []string{"before", strconv.FormatInt(last.ID, 10)} }), err
}
