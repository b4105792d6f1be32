package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/ledger/ledgertest"
	"hongyan/internal/schedule"
)

// An office is a runner with what it began and what it was told, over a shelf
// that outlives it.
type office struct {
	schedule.Runner
	mu    sync.Mutex
	begun []string
	told  []string
	fail  func(slot schedule.Slot) error // nil: every start is well
}

func newOffice(t testing.TB, shelf schedule.Shelf, specs map[string]schedule.Spec) *office {
	o := &office{}
	var planned []schedule.Planned
	for name, spec := range specs {
		planned = append(planned, schedule.Planned{Campaign: name, Schedule: parse(t, spec)})
	}
	o.Shelf = shelf
	o.Campaigns = func() []schedule.Planned { return planned }
	o.Start = func(ctx context.Context, campaign string, slot schedule.Slot) error {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.begun = append(o.begun, campaign+" "+slot.Name)
		if o.fail != nil {
			return o.fail(slot)
		}
		return nil
	}
	o.Tell = func(campaign string, r schedule.Record) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.told = append(o.told, fmt.Sprintf("%s %s %s %s", campaign, r.Slot, r.State, r.Why))
	}
	return o
}

// during runs the office for a while.
func (o *office) during(t testing.TB, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := o.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

var daily = map[string]schedule.Spec{"news": {Cron: "0 9 * * *", Timezone: "UTC"}}

// The fake clock begins at 2000-01-01 00:00 UTC.

func TestASlotIsBegunAtItsTimeAndOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shelf := ledgertest.NewMemory()
		o := newOffice(t, shelf, daily)
		o.during(t, 9*time.Hour-time.Millisecond)
		if len(o.begun) > 0 {
			t.Fatalf("too early: %v", o.begun)
		}
		o.during(t, time.Minute)
		for range 3 { // each time another process
			o = newOffice(t, shelf, daily)
			o.during(t, time.Hour)
			if len(o.begun) > 0 {
				t.Fatalf("again: %v", o.begun)
			}
		}
		records := recorded(t, shelf, "news")
		if len(records) != 1 || records[0].State != schedule.Fired || records[0].At.Sub(records[0].Due) > time.Second {
			t.Errorf("recorded %+v", records)
		}
	})
}

func recorded(t testing.TB, shelf schedule.Shelf, campaign string) (out []schedule.Record) {
	t.Helper()
	for r, err := range schedule.Records(t.Context(), shelf, campaign) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func TestASlotThatIsOverWhenItsScheduleComesIsSkippedAndTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shelf := ledgertest.NewMemory()
		late := map[string]schedule.Spec{"news": {At: "1999-12-31T23:59", Timezone: "UTC"}}
		o := newOffice(t, shelf, late)
		o.during(t, time.Hour)
		want := []string{"news 1999-12-31T23:59 skipped it was over when hongyan first saw the schedule"}
		if !slices.Equal(o.told, want) || len(o.begun) > 0 {
			t.Errorf("told %q, begun %v", o.told, o.begun)
		}
		o = newOffice(t, shelf, late)
		o.during(t, time.Hour)
		if len(o.told) > 0 || len(recorded(t, shelf, "news")) != 1 {
			t.Errorf("told again: %q", o.told)
		}
	})
}

func TestTwoProcessesBeginASlotOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shelf := ledgertest.NewMemory()
		offices := []*office{newOffice(t, shelf, daily), newOffice(t, shelf, daily), newOffice(t, shelf, daily)}
		var all sync.WaitGroup
		for _, o := range offices {
			all.Go(func() { o.during(t, 10*24*time.Hour) })
		}
		all.Wait()
		var begun []string
		for _, o := range offices {
			begun = append(begun, o.begun...)
		}
		slices.Sort(begun)
		if len(begun) != 10 || len(slices.Compact(slices.Clone(begun))) != 10 {
			t.Errorf("begun %v", begun)
		}
	})
}

func TestANewScheduleBeginsWhenItIsSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shelf := ledgertest.NewMemory()
		time.Sleep(10 * time.Hour)
		o := newOffice(t, shelf, daily)
		o.during(t, time.Hour)
		// The hour is changed to one that has passed today.
		o2 := newOffice(t, shelf, map[string]schedule.Spec{"news": {Cron: "0 8 * * *", Timezone: "UTC"}})
		o2.during(t, 20*time.Hour)
		if len(o.begun) > 0 || len(o2.begun) > 0 {
			t.Fatalf("begun %v %v", o.begun, o2.begun)
		}
		o2.during(t, 2*time.Hour)
		if got := strings.Join(o2.begun, ", "); got != "news 2000-01-02T08:00" {
			t.Errorf("begun %s", got)
		}
	})
}

func TestACampaignThatComesWhileItRunsIsTakenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, ledgertest.NewMemory(), nil)
		changed := make(chan struct{})
		o.Changed = changed
		soon := schedule.Planned{Campaign: "b", Schedule: parse(t, schedule.Spec{Cron: "* * * * *", Timezone: "UTC"})}
		var planned atomic.Pointer[[]schedule.Planned]
		planned.Store(&[]schedule.Planned{})
		o.Campaigns = func() []schedule.Planned { return *planned.Load() }
		time.AfterFunc(time.Hour+50*time.Second, func() {
			planned.Store(&[]schedule.Planned{soon})
			changed <- struct{}{}
		})
		o.during(t, time.Hour+61*time.Second)
		if got := strings.Join(o.begun, ", "); got != "b 2000-01-01T01:01" {
			t.Errorf("begun %q", got)
		}
	})
}

func TestWhatFailsIsTriedAgainAndThenHasFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shelf := ledgertest.NewMemory()
		o := newOffice(t, shelf, daily)
		o.fail = func(schedule.Slot) error { return errors.New("no feed") }
		o.during(t, 10*time.Hour)
		want := []string{
			"news 2000-01-01T09:00 starting no feed", "news 2000-01-01T09:00 starting no feed",
			"news 2000-01-01T09:00 starting no feed", "news 2000-01-01T09:00 failed no feed",
		}
		if !slices.Equal(o.told, want) {
			t.Errorf("told\n%s", strings.Join(o.told, "\n"))
		}
		tries := 0
		o.fail = func(schedule.Slot) error {
			if tries++; tries < 3 {
				return errors.New("no feed")
			}
			return nil
		}
		o.during(t, 24*time.Hour)
		if last := o.told[len(o.told)-1]; tries != 3 || last != "news 2000-01-02T09:00 fired " {
			t.Errorf("after %d tries %q", tries, last)
		}
	})
}

func TestNothingToSendIsSkippedAndSaidSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shelf := ledgertest.NewMemory()
		o := newOffice(t, shelf, daily)
		o.fail = func(schedule.Slot) error {
			return fmt.Errorf("begin: %w", &schedule.Nothing{Why: fault.Textf("nothing new in %s", "feed")})
		}
		o.during(t, 10*time.Hour)
		if got := strings.Join(o.told, "\n"); got != "news 2000-01-01T09:00 skipped nothing new in feed" {
			t.Errorf("told %s", got)
		}
		if r := recorded(t, shelf, "news"); len(r) != 1 || r[0].Why.Format != "nothing new in %s" {
			t.Errorf("recorded %+v", r)
		}
	})
}

func TestAStartThatACrashCutShortIsDoneAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shelf := ledgertest.NewMemory()
		ctx, crash := context.WithCancel(t.Context())
		first := newOffice(t, shelf, daily)
		first.fail = func(schedule.Slot) error { crash(); return nil }
		if err := first.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if r := recorded(t, shelf, "news"); len(r) != 1 || r[0].State != schedule.Starting {
			t.Fatalf("recorded %+v", r)
		}
		second := newOffice(t, shelf, daily)
		second.during(t, time.Minute)
		if len(second.begun) > 0 {
			t.Fatal("the first process was not left the time it may take")
		}
		second.during(t, 10*time.Minute)
		if got := strings.Join(second.begun, ", "); got != "news 2000-01-01T09:00" {
			t.Errorf("begun %q", got)
		}
		if r := recorded(t, shelf, "news"); r[0].State != schedule.Fired {
			t.Errorf("recorded %+v", r)
		}
	})
}

