// Package metrics says in Prometheus's words what a running hongyan does: what
// became of mails, how long servers and the ledger took, what waits, which
// accounts are held and what is used of their limits.
//
// Counters and histograms are fed by events, at the price of a few atomic
// additions a mail and no allocation. Gauges are read from where the truth lies
// when somebody scrapes. Nothing is registered anywhere but in the registry that
// a Metrics has for itself.
//
// The room must never decide anything, and no other room waits for it.
package metrics

import (
	"context"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hongyan/internal/ledger"
	"hongyan/internal/reply"
	"hongyan/internal/run"
)

// Metrics is what is known of one process. It is safe for concurrent use.
type Metrics struct {
	registry   *prometheus.Registry
	mails      *family[outcome, prometheus.Counter]
	deliveries *family[string, prometheus.Observer]
	stages     *prometheus.HistogramVec
	commits    prometheus.Histogram
	notices    *prometheus.CounterVec
}

// An outcome is what tells one counter of mails from another.
type outcome struct{ account, state, class string }

// New makes the metrics of a program of this version.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	mails := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hongyan_mails_total",
		Help: "Outcomes written down, by account, state and what the server's answer was judged to be (class). A mail that was put off counts each time.",
	}, []string{"account", "state", "class"})
	deliveries := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "hongyan_delivery_duration_seconds",
		Help:    "From the beginning of a mail's offer to the server until its outcome is durable.",
		Buckets: waits(),
	}, []string{"account"})
	m.stages = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "hongyan_smtp_stage_duration_seconds",
		Help:    "How long the answer to a stage of the SMTP dialogue was waited for. Answers to pipelined commands come together: the first one has the wait.",
		Buckets: waits(),
	}, []string{"account", "stage"})
	m.commits = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "hongyan_ledger_commit_duration_seconds",
		Help:    "How long a connection waited until what it had to write down was durable.",
		Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 12),
	})
	m.notices = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hongyan_notices_total",
		Help: "Notices to the operator, by the kind of receiver and result (sent, failed).",
	}, []string{"kind", "result"})
	about := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "hongyan_build_info", Help: "The program's version and the Go it was built with; always 1.",
	}, []string{"version", "goversion"})
	about.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(mails, deliveries, m.stages, m.commits, m.notices, about,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.mails = newFamily(func(o outcome) prometheus.Counter { return mails.WithLabelValues(o.account, o.state, o.class) })
	m.deliveries = newFamily(func(account string) prometheus.Observer { return deliveries.WithLabelValues(account) })
	return m
}

// waits are the bounds for anything that a server on the Internet does: from a
// millisecond to the five minutes after which most stages are given up.
func waits() []float64 {
	return []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300}
}

// Watch counts what a run tells.
func (m *Metrics) Watch(e run.Event) {
	settled, ok := e.(*run.Settled)
	if !ok {
		return
	}
	o := settled.Outcome
	m.mails.of(outcome{o.Account, string(o.State), orNone(o.Class)}).Inc()
	if at := settled.Steps; !at.Offer.IsZero() {
		m.deliveries.of(o.Account).Observe(at.Settled.Sub(at.Offer).Seconds())
	}
}

// orNone names what has no class: an empty label is none at all to Prometheus.
func orNone(class string) string {
	if class == "" {
		return "none"
	}
	return class
}

// Stage returns what is told how long an account's servers take; a sender's Watch.
func (m *Metrics) Stage(account string) func(reply.Stage, time.Duration) {
	observers := map[reply.Stage]prometheus.Observer{}
	for stage, name := range map[reply.Stage]string{
		reply.AtConnect: "connect", reply.AtStartTLS: "tls", reply.AtGreeting: "greeting", reply.AtAuth: "auth",
		reply.AtMail: "mail", reply.AtRcpt: "rcpt", reply.AtData: "data", reply.AtDot: "dot",
	} {
		observers[stage] = m.stages.WithLabelValues(account, name)
	}
	return func(stage reply.Stage, took time.Duration) {
		if o, ok := observers[stage]; ok {
			o.Observe(took.Seconds())
		}
	}
}

// Timed is the line of a ledger whose commits are timed.
func (m *Metrics) Timed(line run.Line) run.Line { return timed{line, m.commits} }

type timed struct {
	run.Line
	commits prometheus.Histogram
}

func (t timed) Record(ctx context.Context, events ...ledger.Event) error {
	began := time.Now()
	err := t.Line.Record(ctx, events...)
	t.commits.Observe(time.Since(began).Seconds())
	return err
}

// Noticed counts a notice to the operator.
func (m *Metrics) Noticed(kind string, err error) {
	result := "sent"
	if err != nil {
		result = "failed"
	}
	m.notices.WithLabelValues(kind, result).Inc()
}

// Handler serves all of it. A gauge that cannot be read is left out and counted.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, Registry: m.registry, MaxRequestsInFlight: 4, Timeout: 10 * time.Second,
	})
}

// WriteFile writes all of it for node_exporter's textfile collector; the file is
// whole or not replaced.
func (m *Metrics) WriteFile(name string) error { return prometheus.WriteToTextfile(name, m.registry) }

// A family keeps the metrics of a vector at hand, since the vector's own look-up
// allocates.
type family[K comparable, M any] struct {
	mu   sync.RWMutex
	made map[K]M
	make func(K) M
}

func newFamily[K comparable, M any](create func(K) M) *family[K, M] {
	return &family[K, M]{made: map[K]M{}, make: create}
}

func (f *family[K, M]) of(key K) M {
	f.mu.RLock()
	m, ok := f.made[key]
	f.mu.RUnlock()
	if ok {
		return m
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.made[key] = f.make(key)
	return f.made[key]
}
