package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"hongyan/internal/crew/board"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
)

// This file is about what a worker cannot do though nothing is wrong with it: its
// machine lacks an account's secret, or the room for an issue's files. Another
// worker may do better, so it is left alone here only, and the trouble is told.

// A burden is what a worker may have trouble with: a lane or an issue.
type burden struct {
	lane  postgres.Lane
	issue ledger.Key
}

func (b burden) String() string {
	if b.issue != (ledger.Key{}) {
		return "issue " + b.issue.String()
	}
	return "account " + b.lane.String()
}

// trouble is this worker's with it.
func (b burden) trouble() board.Trouble {
	t := board.Trouble{Worker: workerName(), Account: b.lane.Account}
	if b.issue != (ledger.Key{}) {
		t.Issue = b.issue.String()
	} else {
		t.Part = b.lane.Part()
	}
	return t
}

// A shyness is for how long a worker leaves something alone.
type shyness struct {
	until time.Time
	wait  time.Duration
}

// The first trouble may be gone soon; what needs a person is not asked for more
// often than a person looks.
const (
	firstShyness = 30 * time.Second
	mostShyness  = 5 * time.Minute
)

func (s shyness) more(now time.Time) shyness {
	wait := min(max(2*s.wait, firstShyness), mostShyness)
	return shyness{now.Add(wait), wait}
}

func (w *worker) shuns(b burden, now time.Time) bool {
	w.shying.Lock()
	defer w.shying.Unlock()
	return now.Before(w.shy[b].until)
}

// shun leaves alone what cannot be done here, for longer each time.
func (w *worker) shun(ctx context.Context, b burden, why error) error {
	w.shying.Lock()
	shy := w.shy[b].more(time.Now())
	w.shy[b] = shy
	w.shying.Unlock()
	w.door.log.Error("this cannot be done here", slog.String("what", b.String()), slog.Any("err", why), slog.Time("again", shy.until))
	t := b.trouble()
	t.Why, t.Again = w.door.because(why), shy.until
	return t.Tell(ctx, w.books)
}

// accept forgets the trouble that there was.
func (w *worker) accept(ctx context.Context, b burden) error {
	w.shying.Lock()
	_, shy := w.shy[b]
	delete(w.shy, b)
	w.shying.Unlock()
	if !shy {
		return nil
	}
	return b.trouble().TakeBack(ctx, w.books)
}

func (d *door) troubleLine(t board.Trouble) string {
	switch {
	case t.Issue != "":
		return d.Say("worker %s cannot carry %s: %s; it tries again at %s", t.Worker, t.Issue, t.Why, stamp(t.Again))
	case t.Part != "":
		t.Account += " " + t.Part
	}
	return d.Say("worker %s cannot use account %s: %s; it tries again at %s", t.Worker, t.Account, t.Why, stamp(t.Again))
}

func (d *door) printTroubles(troubles []board.Trouble) {
	for _, t := range troubles {
		fmt.Fprintln(d.out, d.troubleLine(t))
	}
}