func TestAProcessTakesOverFromOneThatDies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shelf := ledgertest.NewMemory()
		ctx, crash := context.WithCancel(t.Context())
		dying, living := newOffice(t, shelf, daily), newOffice(t, shelf, daily)
		// The dying one is first, since the living one's clock is a little slow.
		living.Clock(func() time.Time { return time.Now().Add(-5 * time.Second) })
		dying.fail = func(schedule.Slot) error { crash(); return nil }
		var both sync.WaitGroup
		both.Go(func() { _ = dying.Run(ctx) })
		both.Go(func() { living.during(t, 10*time.Hour) })
		both.Wait()
		if got := strings.Join(living.begun, ", "); got != "news 2000-01-01T09:00" {
			t.Errorf("begun %q", got)
		}
	})
}

func TestAStartThatWasMissedAltogetherGivesWayToTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shelf := ledgertest.NewMemory()
		ctx, crash := context.WithCancel(t.Context())
		first := newOffice(t, shelf, daily)
		first.fail = func(schedule.Slot) error { crash(); return nil }
		_ = first.Run(ctx)
		time.Sleep(3 * 24 * time.Hour)
		second := newOffice(t, shelf, daily)
		second.during(t, time.Hour)
		if got := strings.Join(second.begun, ", "); got != "news 2000-01-04T09:00" {
			t.Errorf("begun %q", got)
		}
		if r := recorded(t, shelf, "news"); r[0].State != schedule.Failed || r[0].Why.String() != "missed; 2000-01-02T09:00 takes its place" {
			t.Errorf("recorded %+v", r[0])
		}
	})
}

func TestASlowStartHoldsUpNoOtherCampaign(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, ledgertest.NewMemory(), map[string]schedule.Spec{
			"slow": {Cron: "0 9 * * *", Timezone: "UTC"}, "quick": {Cron: "1 9 * * *", Timezone: "UTC"},
		})
		var at []string
		o.Start = func(_ context.Context, campaign string, _ schedule.Slot) error {
			if campaign == "slow" {
				time.Sleep(time.Hour)
			}
			at = append(at, campaign+time.Now().UTC().Format(" 15:04"))
			return nil
		}
		o.during(t, 11*time.Hour)
		if got := strings.Join(at, ", "); got != "quick 09:01, slow 10:00" {
			t.Errorf("begun %s", got)
		}
	})
}

func TestASleepAndAClockThatIsSetAreNoticed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step time.Duration // after a second, what the clock on the wall is set by
		run  time.Duration
		want string
	}{
		"asleep over a slot":           {12 * time.Hour, time.Minute, "news 2000-01-01T09:00"},
		"asleep over three":            {72 * time.Hour, time.Minute, "news 2000-01-03T09:00"},
		"set forward to just before":   {9*time.Hour - 40*time.Second, time.Minute, "news 2000-01-01T09:00"},
		"set back":                     {-5 * time.Hour, 13*time.Hour + 59*time.Minute, ""},
		"set back, and then it comes":  {-5 * time.Hour, 14*time.Hour + time.Minute, "news 2000-01-01T09:00"},
		"set far ahead, and not again": {100 * 24 * time.Hour, time.Minute, "news 2000-04-09T09:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t, ledgertest.NewMemory(), daily)
				set := time.Now().Add(time.Second)
				o.Clock(func() time.Time {
					if time.Now().Before(set) {
						return time.Now()
					}
					return time.Now().Add(c.step)
				})
				o.during(t, c.run)
				if got := strings.Join(o.begun, ", "); got != c.want {
					t.Errorf("begun %q, want %q", got, c.want)
				}
			})
		})
	}
}

func TestAClockThatRanAheadForgetsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shelf := ledgertest.NewMemory()
		ahead := newOffice(t, shelf, daily)
		ahead.during(t, time.Second) // the schedule is known
		ahead.Clock(func() time.Time { return time.Now().Add(30 * 24 * time.Hour) })
		ahead.during(t, time.Minute)
		o := newOffice(t, shelf, daily) // the battery was changed
		o.during(t, 33*24*time.Hour)
		want := []string{"news 2000-01-31T09:00", "news 2000-02-01T09:00", "news 2000-02-02T09:00"}
		if got := o.begun; !slices.Equal(ahead.begun, []string{"news 2000-01-30T09:00"}) || !slices.Equal(got, want) {
			t.Errorf("begun %v, then %v", ahead.begun, got)
		}
	})
}

