package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"github.com/rs/zerolog/diode"
)

// This file is how the log stays out of the way: of the mails, which never wait
// for whoever reads it, and of the reader, who is not told the same thing a
// thousand times a second.

const (
	backlog = 10_000          // lines that wait for the reader
	lately  = 2 * time.Second // how long the end waits for the reader
	thinned = 100             // of so many lines beyond the rate one is kept
)

// A spool takes lines without ever waiting and writes them on as fast as they
// are read. When too many wait, the oldest are left out and counted.
type spool struct {
	diode.Writer
	missed atomic.Int64
}

func newSpool(w io.Writer) *spool {
	s := &spool{}
	s.Writer = diode.NewWriter(only{w}, backlog, 0, func(n int) { s.missed.Add(int64(n)) })
	return s
}

// only keeps the spool from closing what is not its own.
type only struct{ io.Writer }

// end writes what is left, unless the reader stands still, and returns how many
// lines were left out.
func (s *spool) end() int64 {
	done := make(chan struct{})
	go func() { // not waited for if the reader stands still: the program is about to end
		s.Close()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(lately):
	}
	return s.missed.Load()
}

// endLog ends the log of a program that is about to end.
func (d *door) endLog() {
	if d.spool == nil {
		return
	}
	if n := d.spool.end(); n > 0 {
		fmt.Fprintln(d.err, d.Count("%d line of the log was left out: nobody read it in time",
			"%d lines of the log were left out: nobody read them in time", int(n)))
	}
}

// A sampled handler keeps, of each kind of debugging line, so many a second and
// of those beyond one in a hundred. What tells of trouble is no such line and is
// never left out.
type sampled struct {
	slog.Handler
	rate  uint32    // lines of a kind per second
	kinds *sync.Map // message → *zerolog.BurstSampler
}

func (s sampled) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelInfo && !s.kind(r.Message).Sample(zerolog.DebugLevel) {
		return nil
	}
	return s.Handler.Handle(ctx, r)
}

func (s sampled) kind(message string) *zerolog.BurstSampler {
	known, ok := s.kinds.Load(message)
	if !ok {
		known, _ = s.kinds.LoadOrStore(message, &zerolog.BurstSampler{
			Burst: s.rate, Period: time.Second, NextSampler: &zerolog.BasicSampler{N: thinned},
		})
	}
	return known.(*zerolog.BurstSampler)
}

func (s sampled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return sampled{s.Handler.WithAttrs(attrs), s.rate, s.kinds}
}

func (s sampled) WithGroup(name string) slog.Handler {
	return sampled{s.Handler.WithGroup(name), s.rate, s.kinds}
}
