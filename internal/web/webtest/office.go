// Package webtest is a small office for tests of the dashboard: a real ledger in
// a folder of its own, campaigns in memory, and a floor on which mails leave
// when the test says so. It must never be built into hongyan.
package webtest

import (
	"cmp"
	"context"
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/sqlite"
	"hongyan/internal/report"
	"hongyan/internal/web"
)

// A Campaign is a file of the office.
type Campaign struct {
	web.Campaign
	People   []ledger.Row
	Findings []web.Finding
	Notes    []fault.Text
	// Answer is how the mail of an entry ends; nil: all are sent.
	Answer func(e ledger.Entry, now time.Time) ledger.Outcome
}

// Office is the desk and what lies behind it.
type Office struct {
	Store *sqlite.Store

	dir       string
	mu        sync.Mutex
	campaigns []Campaign
	accounts  []web.Account
	jobs      []web.Job
	tested    []web.Test
	crew      *web.Crew
	left      map[string]int // mails that left, by account
}

// Open opens an office that is closed with the test.
func Open(t testing.TB) *Office {
	t.Helper()
	o := &Office{dir: t.TempDir(), left: map[string]int{}}
	o.open(t)
	t.Cleanup(func() { o.close(t) })
	return o
}

// Restart puts the ledger down and opens it anew, as a process that begins does.
func (o *Office) Restart(t testing.TB) {
	t.Helper()
	o.close(t)
	o.open(t)
}

func (o *Office) open(t testing.TB) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), o.dir)
	if err != nil {
		t.Fatal(err)
	}
	o.Store = store
}

func (o *Office) close(t testing.TB) {
	t.Helper()
	if err := o.Store.Close(); err != nil {
		t.Error(err)
	}
}

// Add puts a campaign into the folder.
func (o *Office) Add(c Campaign) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c.List = cmp.Or(c.List, c.Name)
	c.Issue = cmp.Or(c.Issue, "main")
	o.campaigns = append(o.campaigns, c)
}

// Hire adds an account.
func (o *Office) Hire(a web.Account) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.accounts = append(o.accounts, a)
}

// Tested are the tests that were sent.
func (o *Office) Tested() []web.Test {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.tested)
}

// Step lets up to n mails of each running issue leave, and takes issues that
// have nothing left from the floor. It returns how many left.
func (o *Office) Step(ctx context.Context, n int, now time.Time) (sent int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, job := range slices.Clone(o.jobs) {
		if job.Standing != web.Running {
			continue
		}
		left, err := o.work(ctx, job.Key, n, now)
		if err != nil {
			return sent, err
		}
		if sent += left; left < n {
			o.jobs = slices.DeleteFunc(o.jobs, func(j web.Job) bool { return j.Key == job.Key })
		}
	}
	return sent, nil
}

func (o *Office) work(ctx context.Context, k ledger.Key, n int, now time.Time) (int, error) {
	c, err := o.find(k.Campaign)
	if err != nil {
		return 0, err
	}
	account := c.Accounts[0]
	entries, err := o.Store.Claim(ctx, k, account, n, now)
	if err != nil {
		return 0, err
	}
	var events []ledger.Event
	for _, e := range entries {
		out := ledger.Outcome{State: ledger.Sent, Stage: "dot", Code: 250, Reply: "Ok: queued as"}
		if c.Answer != nil {
			out = c.Answer(e, now)
		}
		out.ID, out.Account, out.At = e.ID, account, now.Add(80*time.Millisecond)
		events = append(events, ledger.Intent{ID: e.ID, Account: account, MessageID: fmt.Sprintf("<%d@example.com>", e.ID), At: now}, out)
	}
	o.left[account] += len(entries)
	return len(entries), o.Store.Record(ctx, events...)
}

func (o *Office) find(name string) (Campaign, error) {
	for _, c := range o.campaigns {
		if c.Name == name {
			return c, nil
		}
	}
	return Campaign{}, web.ErrUnknown
}

// Campaigns lists the files.
func (o *Office) Campaigns(context.Context) ([]web.Campaign, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make([]web.Campaign, len(o.campaigns))
	for i, c := range o.campaigns {
		out[i] = c.Campaign
	}
	return out, nil
}

// Draft compares a campaign's people with the ledger.
func (o *Office) Draft(ctx context.Context, k ledger.Key) (web.Draft, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c, err := o.find(k.Campaign)
	if err != nil {
		return web.Draft{}, err
	}
	k.Issue = cmp.Or(k.Issue, c.Issue)
	d := web.Draft{
		Key: k, Recipients: len(c.People), Open: len(c.People), Faults: c.Faults, Findings: c.Findings, Notes: c.Notes,
		List: fault.Textf("%d rows", len(c.People)), Takes: time.Duration(len(c.People)) * time.Second,
	}
	if totals, err := o.Store.Totals(ctx, k); err == nil {
		d.Open = len(c.People) - totals.Settled() - totals.InDoubt
	}
	return d, nil
}

