// Package trace tells an OpenTelemetry collector the way of single recipients:
// one trace each, one tree of spans for each try, sent by OTLP over HTTP.
//
// A tree is made after the try is over, from the times that the run tells, so
// that only then is decided whether it is worth telling: always when something
// went wrong now or before, else as often as the rate allows. The line of mails
// hands a copy of what it knows to a bounded queue and never waits; what finds
// no room, or no collector, is counted.
//
// Spans name line, account, codes and rules. Addresses and what servers said are
// in the report, under the trace's id, and never leave by this way. The room must
// never decide anything else, and no other room waits for it.
package trace

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"golang.org/x/time/rate"

	"hongyan/internal/ledger"
	"hongyan/internal/run"
)

const (
	room     = 4096            // tries that wait for the collector
	most     = 512             // spans told at once
	pause    = time.Second     // between two tellings, when there are fewer
	patience = 5 * time.Second // with a collector that does not answer
)

// Options are what a Tracer is given.
type Options struct {
	Endpoint string     // of OTLP over HTTP, like http://127.0.0.1:4318
	Sample   rate.Limit // tries without trouble that are told, per second
	Version  string     // the program's
	IDs      IDs
	// Dropped is told of tries that were worth telling and were not told; it must
	// return at once. Failed is told why a collector took nothing.
	Dropped func(n int)
	Failed  func(error)
}

// A Tracer tells what a run tells it.
type Tracer struct {
	options  Options
	sample   *rate.Limiter
	queue    chan *run.Settled
	exporter *otlptrace.Exporter
	provider *sdk.TracerProvider
	batch    batch
}

// New makes a tracer; nothing is dialled yet.
func New(ctx context.Context, o Options) (*Tracer, error) {
	target, err := url.JoinPath(o.Endpoint, "v1", "traces")
	if err != nil {
		return nil, err
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(target), otlptracehttp.WithTimeout(patience),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
			Enabled: true, InitialInterval: time.Second / 2, MaxInterval: 2 * time.Second, MaxElapsedTime: patience,
		}))
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	t := &Tracer{
		options: o, queue: make(chan *run.Settled, room), exporter: exporter,
		sample: rate.NewLimiter(o.Sample, max(int(o.Sample), 1)),
	}
	t.provider = sdk.NewTracerProvider(
		sdk.WithSpanProcessor(&t.batch), sdk.WithIDGenerator(generator{}), sdk.WithSampler(sdk.AlwaysSample()),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "hongyan"), attribute.String("service.version", o.Version),
		)),
	)
	return t, nil
}

// Watch takes up what a run tells. It never waits.
func (t *Tracer) Watch(e run.Event) {
	settled, ok := e.(*run.Settled)
	if !ok || !troubled(settled) && !t.sample.Allow() {
		return
	}
	select {
	case t.queue <- settled:
	default:
		t.options.Dropped(1)
	}
}

// troubled reports whether something went wrong, in this try or in one before. A
// recipient that waits for a limit of ours is in no trouble.
func troubled(e *run.Settled) bool {
	switch e.Outcome.State {
	case ledger.Sent, ledger.Suppressed:
		return e.Entry.Attempts > 0
	case ledger.Deferred:
		return e.Outcome.Stage != "" || e.Outcome.Class != "" || e.Entry.Attempts > 0
	}
	return true
}

// Run tells the collector until ctx ends, and then what is left, for as long as
// the collector answers. Trouble with the collector is nobody else's.
func (t *Tracer) Run(ctx context.Context) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case e := <-t.queue:
			t.take(context.WithoutCancel(ctx), e) // what is being told is told to the end
		case <-tick.C:
			t.export(context.WithoutCancel(ctx))
		case <-ctx.Done():
			t.finish(context.WithoutCancel(ctx))
			return
		}
	}
}

func (t *Tracer) take(ctx context.Context, e *run.Settled) {
	t.spans(e)
	t.batch.tries++
	if len(t.batch.spans) >= most {
		t.export(ctx)
	}
}

// finish tells what is left, in one patience for all.
func (t *Tracer) finish(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		select {
		case e := <-t.queue:
			t.take(ctx, e)
			continue
		default:
		}
		break
	}
	t.export(ctx)
	if err := errors.Join(t.provider.Shutdown(ctx), t.exporter.Shutdown(ctx)); err != nil {
		t.options.Failed(err)
	}
}

// export tells the batch. What the collector does not take is gone.
func (t *Tracer) export(ctx context.Context) {
	spans, tries := t.batch.spans, t.batch.tries
	if len(spans) == 0 {
		return
	}
	t.batch = batch{spans: make([]sdk.ReadOnlySpan, 0, most)}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := t.exporter.ExportSpans(ctx, spans); err != nil {
		t.options.Dropped(tries)
		t.options.Failed(err)
	}
}

// A batch gathers spans where they are made: in Run, and in no other goroutine.
type batch struct {
	spans []sdk.ReadOnlySpan
	tries int
}

// OnEnd, with the others, makes a batch a span processor.
func (b *batch) OnEnd(s sdk.ReadOnlySpan) { b.spans = append(b.spans, s) }

// OnStart does nothing: a span counts when it is over.
func (b *batch) OnStart(context.Context, sdk.ReadWriteSpan) {}

// ForceFlush does nothing: Run exports.
func (b *batch) ForceFlush(context.Context) error { return nil }

// Shutdown does nothing: Run ends by its context.
func (b *batch) Shutdown(context.Context) error { return nil }
