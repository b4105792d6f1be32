package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"

	"hongyan/internal/ledger"
	"hongyan/internal/report"
	"hongyan/internal/run"
)

// logger is the operator's voice; people's progress is not logged.
func (d *door) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(d.flags.logLevel)); err != nil {
		return nil, d.usagef("--log-level: %q is none of debug, info, warn, error", d.flags.logLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	var form func(io.Writer) slog.Handler
	switch d.flags.logFormat {
	case "text":
		form = func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, options) }
	case "json":
		form = func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, options) }
	default:
		return nil, d.usagef("--log-format: %q is neither text nor json", d.flags.logFormat)
	}
	d.spool = newSpool(d.err)
	handler := form(d.spool)
	if d.flags.logSample > 0 {
		handler = sampled{handler, d.flags.logSample, &sync.Map{}}
	}
	return slog.New(handler), nil
}

// logged tells the operator what happens in a run; traced may be nil.
func (d *door) logged(key ledger.Key, traced report.TraceID) func(run.Event) {
	log := d.log.With("campaign", key.Campaign, "issue", key.Issue)
	return func(e run.Event) {
		switch e := e.(type) {
		case *run.Settled:
			level := levelOf(e.Outcome.State)
			if !log.Enabled(context.Background(), level) {
				return
			}
			attrs := []slog.Attr{
				slog.Int("line", e.Entry.Line), slog.String("to", e.Entry.Address),
				slog.String("account", e.Outcome.Account), slog.String("state", string(e.Outcome.State)),
				slog.Int("code", e.Outcome.Code), slog.String("reply", e.Outcome.Reply), slog.String("rule", e.Outcome.Rule),
			}
			if traced != nil {
				attrs = append(attrs, slog.String("trace_id", traced(e.Entry)))
			}
			log.LogAttrs(context.Background(), level, "settled", attrs...)
		case run.Waiting:
			log.LogAttrs(context.Background(), slog.LevelInfo, "waiting",
				slog.String("account", e.Account), slog.Time("until", e.Until), slog.String("why", e.Why), slog.Bool("held", e.Held))
		case run.TurnedAway:
			log.LogAttrs(context.Background(), slog.LevelInfo, "connection turned away",
				slog.String("account", e.Account), slog.Int("others", e.Others), slog.Time("until", e.Until), slog.String("why", e.Why))
		}
	}
}

func levelOf(s ledger.State) slog.Level {
	if s == ledger.Sent {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// A dialogue writes what is said with a server to the operator's log, a line each.
// Credentials are masked before they come here, and bodies are left out.
type dialogue struct {
	log     *slog.Logger
	account string
}

func (t dialogue) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		t.log.LogAttrs(context.Background(), slog.LevelDebug, "smtp",
			slog.String("account", t.account), slog.String("line", string(bytes.TrimRight(line, "\r\n"))))
	}
	return len(p), nil
}

// debugging reports whether dialogues are wanted.
func (d *door) debugging() bool { return d.log.Enabled(context.Background(), slog.LevelDebug) }