// Preview writes a short letter.
func (o *Office) Preview(_ context.Context, k ledger.Key, n int) (web.Mail, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c, err := o.find(k.Campaign)
	if err != nil || n > len(c.People) {
		return web.Mail{}, cmp.Or(err, web.ErrUnknown)
	}
	row := c.People[n-1]
	text := "Dear " + row.Name + ",\n\nthe geese are back.\n"
	page := `<div style="font:16px/1.6 sans-serif;max-width:560px;margin:24px auto;color:#333"><h2 style="color:#26506b">` + html.EscapeString(c.Subject) +
		`</h2><p>` + strings.ReplaceAll(html.EscapeString(text), "\n\n", "</p><p>") + `</p><p><a href="https://example.com/">Read on</a></p></div>`
	return web.Mail{
		N: n, Of: len(c.People), Line: row.Line, Address: row.Address, Name: row.Name, From: "news@example.com", Subject: c.Subject,
		HTML: page, Text: text, Source: "Subject: " + c.Subject + "\r\n\r\n" + text, Size: int64(len(page) + len(text)), Findings: c.Findings,
	}, nil
}

// Jobs lists what is on the floor.
func (o *Office) Jobs(context.Context) ([]web.Job, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.jobs), nil
}

// Start plans an issue and puts it on the floor.
func (o *Office) Start(ctx context.Context, k ledger.Key, _ string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	c, err := o.find(k.Campaign)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(o.jobs, func(j web.Job) bool { return j.Key == k }) {
		return &web.Refusal{Why: fault.Textf("%s is at work already", k.String())}
	}
	if _, err := o.Store.Plan(ctx, k, ledger.Plan{At: time.Now()}); err != nil {
		return err
	}
	rows := func(yield func(ledger.Row, error) bool) {
		for _, row := range c.People {
			if !yield(row, nil) {
				return
			}
		}
	}
	if _, err := o.Store.Enqueue(ctx, k, rows); err != nil {
		return err
	}
	o.jobs = append(o.jobs, web.Job{Key: k, Standing: web.Running})
	return nil
}

// Pause stops a running issue.
func (o *Office) Pause(_ context.Context, k ledger.Key, _ string) error {
	return o.turn(k, web.Running, web.Paused)
}

// Resume lets a paused issue go on.
func (o *Office) Resume(_ context.Context, k ledger.Key, _ string) error {
	return o.turn(k, web.Paused, web.Running)
}

func (o *Office) turn(k ledger.Key, from, to string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, job := range o.jobs {
		if job.Key == k && job.Standing == from {
			o.jobs[i].Standing = to
			return nil
		}
	}
	return &web.Refusal{Why: fault.Textf("%s is not %s", k.String(), from)}
}

// Test remembers the test.
func (o *Office) Test(_ context.Context, k ledger.Key, t web.Test) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, err := o.find(k.Campaign); err != nil {
		return 0, err
	}
	o.tested = append(o.tested, t)
	return len(t.To), nil
}

// Retry reopens refusals.
func (o *Office) Retry(ctx context.Context, k ledger.Key, r ledger.Reopening) (int, error) {
	n, err := o.Store.Reopen(ctx, k, r)
	if err == nil && n > 0 {
		o.back(k)
	}
	return n, err
}

// Settle settles doubts.
func (o *Office) Settle(ctx context.Context, k ledger.Key, s ledger.Settlement) (int, error) {
	n, err := o.Store.Settle(ctx, k, s)
	if err == nil && n > 0 && s.To == ledger.Deferred {
		o.back(k)
	}
	return n, err
}

// back puts an issue on the floor again.
func (o *Office) back(k ledger.Key) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !slices.ContainsFunc(o.jobs, func(j web.Job) bool { return j.Key == k }) {
		o.jobs = append(o.jobs, web.Job{Key: k, Standing: web.Running})
	}
}

// Accounts lists the accounts with what the ledger has of them.
func (o *Office) Accounts(ctx context.Context) ([]web.Account, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	holds, err := o.Store.Holds(ctx)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(o.accounts)
	for i, a := range out {
		for _, hold := range holds {
			if hold.Account == a.Name {
				out[i].Hold = &hold
			}
		}
		out[i].Windows = slices.Clone(a.Windows)
		for j := range out[i].Windows {
			out[i].Windows[j].Used = o.left[a.Name]
		}
	}
	return out, nil
}

// Lift ends a hold.
func (o *Office) Lift(ctx context.Context, account, _ string) error {
	return o.Store.Lift(ctx, account)
}

// Probe finds every server well.
func (o *Office) Probe(_ context.Context, account string) (web.Probe, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !slices.ContainsFunc(o.accounts, func(a web.Account) bool { return a.Name == account }) {
		return web.Probe{}, web.ErrUnknown
	}
	return web.Probe{Remote: "127.0.0.1:465", TLS: "TLS 1.3", Cipher: "TLS_AES_128_GCM_SHA256", LoggedIn: true}, nil
}

// ReportOptions have the list's columns, which are those of its first row.
func (o *Office) ReportOptions(_ context.Context, k ledger.Key, lang string) (report.Options, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := report.Options{Lang: lang, Now: time.Now()}
	if c, err := o.find(k.Campaign); err == nil && len(c.People) > 0 {
		out.Columns = slices.Sorted(maps.Keys(c.People[0].Fields))
	}
	return out, nil
}

// Share puts the ledger of the office into the hands of a crew.
func (o *Office) Share(c web.Crew) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.crew = &c
}

// Crew is who works here.
func (o *Office) Crew(context.Context) (*web.Crew, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.crew, nil
}
