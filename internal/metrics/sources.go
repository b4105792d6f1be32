package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hongyan/internal/ledger"
)

// Sources are where the gauges are read when somebody scrapes; what is nil is
// not shown.
type Sources struct {
	Issues   func(context.Context) ([]ledger.Issue, error)
	Holds    func(context.Context) ([]ledger.Hold, error)
	Accounts func(now time.Time) []Account
	// Slots are the campaigns with a schedule and since when a slot of each is
	// due that has not begun; the zero time: none is.
	Slots func(ctx context.Context, now time.Time) (map[string]time.Time, error)
	// Dropped is what was left out rather than have a mail wait, by what it was.
	Dropped func() map[string]int64
}

// An Account is what may be sent through it.
type Account struct {
	Name    string
	Windows []Window
	Pace    float64 // learned share of the configured pace, 0 to 1
}

// A Window is a limit such as "100/day", and how many mails count against it now.
type Window struct {
	Limit     string
	Max, Used int
}

// Look has the gauges read from sources. It may be called once.
func (m *Metrics) Look(s Sources) { m.registry.MustRegister(newGauges(s)) }

// patience is how long a scrape waits for its sources.
const patience = 5 * time.Second

// Gauges are what is read at a scrape.
type gauges struct {
	Sources
	open, held, holdEnd, max, used, pace, overdue, dropped *prometheus.Desc

	mu     sync.Mutex // guards the fields below: scrapes may overlap
	issues []ledger.Issue
	again  time.Time // when counting may be worth its price again
}

func newGauges(s Sources) *gauges {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("hongyan_"+name, help, labels, nil)
	}
	return &gauges{
		Sources: s,
		open:    desc("open_recipients", "Recipients that still wait: for their turn, an answer, their time or a person's word.", "campaign", "state"),
		held:    desc("account_held", "Whether the account must not send, by a server's word.", "account"),
		holdEnd: desc("account_hold_end_timestamp_seconds", "When the hold ends by itself; missing if only a person can end it.", "account"),
		max:     desc("account_window_limit_mails", "How many mails the account may send within the window.", "account", "window"),
		used:    desc("account_window_used_mails", "How many mails count against the window now.", "account", "window"),
		pace:    desc("account_pace_ratio", "What the account has learned to use of its configured pace, 0 to 1.", "account"),
		overdue: desc("schedule_overdue_seconds", "For how long the campaign has had a slot that is due and has not begun; 0 if it has none.", "campaign"),
		dropped: desc("dropped_total", "What was left out rather than have a mail wait: traces, log lines, notices.", "what"),
	}
}

// Describe is part of prometheus.Collector.
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.open, g.held, g.holdEnd, g.max, g.used, g.pace, g.overdue, g.dropped} {
		out <- d
	}
}

// Collect is part of prometheus.Collector.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	g.collectOpen(ctx, out)
	var accounts []Account
	now := time.Now()
	if g.Accounts != nil {
		accounts = g.Accounts(now)
	}
	g.collectAccounts(accounts, out)
	g.collectHolds(ctx, now, accounts, out)
	g.collectSlots(ctx, now, out)
	if g.Dropped != nil {
		for what, n := range g.Dropped() {
			out <- prometheus.MustNewConstMetric(g.dropped, prometheus.CounterValue, float64(n), what)
		}
	}
}

func gauge(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

// waiting are the states that are shown.
func waiting() []ledger.State {
	return []ledger.State{ledger.Queued, ledger.Sending, ledger.Deferred, ledger.InDoubt}
}

func (g *gauges) collectOpen(ctx context.Context, out chan<- prometheus.Metric) {
	if g.Issues == nil {
		return
	}
	issues, err := g.counted(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(g.open, err)
		return
	}
	sums := map[string]*ledger.Totals{}
	for _, issue := range issues {
		sum := sums[issue.Campaign]
		if sum == nil {
			sum = &ledger.Totals{}
			sums[issue.Campaign] = sum
		}
		for _, s := range waiting() {
			sum.Add(s, issue.Of(s))
		}
	}
	for campaign, sum := range sums {
		for _, s := range waiting() {
			out <- gauge(g.open, float64(sum.Of(s)), campaign, string(s))
		}
	}
}

// counted counts the issues, but never spends more than a fiftieth of the time
// on it, however often somebody scrapes and however much the ledger holds.
func (g *gauges) counted(ctx context.Context) ([]ledger.Issue, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	began := time.Now()
	if began.Before(g.again) {
		return g.issues, nil
	}
	issues, err := g.Issues(ctx)
	if err != nil {
		return nil, err
	}
	g.issues, g.again = issues, time.Now().Add(50*time.Since(began))
	return issues, nil
}

func (g *gauges) collectAccounts(accounts []Account, out chan<- prometheus.Metric) {
	for _, a := range accounts {
		out <- gauge(g.pace, a.Pace, a.Name)
		for _, w := range a.Windows {
			out <- gauge(g.max, float64(w.Max), a.Name, w.Limit)
			out <- gauge(g.used, float64(w.Used), a.Name, w.Limit)
		}
	}
}

// collectHolds shows every account that is known, held or not: an alert needs
// the zero to know that a hold is over.
func (g *gauges) collectHolds(ctx context.Context, now time.Time, accounts []Account, out chan<- prometheus.Metric) {
	if g.Holds == nil {
		return
	}
	holds, err := g.Holds(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(g.held, err)
		return
	}
	held := map[string]float64{}
	for _, a := range accounts {
		held[a.Name] = 0
	}
	for _, h := range holds {
		held[h.Account] = 0
		if !h.Holds(now) {
			continue
		}
		held[h.Account] = 1
		if !h.Human {
			out <- gauge(g.holdEnd, float64(h.Until.Unix()), h.Account)
		}
	}
	for account, value := range held {
		out <- gauge(g.held, value, account)
	}
}

func (g *gauges) collectSlots(ctx context.Context, now time.Time, out chan<- prometheus.Metric) {
	if g.Slots == nil {
		return
	}
	slots, err := g.Slots(ctx, now)
	if err != nil {
		out <- prometheus.NewInvalidMetric(g.overdue, err)
		return
	}
	for campaign, since := range slots {
		late := 0.0
		if !since.IsZero() {
			late = max(now.Sub(since).Seconds(), 0)
		}
		out <- gauge(g.overdue, late, campaign)
	}
}
