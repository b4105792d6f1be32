package metrics

import (
	"cmp"
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
	// Queue is what the workers of a shared ledger could send now, by campaign and
	// account ("": any of the campaign's).
	Queue func(ctx context.Context, now time.Time) ([]Queue, error)
	// Crew is who works on a shared ledger.
	Crew func(context.Context) (Crew, error)
	// Dropped is what was left out rather than have a mail wait, by what it was.
	Dropped func() map[string]int64
}

// An Account is what may be sent through it.
type Account struct {
	Name    string
	Lane    string // "2/4" of one that is split, whose share this is
	Windows []Window
	Pace    float64 // learned share of the configured pace, 0 to 1
}

// A Window is a limit such as "100/day", and how many mails count against it now.
type Window struct {
	Limit     string
	Max, Used int
}

// A Queue is what waits for whoever has the time.
type Queue struct {
	Campaign, Account string
	Mails             int
	Since             time.Time // when the first of them came due
}

// A Crew is who works on a shared ledger.
type Crew struct {
	Workers int            // alive
	Leases  map[string]int // that they have, by account
}

// Look has the gauges read from sources. It may be called once.
func (m *Metrics) Look(s Sources) { m.registry.MustRegister(newGauges(s)) }

// patience is how long a scrape waits for its sources.
const patience = 5 * time.Second

// Gauges are what is read at a scrape.
type gauges struct {
	Sources
	open, held, holdEnd, max, used, pace, overdue, dropped, due, lag, workers, leases *prometheus.Desc

	issues seldom[ledger.Issue]
	queues seldom[Queue]
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
		max:     desc("account_window_limit_mails", "How many mails the account, or the lane of it, may send within the window.", "account", "lane", "window"),
		used:    desc("account_window_used_mails", "How many mails count against the window now.", "account", "lane", "window"),
		pace:    desc("account_pace_ratio", "What the account has learned to use of its configured pace, 0 to 1.", "account", "lane"),
		overdue: desc("schedule_overdue_seconds", "For how long the campaign has had a slot that is due and has not begun; 0 if it has none.", "campaign"),
		due:     desc("queue_due_mails", "Mails that could leave now and that no worker has in hand; account is * where any of the campaign's may take them.", "campaign", "account"),
		lag:     desc("queue_lag_seconds", "For how long the first of these mails has been due; 0 if there is none.", "campaign", "account"),
		workers: desc("workers", "Workers that share the ledger and are alive."),
		leases:  desc("account_leases", "How many leases of the account workers have.", "account"),
		dropped: desc("dropped_total", "What was left out rather than have a mail wait: traces, log lines, notices.", "what"),
	}
}

// Describe is part of prometheus.Collector.
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.open, g.held, g.holdEnd, g.max, g.used, g.pace, g.overdue, g.dropped, g.due, g.lag, g.workers, g.leases} {
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
	g.collectQueue(ctx, now, out)
	g.collectCrew(ctx, out)
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
	issues, err := g.issues.ask(func() ([]ledger.Issue, error) { return g.Issues(ctx) })
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

// A seldom is a question whose answer costs time: however often somebody scrapes,
// and however much the ledger holds, never more than a fiftieth of it.
type seldom[T any] struct {
	mu     sync.Mutex // guards the fields below: scrapes may overlap
	answer []T
	again  time.Time // when asking may be worth its price again
}

func (s *seldom[T]) ask(question func() ([]T, error)) ([]T, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	began := time.Now()
	if began.Before(s.again) {
		return s.answer, nil
	}
	answer, err := question()
	if err != nil {
		return nil, err
	}
	s.answer, s.again = answer, time.Now().Add(50*time.Since(began))
	return answer, nil
}

func (g *gauges) collectAccounts(accounts []Account, out chan<- prometheus.Metric) {
	for _, a := range accounts {
		out <- gauge(g.pace, a.Pace, a.Name, a.Lane)
		for _, w := range a.Windows {
			out <- gauge(g.max, float64(w.Max), a.Name, a.Lane, w.Limit)
			out <- gauge(g.used, float64(w.Used), a.Name, a.Lane, w.Limit)
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

// collectQueue shows each campaign's mails for any account, also when there are
// none, and where there is no campaign that of all: whoever scales by it needs the
// zero.
func (g *gauges) collectQueue(ctx context.Context, now time.Time, out chan<- prometheus.Metric) {
	if g.Queue == nil {
		return
	}
	queues, err := g.queues.ask(func() ([]Queue, error) { return g.Queue(ctx, now) })
	if err != nil {
		out <- prometheus.NewInvalidMetric(g.due, err)
		return
	}
	if len(queues) == 0 {
		queues = []Queue{{Campaign: "*"}}
	}
	for _, q := range queues {
		account, late := cmp.Or(q.Account, "*"), 0.0
		if q.Mails > 0 {
			late = max(now.Sub(q.Since).Seconds(), 0)
		}
		out <- gauge(g.due, float64(q.Mails), q.Campaign, account)
		out <- gauge(g.lag, late, q.Campaign, account)
	}
}

func (g *gauges) collectCrew(ctx context.Context, out chan<- prometheus.Metric) {
	if g.Crew == nil {
		return
	}
	crew, err := g.Crew(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(g.workers, err)
		return
	}
	out <- gauge(g.workers, float64(crew.Workers))
	for account, n := range crew.Leases {
		out <- gauge(g.leases, float64(n), account)
	}
}
