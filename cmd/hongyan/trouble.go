package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
)

// This file is about what a worker cannot do though nothing is wrong with it: its
// machine lacks an account's secret, or the room for an issue's files. Another
// worker may do better, so it is left alone here only, and the trouble is told.

// shelfTrouble says what workers cannot do.
const shelfTrouble = "trouble"

// A trouble is why a worker cannot use a lane of an account, or carry an issue.
type trouble struct {
	Worker  string    `json:"worker"`
	Account string    `json:"account,omitempty"`
	Part    string    `json:"part,omitempty"` // "2/4" of an account that is split
	Issue   string    `json:"issue,omitempty"`
	Why     string    `json:"why"`
	Again   time.Time `json:"again"` // when it tries the next time
}

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

// paper is where this worker tells its trouble: another may have the same.
func (b burden) paper() string { return b.String() + " " + workerName() }

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
	t := trouble{Worker: workerName(), Account: b.lane.Account, Why: w.door.because(why), Again: shy.until}
	if b.issue != (ledger.Key{}) {
		t.Issue = b.issue.String()
	} else {
		t.Part = b.lane.Part()
	}
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return w.books.Put(ctx, shelfTrouble, b.paper(), body)
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
	return w.books.Discard(ctx, shelfTrouble, b.paper())
}

// sweepTroubles discards the troubles of who had this worker's name before it, and
// of those that are gone.
func (w *worker) sweepTroubles(ctx context.Context) error {
	var old []string
	err := written(ctx, w.books, shelfTrouble, func(name string, t trouble) {
		if t.Worker == workerName() || t.isStale() {
			old = append(old, name)
		}
	})
	for _, name := range old {
		err = errors.Join(err, w.books.Discard(ctx, shelfTrouble, name))
	}
	return err
}

// stale is how long after the next try a trouble is no longer believed: its worker
// may be gone.
const stale = time.Minute

func (t trouble) isStale() bool { return time.Since(t.Again) >= stale }

// troublesOf are the troubles that workers have.
func troublesOf(ctx context.Context, books papers) ([]trouble, error) {
	out := []trouble{}
	err := written(ctx, books, shelfTrouble, func(_ string, t trouble) {
		if !t.isStale() {
			out = append(out, t)
		}
	})
	return out, err
}

func (d *door) troubleLine(t trouble) string {
	switch {
	case t.Issue != "":
		return d.Say("worker %s cannot carry %s: %s; it tries again at %s", t.Worker, t.Issue, t.Why, stamp(t.Again))
	case t.Part != "":
		t.Account += " " + t.Part
	}
	return d.Say("worker %s cannot use account %s: %s; it tries again at %s", t.Worker, t.Account, t.Why, stamp(t.Again))
}

func (d *door) printTroubles(troubles []trouble) {
	for _, t := range troubles {
		fmt.Fprintln(d.out, d.troubleLine(t))
	}
}
