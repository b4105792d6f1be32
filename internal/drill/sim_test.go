package drill_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var (
	seeds     = flag.Uint64("seeds", 1000, "how many worlds the simulator plays")
	firstSeed = flag.Uint64("first", 0, "the first seed")
	watched   = flag.Bool("watch", false, "print what happens in the worlds")
)

// TestSimulatedWorldsKeepThePromise plays worlds from seeds: a real run with a
// real pacer and a real judge, over a ledger, a post office, a clock and a
// process that fail whenever the seed says so. After each life of the process
// the promise is checked:
//
//	(a) what is recorded as sent was taken by the office;
//	(b) nobody is taken twice, unless a person had a doubt sent again;
//	(c) what was taken is recorded as sent or in doubt, never as due;
//	(d) no window holds more than it may, restarts included;
//	(e) the books balance, and nothing is left open by a process that ended well;
//	(f) every life ends, and a last one in fair weather settles everybody.
func TestSimulatedWorldsKeepThePromise(t *testing.T) {
	var next atomic.Uint64
	next.Store(*firstSeed)
	k := newKit(t)
	began := time.Now()
	t.Run("worlds", func(t *testing.T) {
		for range min(uint64(runtime.GOMAXPROCS(0)), *seeds) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for seed := next.Add(1) - 1; seed < *firstSeed+*seeds && !t.Failed(); seed = next.Add(1) - 1 {
					if err := play(t, k, seed, nil); err != nil {
						t.Errorf("seed %d: %v\ngo test ./internal/drill -run Sim -seeds 1 -first %d", seed, err, seed)
					}
				}
			})
		}
	})
	t.Logf("%d worlds from seed %d in %s: %s", *seeds, *firstSeed, time.Since(began).Round(time.Millisecond), k.sum)
}

// play plays one world to its end. Wrong, if not nil, spoils it on purpose.
func play(t *testing.T, k kit, seed uint64, wrong *sabotage) (err error) {
	defer func() {
		if broken := recover(); broken != nil { // a deadlock in the bubble, or a bug
			panic(fmt.Sprintf("seed %d: %v", seed, broken))
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		err = newWorld(k, seed, wrong).play(t.Context())
	})
	return err
}

// play lets processes live and die over one ledger, then one in fair weather.
func (w *world) play(ctx context.Context) error {
	for range 2 + w.rand.IntN(4) {
		if err := w.live(ctx, w.weather()); err != nil {
			return err
		}
		if err := w.between(ctx); err != nil {
			return err
		}
	}
	w.calm = true
	for range 2 {
		if err := w.amend(ctx, always); err != nil {
			return err
		}
		if err := w.live(ctx, weather{patient: true}); err != nil {
			return err
		}
	}
	return w.settled(ctx)
}

// A sabotage breaks one of the rules that keep the promise, so that the
// simulator can show that it would have noticed.
type sabotage struct {
	resends   bool // what was being sent when the process died is due again
	retries   bool // what was taken is written down as due again
	noIntents bool // bodies leave without an intent on record
	noHistory bool // a restart forgets what left before
	ledgerErr bool // a ledger that cannot be written is not heeded
}

// TestSimulatorSeesSabotage breaks each rule on purpose; a simulator that finds
// nothing wrong then proves nothing otherwise.
func TestSimulatorSeesSabotage(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	for _, c := range []struct {
		name  string
		wrong sabotage
		seen  string
	}{
		{"what was being sent is due again", sabotage{resends: true}, "it was taken, but is recorded as deferred"},
		{"what was taken is due again", sabotage{retries: true}, "it was taken, but is recorded as deferred"},
		{"no intent before the body", sabotage{noIntents: true}, "it was taken, but is recorded as"},
		{"history ends with the process", sabotage{noHistory: true}, "mails left within"},
		{"a failed write is passed over", sabotage{ledgerErr: true}, "it was taken, but is recorded as queued"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(300) {
				if err := play(t, k, seed, &c.wrong); err != nil && strings.Contains(err.Error(), c.seen) {
					t.Logf("seed %d: %v", seed, err)
					return
				}
			}
			t.Error("300 worlds went by and nothing was noticed")
		})
	}
}

var errLate = errors.New("the run does not end")
