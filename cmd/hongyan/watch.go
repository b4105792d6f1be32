package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"hongyan/internal/config"
	"hongyan/internal/ledger"
	"hongyan/internal/metrics"
	"hongyan/internal/notice"
	"hongyan/internal/report"
	"hongyan/internal/run"
	"hongyan/internal/schedule"
	"hongyan/internal/trace"
)

// A lookout is who watches runs from outside: the log, the metrics, the
// collector of traces, the receivers of notices. Of these, only the log is
// always there.
type lookout struct {
	door   *door
	ids    *trace.IDs
	tracer *trace.Tracer
	herald *notice.Herald
	untold atomic.Int64 // traces that were left out
	// planned names the campaigns that have a schedule; nil: nobody heeds any.
	planned func() []string
}

// lookout sets up what the configuration wants to have watched; Run has to be
// running while it is used.
func (d *door) lookout(ctx context.Context, h *house) (*lookout, error) {
	l := &lookout{door: d}
	subscriptions, err := h.subscriptions(ctx)
	if err != nil {
		return nil, err
	}
	l.herald = notice.NewHerald(subscriptions, l.noticed)
	if l.ids, err = traceIDs(ctx, h.conf, h.store); err != nil || l.ids == nil {
		return l, err
	}
	l.tracer, err = l.newTracer(ctx, h.conf.Trace)
	return l, err
}

func (l *lookout) newTracer(ctx context.Context, conf config.Trace) (*trace.Tracer, error) {
	now := rate.Sometimes{First: 1, Interval: time.Minute}
	return trace.New(ctx, trace.Options{
		Endpoint: conf.OTLP, Version: version(), IDs: *l.ids,
		Sample:  rate.Limit(float64(conf.Sample.N) / conf.Sample.Per.Seconds()),
		Dropped: func(n int) { l.untold.Add(int64(n)) },
		Failed: func(err error) {
			now.Do(func() { l.door.log.Warn("the collector of traces takes nothing", slog.Any("error", err)) })
		},
	})
}

// keyed is a ledger that knows the key it was born with.
type keyed interface {
	Key(context.Context) ([]byte, error)
}

// traceIDs names the traces of recipients; nil if the configuration wants none.
func traceIDs(ctx context.Context, conf *config.Config, books keyed) (*trace.IDs, error) {
	if conf.Trace.OTLP == "" {
		return nil, nil
	}
	key, err := books.Key(ctx)
	if err != nil {
		return nil, err
	}
	ids := trace.NewIDs(key)
	return &ids, nil
}

// column is the report's column of trace ids; nil if there are none.
func column(ids *trace.IDs) report.TraceID {
	if ids == nil {
		return nil
	}
	return ids.Of
}

// Run tells what is watched to those who are told later, until ctx ends, and
// then what is left. Their trouble is told as it comes and is nobody else's.
func (l *lookout) Run(ctx context.Context) {
	var told sync.WaitGroup
	told.Go(func() { l.herald.Run(ctx) })
	if l.tracer != nil {
		told.Go(func() { l.tracer.Run(ctx) })
	}
	told.Wait()
}

// watch tells all who listen what happens in a run.
func (l *lookout) watch(key ledger.Key, show func(run.Event)) func(run.Event) {
	tell := []func(run.Event){l.door.logged(key, column(l.ids)), show}
	if l.door.metrics != nil {
		tell = append(tell, l.door.metrics.Watch)
	}
	if l.tracer != nil {
		tell = append(tell, l.tracer.Watch)
	}
	return func(e run.Event) {
		for _, listener := range tell {
			listener(e)
		}
	}
}

// noticed is told what became of a notice.
func (l *lookout) noticed(to notice.Subscription, err error) {
	if l.door.metrics != nil {
		l.door.metrics.Noticed(to.Kind, err)
	}
	if err != nil {
		l.door.log.Warn("a notice was not told", slog.String("to", to.Name), slog.String("kind", to.Kind), slog.Any("error", err))
	}
}

// held tells that an account must be silent.
func (l *lookout) held(h ledger.Hold) { l.herald.Tell(l.door.accountHeld(h)) }

// ended tells that an issue has nothing left to send, or cannot go on. That it
// goes on later, or was interrupted, is no news.
func (l *lookout) ended(ctx context.Context, books totaled, key ledger.Key, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	if err != nil {
		l.herald.Tell(l.door.issueStopped(key, err))
		return
	}
	if t, err := books.Totals(ctx, key); err == nil && t.Queued+t.Sending+t.Deferred == 0 {
		l.herald.Tell(l.door.issueEnded(key, t))
	}
}

// totaled is a ledger that can count.
type totaled interface {
	Totals(context.Context, ledger.Key) (ledger.Totals, error)
}

// dropped is what was left out rather than have a mail wait.
func (l *lookout) dropped() map[string]int64 {
	return map[string]int64{"traces": l.untold.Load(), "log lines": l.door.spool.missed.Load(), "notices": l.herald.Missed()}
}

// timed is the line of the ledger with its commits timed, if anybody wants that.
func (d *door) timed(line run.Line) run.Line {
	if d.metrics == nil {
		return line
	}
	return d.metrics.Timed(line)
}

// gauge has the gauges of the metrics read from the books and from the pacers of
// the accounts.
func (d *door) gauge(h *house) {
	if d.metrics == nil {
		return
	}
	sources := metrics.Sources{
		Issues: h.store.Issues, Holds: h.store.Holds, Dropped: h.lookout.dropped,
		Slots: func(ctx context.Context, _ time.Time) (map[string]time.Time, error) {
			return h.lookout.overdue(ctx, h.store)
		},
		Accounts: func(now time.Time) (out []metrics.Account) {
			for _, w := range h.open() {
				out = append(out, gauged(w, now))
			}
			return out
		},
	}
	h.gaugeQueue(&sources)
	d.metrics.Look(sources)
}

// overdue is since when slots are due that have not begun, by campaign.
func (l *lookout) overdue(ctx context.Context, shelf schedule.Papers) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	if l.planned == nil {
		return out, nil
	}
	for _, campaign := range l.planned() {
		since, err := schedule.Overdue(ctx, shelf, campaign)
		if err != nil {
			return nil, err
		}
		out[campaign] = since
	}
	return out, nil
}

// gauged is an account as the metrics show it.
func gauged(w way, now time.Time) metrics.Account {
	out := metrics.Account{Name: w.lane.Account, Lane: w.part, Pace: w.pacer.State().Factor}
	for _, use := range w.pacer.Uses(now) {
		out.Windows = append(out.Windows, metrics.Window{Limit: use.String(), Max: use.N, Used: use.Used})
	}
	return out
}
