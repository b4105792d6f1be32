package trace

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	otel "go.opentelemetry.io/otel/trace"

	"hongyan/internal/ledger"
	"hongyan/internal/run"
)

// spans makes the tree of one try.
func (t *Tracer) spans(e *run.Settled) {
	at, said := e.Steps, e.Outcome.At
	tracer := t.provider.Tracer("hongyan")
	ctx := context.WithValue(context.Background(), wanted{}, t.options.IDs.of(e.Entry))
	ctx, root := tracer.Start(ctx, "mail", otel.WithTimestamp(at.Claimed), otel.WithSpanKind(otel.SpanKindProducer),
		otel.WithAttributes(attributes(e)...))
	part := func(name string, from, to time.Time) {
		if from.IsZero() {
			return // it did not come to that
		}
		if to.IsZero() {
			to = said // it came no further
		}
		_, span := tracer.Start(ctx, name, otel.WithTimestamp(from))
		if to.Equal(said) {
			span.SetAttributes(attribute.Int("hongyan.code", e.Outcome.Code))
			fail(span, e.Outcome)
		}
		span.End(otel.WithTimestamp(to))
	}
	part("compose", at.Claimed, at.Composed)
	part("wait", at.Composed, at.Turn)
	part("offer", at.Offer, at.Offered)
	part("record intent", at.Offered, at.Begun)
	part("deliver", at.Begun, said)
	part("record outcome", said, at.Settled)
	fail(root, e.Outcome)
	root.End(otel.WithTimestamp(at.Settled))
}

func fail(span otel.Span, o ledger.Outcome) {
	if o.State != ledger.Sent && o.State != ledger.Suppressed {
		span.SetStatus(codes.Error, strings.TrimSpace(string(o.State)+" "+o.Class))
	}
}

// attributes leaves out what is empty.
func attributes(e *run.Settled) []attribute.KeyValue {
	_, domain, _ := strings.Cut(e.Entry.Address, "@")
	out := []attribute.KeyValue{
		attribute.Int("hongyan.line", e.Entry.Line),
		attribute.Int("hongyan.attempts_before", e.Entry.Attempts),
		attribute.Int("hongyan.code", e.Outcome.Code),
		attribute.Int64("hongyan.bytes", e.Outcome.Bytes),
	}
	for _, text := range [][2]string{
		{"campaign", e.Entry.Campaign},
		{"issue", e.Entry.Issue},
		{"account", e.Outcome.Account},
		{"domain", strings.ToLower(domain)},
		{"state", string(e.Outcome.State)},
		{"stage", e.Outcome.Stage},
		{"enhanced_code", e.Outcome.Enhanced},
		{"class", e.Outcome.Class},
		{"rule", e.Outcome.Rule},
	} {
		if text[1] != "" {
			out = append(out, attribute.String("hongyan."+text[0], text[1]))
		}
	}
	return out
}
