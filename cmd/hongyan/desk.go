package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"hongyan/internal/campaign/watch"
	"hongyan/internal/config"
	"hongyan/internal/edition/fresh"
	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/lint"
	"hongyan/internal/office"
	"hongyan/internal/report"
	"hongyan/internal/schedule"
	"hongyan/internal/web"
)

// A desk is what the dashboard acts through: the service, in the dashboard's words.
type desk struct {
	*service
	glass *glass
}

func (s *service) desk() desk { return desk{s, &glass{left: map[ledger.Key]guess{}}} }

// A glass remembers what is dear to find out and is looked at again and again.
type glass struct {
	mu   sync.Mutex // guards left
	left map[ledger.Key]guess

	eye  sync.Mutex // held while somebody looks; guards seen
	seen *sight
}

// A guess is how long an issue will take, as it was reckoned at a time.
type guess struct {
	takes time.Duration
	at    time.Time
}

// freshGuess is how long a guess is good enough.
const freshGuess = 10 * time.Second

// nextShown is how many slots of a schedule are told ahead.
const nextShown = 5

// Campaigns lists the folder. See [web.Files].
func (d desk) Campaigns(context.Context) ([]web.Campaign, error) {
	now := time.Now()
	var out []web.Campaign
	for _, f := range d.folder.Entries() {
		c := web.Campaign{Name: nameOf(f), File: shorten(f.File), Faults: f.Faults}
		if f.Good != nil {
			c.Subject, c.Recipients, c.Accounts = f.Good.Subject, shorten(f.Good.Recipients.File), f.Good.Accounts
			c.List, c.Issue = f.Good.List, coming(f, now)
			if len(c.Accounts) == 0 {
				c.Accounts = []string{d.conf.Account}
			}
		}
		if f.Good != nil && f.Good.Schedule != nil {
			c.Schedule = f.Good.Schedule.String()
			for _, slot := range f.Good.Schedule.Next(now, nextShown) {
				c.Next = append(c.Next, slot.At)
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// nameOf is the campaign's, or the file's as long as it was never good.
func nameOf(f watch.Entry) string {
	if f.Good != nil {
		return f.Good.Name
	}
	base := filepath.Base(f.File)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// pick is the campaign that a key names, and the key with its issue.
func (d desk) pick(k ledger.Key) (watch.Entry, ledger.Key, error) {
	f, ok := d.service.find(k.Campaign)
	if !ok {
		return f, k, web.ErrUnknown
	}
	if k.Issue == "" {
		k.Issue = coming(f, time.Now())
	}
	return f, k, nil
}

// Draft looks at what an issue would be. See [web.Files].
func (d desk) Draft(ctx context.Context, k ledger.Key) (web.Draft, error) {
	f, k, err := d.pick(k)
	if err != nil {
		return web.Draft{}, err
	}
	draft := web.Draft{Key: k}
	e, err := d.door.openWritten(ctx, f.File, f.Source, k.Issue, fresh.ToTest)
	if draft.Faults = fault.In(err); draft.Faults != nil || err != nil {
		return draft, unlessFaults(err)
	}
	defer e.Close()
	mailing, err := e.glance()
	if err != nil {
		return draft, err
	}
	p, err := d.door.plan(ctx, e, d.house, mailing.Compose)
	if err != nil {
		return draft, err
	}
	compared, err := d.compare(ctx, e)
	if err != nil {
		return draft, err
	}
	draft.Recipients, draft.Open, draft.Takes = p.recipients(), p.open(), p.takes
	draft.Unfit = p.rehearsal.Unfit + e.Survey.FaultCount
	draft.List = readAs(e.List.Assumed(), e.Survey.Rows)
	draft.Notes, draft.Changed, draft.Findings = notes(p), named(compared.changed), findings(p.rehearsal.Findings)
	if why := e.Fresh.Nothing(); why != nil {
		draft.Notes = append([]fault.Text{why.Why}, draft.Notes...)
	}
	return draft, nil
}

func unlessFaults(err error) error {
	if fault.In(err) != nil {
		return nil
	}
	return err
}

// ReportOptions are those of the folder of reports, as far as the campaign's files
// can be read. See [web.Reports].
func (d desk) ReportOptions(ctx context.Context, k ledger.Key, lang string) (report.Options, error) {
	traced := column(d.lookout.ids)
	bare := report.Options{Lang: lang, Now: time.Now(), Trace: traced}
	f, ok := d.service.find(k.Campaign)
	if !ok {
		return bare, nil
	}
	e, err := d.door.openWritten(ctx, f.File, f.Source, k.Issue, fresh.ToLookBack)
	if err != nil {
		return bare, unlessFaults(err)
	}
	defer e.Close()
	return e.reportOptions(lang, traced), nil
}

// notes are what a person should know of the list before starting.
func notes(p *plan) (out []fault.Text) {
	s := p.dispatch.Survey
	for _, f := range s.Faults[:min(shown, len(s.Faults))] {
		out = append(out, fault.Textf("line %s will be skipped: %s", fmt.Sprint(f.Line), f.What))
	}
	for _, u := range p.rehearsal.Listed[:min(shown, len(p.rehearsal.Listed))] {
		out = append(out, fault.Textf("line %s, %s: will be skipped: %s", fmt.Sprint(u.Line), u.Address, u.Why))
	}
	for _, dup := range s.Duplicates[:min(shown, len(s.Duplicates))] {
		out = append(out, fault.Textf("line %s: %s stands on line %s already; it gets one mail", fmt.Sprint(dup.Line), dup.Address, fmt.Sprint(dup.First)))
	}
	return out
}

func findings(in []lint.Finding) (out []web.Finding) {
	for _, f := range in {
		place := ""
		if f.File != "" && f.Line > 0 {
			place = fmt.Sprintf("%s:%d", shorten(f.File), f.Line)
		}
		out = append(out, web.Finding{Rule: f.Rule, Severity: string(f.Severity), Place: place, What: f.What, Hint: f.Hint})
	}
	return out
}

// Jobs are the issues on the floor, and those that were taken off it. See
// [web.Floor].
func (d desk) Jobs(ctx context.Context) ([]web.Job, error) {
	paused, err := d.office.Paused(ctx)
	if err != nil {
		return nil, err
	}
	on, err := d.floor.jobs(ctx)
	if err != nil {
		return nil, err
	}
	var out []web.Job
	for _, job := range on {
		if _, leaving := paused[job.Key]; leaving {
			continue
		}
		if job.Takes, err = d.left(ctx, job.Key); err != nil {
			return nil, err
		}
		out = append(out, job)
	}
	keys := slices.SortedFunc(maps.Keys(paused), func(a, b ledger.Key) int { return strings.Compare(a.String(), b.String()) })
	for _, k := range keys {
		out = append(out, pausedJob(k, paused[k]))
	}
	strayed, err := d.strayed(ctx, out)
	return append(out, strayed...), err
}

func pausedJob(k ledger.Key, p office.Pause) web.Job {
	job := web.Job{Key: k, Standing: web.Paused}
	switch {
	case p.Stopped && len(p.Changed) > 0:
		job.Standing, job.Why = web.Stopped, (&changed{k, p.Changed}).text()
	case p.Stopped:
		job.Standing, job.Why = web.Stopped, fault.Textf("%s", p.Why)
	case p.By != "":
		job.Why = fault.Textf("paused by %s", p.By)
	}
	return job
}

// left is how long the open mails of an issue take at its accounts' limits.
func (d desk) left(ctx context.Context, k ledger.Key) (time.Duration, error) {
	d.glass.mu.Lock()
	defer d.glass.mu.Unlock()
	if g, ok := d.glass.left[k]; ok && time.Since(g.at) < freshGuess {
		return g.takes, nil
	}
	takes, err := d.reckon(ctx, k)
	if err == nil {
		d.glass.left[k] = guess{takes, time.Now()}
	}
	return takes, err
}

func (d desk) reckon(ctx context.Context, k ledger.Key) (time.Duration, error) {
	f, ok := d.service.find(k.Campaign)
	if !ok {
		return 0, nil
	}
	totals, err := d.store.Totals(ctx, k)
	if err != nil {
		return 0, err
	}
	accounts, open := d.accountsOf(f), totals.Queued+totals.Deferred
	s := spreadOf(accounts)
	if err := d.lookThrough(ctx, k, totals, s); err != nil {
		return 0, err
	}
	return d.takes(ctx, accounts, open, s.share(open))
}

// accountsOf are the accounts that a campaign is sent by.
func (d desk) accountsOf(f watch.Entry) (out []config.Account) {
	names := f.Good.Accounts
	if len(names) == 0 {
		names = []string{d.conf.Account}
	}
	for _, name := range names {
		if account, ok := d.conf.Accounts[strings.ToLower(name)]; ok {
			out = append(out, account)
		}
	}
	return out
}

// Start puts an issue on the floor, and writes down that it was begun for the
// slot of this minute if that is its name. See [web.Floor].
func (d desk) Start(ctx context.Context, k ledger.Key, _ string) error {
	f, k, err := d.pick(k)
	if err != nil {
		return err
	}
	if err := d.enter(ctx, f, k, true); err != nil || f.Good.Schedule == nil {
		return err
	}
	if slot := f.Good.Schedule.Minute(time.Now()); slot.Name == k.Issue {
		_, err = schedule.Fire(ctx, d.store, k.Campaign, slot, fault.Textf("begun by hand"))
	}
	return err
}

// enter begins an issue, or says to the person why it cannot be.
func (d desk) enter(ctx context.Context, f watch.Entry, k ledger.Key, accept bool) error {
	err := d.begin(ctx, f, k.Issue, accept)
	c, isChanged := errors.AsType[*changed](err)
	nothing, isNothing := errors.AsType[*schedule.Nothing](err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, office.ErrOnFloor):
		return &web.Refusal{Why: fault.Textf("the issue is on its way already")}
	case errors.Is(err, office.ErrShut):
		return &web.Refusal{Why: fault.Textf("hongyan is stopping")}
	case isChanged:
		return &web.Refusal{Why: c.text()}
	case isNothing:
		return &web.Refusal{Why: nothing.Why}
	}
	return refusalOf(err)
}

// Pause takes an issue off the floor. See [web.Floor].
func (d desk) Pause(ctx context.Context, k ledger.Key, by string) error {
	there, err := d.floor.pause(ctx, k, office.Pause{At: time.Now(), By: by})
	if err == nil && !there {
		return &web.Refusal{Why: fault.Textf("the issue is not on its way")}
	}
	return err
}

// Resume puts an issue on the floor again, as it was. See [web.Floor].
func (d desk) Resume(ctx context.Context, k ledger.Key, _ string) error {
	paused, err := d.office.Paused(ctx)
	if err != nil {
		return err
	}
	if slices.Contains(d.strays.all(), k) {
		return &web.Refusal{Why: missing(k)}
	}
	if _, waits := paused[k]; !waits {
		return &web.Refusal{Why: fault.Textf("the issue is not paused")}
	}
	if on, err := d.floor.again(ctx, k); err != nil || on {
		return err
	}
	f, k, err := d.pick(k)
	if err != nil {
		return err
	}
	return d.enter(ctx, f, k, false)
}

// Retry opens refused entries again. See [web.Corrections].
func (d desk) Retry(ctx context.Context, k ledger.Key, r ledger.Reopening) (int, error) {
	n, err := d.store.Reopen(ctx, k, r)
	if err != nil || n == 0 {
		return n, err
	}
	return n, d.again(ctx, k)
}

// Settle decides what is in doubt. See [web.Corrections].
func (d desk) Settle(ctx context.Context, k ledger.Key, s ledger.Settlement) (int, error) {
	n, err := d.store.Settle(ctx, k, s)
	if err != nil || n == 0 || s.To != ledger.Deferred {
		return n, err
	}
	return n, d.again(ctx, k)
}

// again has an issue heed what was opened anew: at once if it is on the floor, or
// by coming back on it. A paused one stays where it is.
func (d desk) again(ctx context.Context, k ledger.Key) error {
	paused, err := d.office.Paused(ctx)
	if err != nil {
		return err
	}
	if _, waits := paused[k]; waits {
		return nil
	}
	if on, err := d.floor.again(ctx, k); err != nil || on {
		return err
	}
	f, k, err := d.pick(k)
	if errors.Is(err, web.ErrUnknown) {
		return &web.Refusal{Why: fault.Textf("what was opened again waits: no file of the folder is the campaign %s", k.Campaign)}
	}
	if err != nil {
		return err
	}
	return d.enter(ctx, f, k, false)
}