// TestAYearOfStopsAndStarts has processes come and go at random for a year, at
// times several at once, some of which die while they begin an issue. No slot is
// begun by two that live, and none is forgotten: each is begun, or says which
// later one took its place.
func TestAYearOfStopsAndStarts(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { aYear(t, rand.New(rand.NewPCG(seed, 7))) })
		})
	}
}

func aYear(t *testing.T, rnd *rand.Rand) {
	spec := map[string]schedule.Spec{"news": {Cron: "30 2,9 * * *", Timezone: "America/New_York"}}
	s := parse(t, spec["news"])
	shelf := ledgertest.NewMemory()
	begin, begun := time.Now(), map[string]int{}
	var mu sync.Mutex
	newOffice(t, shelf, spec).during(t, time.Second) // the schedule is known
	for time.Since(begin) < 365*24*time.Hour {
		time.Sleep(time.Duration(rnd.Int64N(int64(60 * time.Hour))))
		var processes sync.WaitGroup
		for range 1 + rnd.IntN(3) {
			o := newOffice(t, shelf, spec)
			life := time.Duration(rnd.Int64N(int64(80 * time.Hour)))
			ctx, die := context.WithTimeout(t.Context(), life)
			o.Glance(time.Hour)
			deadly := rnd.IntN(4) == 0
			o.Start = func(_ context.Context, _ string, slot schedule.Slot) error {
				if deadly {
					die() // before anything was written down
					return nil
				}
				mu.Lock()
				defer mu.Unlock()
				begun[slot.Name]++
				return nil
			}
			processes.Go(func() {
				defer die()
				if err := o.Run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		processes.Wait()
	}
	newOffice(t, shelf, spec).during(t, time.Hour)
	records := map[string]schedule.Record{}
	for _, r := range recorded(t, shelf, "news") {
		records[r.Slot] = r
	}
	end := time.Now()
	for _, slot := range s.Next(begin, 2000) {
		if slot.At.After(end.Add(-time.Hour)) {
			break
		}
		r, ok := records[slot.Name]
		switch {
		case !ok:
			t.Errorf("%s is forgotten", slot.Name)
		case begun[slot.Name] > 1:
			t.Errorf("%s was begun %d times", slot.Name, begun[slot.Name])
		case r.State == schedule.Fired && begun[slot.Name] == 0 && slot.At.Before(end.Add(-2*time.Hour)):
			t.Errorf("%s is said to have been begun", slot.Name)
		case r.State != schedule.Fired && !strings.Contains(r.Why.String(), "takes its place"):
			t.Errorf("%s is %s: %s", slot.Name, r.State, r.Why)
		case r.State != schedule.Fired && begun[slot.Name] > 0:
			t.Errorf("%s was begun and is %s", slot.Name, r.State)
		}
	}
}

// While a slot that is due has not begun, its campaign is overdue: during the
// tries, and after the last of them until something became of the next slot.
func TestASlotThatCannotBeginIsOverdueUntilTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shelf := ledgertest.NewMemory()
		o := newOffice(t, shelf, daily)
		broken := true
		o.fail = func(schedule.Slot) error {
			if broken {
				return errors.New("no list")
			}
			return nil
		}
		midnight := time.Now().UTC()
		for _, c := range []struct {
			run  time.Duration
			want time.Duration // after midnight; 0: nothing is overdue
		}{{9*time.Hour - time.Minute, 0}, {3 * time.Minute, 9 * time.Hour}, {2 * time.Hour, 9 * time.Hour}, {22 * time.Hour, 0}} {
			o.during(t, c.run)
			since, err := schedule.Overdue(t.Context(), shelf, "news")
			if err != nil || c.want == 0 && !since.IsZero() || c.want > 0 && since.Sub(midnight) != c.want {
				t.Errorf("after %v overdue since %v (%v)", time.Since(midnight), since, err)
			}
			if time.Since(midnight) > 11*time.Hour {
				broken = false // somebody mended the list
			}
		}
	})
}
