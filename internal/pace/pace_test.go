package pace_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hongyan/internal/pace"
)

// noon is a Monday.
func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func limits(t testing.TB, m map[string]any) pace.Limits {
	t.Helper()
	l, bad := pace.ParseLimits(m)
	for _, p := range bad {
		t.Fatalf("%s: %s (%s)", p.Key, p.What, p.Hint)
	}
	return l
}

func qq(t testing.TB) pace.Limits {
	return limits(t, map[string]any{"per_day": 100, "gap": "6s-10s", "pause": "5m after 30", "connections": 1})
}

// ago returns times before noon.
func ago(ds ...time.Duration) []time.Time {
	var out []time.Time
	for _, d := range ds {
		out = append(out, noon().Add(-d))
	}
	return out
}

func repeat(n int, every time.Duration) []time.Time {
	var out []time.Time
	for i := range n {
		out = append(out, noon().Add(-time.Duration(i)*every))
	}
	return out
}

func at(now time.Time) pace.Options { return pace.Options{Now: func() time.Time { return now }} }

func TestNextSaysWhenAndWhy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		limits map[string]any
		past   []time.Time
		domain string
		wait   time.Duration
		why    string
	}{
		{"nothing is limited", nil, repeat(1000, 0), "", 0, ""},
		{"nothing was sent", map[string]any{"per_day": 1, "gap": "6s", "pause": "5m after 1"}, nil, "", 0, ""},
		{"the gap", map[string]any{"gap": "6s"}, ago(2 * time.Second), "", 4 * time.Second, "gap: 6s"},
		{"the gap is over", map[string]any{"gap": "6s"}, ago(6 * time.Second), "", 0, ""},
		{"a window is full", map[string]any{"per_hour": 2}, ago(50*time.Minute, 40*time.Minute), "", 10 * time.Minute, "2/hour"},
		{"a window has room", map[string]any{"per_hour": 2}, ago(50 * time.Minute), "", 0, ""},
		{"a window rolls", map[string]any{"per_hour": 2}, ago(60*time.Minute, 40*time.Minute), "", 0, ""},
		{"the longest wait counts", map[string]any{"rate": "2/hour, 3/day"}, ago(5*time.Hour, 50*time.Minute, 40*time.Minute), "", 19 * time.Hour, "3/day"},
		{"a window of any length", map[string]any{"rate": "2/15min"}, ago(14*time.Minute, time.Minute), "", time.Minute, "2/15m"},
		{"the pause", map[string]any{"pause": "5m after 3"}, repeat(3, time.Minute), "", 5 * time.Minute, "pause: 5m after 3"},
		{"a pause was made", map[string]any{"pause": "5m after 3"}, ago(8*time.Minute, 2*time.Minute, time.Minute), "", 0, ""},
		{"history in any order", map[string]any{"per_hour": 2}, ago(40*time.Minute, 50*time.Minute), "", 10 * time.Minute, "2/hour"},
		{"history from the future is now", map[string]any{"per_hour": 1}, ago(-24 * time.Hour), "", time.Hour, "1/hour"},
		{"a domain is full", map[string]any{"to": map[string]any{"QQ.com": "1/min"}}, ago(20 * time.Second), "qq.COM", 40 * time.Second, "to: qq.com: 1/min"},
		{"another domain is not", map[string]any{"to": map[string]any{"qq.com": "1/min"}}, ago(20 * time.Second), "163.com", 0, ""},
		{"a window of the past and the night", map[string]any{"per_day": 1, "between": "08:00-10:00", "timezone": "UTC"}, ago(time.Hour), "", 44 * time.Hour, "between: 08:00-10:00, UTC"},
		{"warm-up by age", map[string]any{"warmup": "2/day, 4/day"}, ago(3*time.Hour, 2*time.Hour), "", 21 * time.Hour, "warmup: 2/day"},
		{"the second day of the warm-up", map[string]any{"warmup": "2/day, 3/day"}, ago(30*time.Hour, 3*time.Hour, 2*time.Hour, time.Hour), "", 18 * time.Hour, "warmup: 3/day"},
		{"the warm-up is over", map[string]any{"warmup": "1/day"}, ago(25*time.Hour, time.Hour, time.Hour), "", 0, ""},
		{"no minute begins with a burst", map[string]any{"per_minute": 60}, nil, "", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := pace.New(limits(t, c.limits), c.past, at(noon()))
			got, why := p.Next(noon(), c.domain)
			if d := got.Sub(noon()); d.Round(time.Millisecond) != c.wait || why != c.why {
				t.Errorf("got %s %q, want %s %q", d, why, c.wait, c.why)
			}
			if took := p.Take(noon(), c.domain); took != (c.wait == 0) {
				t.Errorf("took the turn: %v", took)
			}
		})
	}
}

func TestTheWarmUpBeginsWithTheFirstMail(t *testing.T) {
	t.Parallel()
	l := limits(t, map[string]any{"warmup": "1/day, 2/day"})
	now := noon()
	p := pace.New(l, nil, pace.Options{Now: func() time.Time { return now }})
	now = now.Add(20 * time.Hour) // idle
	p.Take(now, "")
	if at, why := p.Next(now, ""); at.Sub(now) != 24*time.Hour || why != "warmup: 1/day" {
		t.Errorf("next in %s: %s", at.Sub(now), why)
	}
	old := pace.New(l, nil, pace.Options{Now: func() time.Time { return now }, First: now.AddDate(0, 0, -2)})
	for range 5 {
		if !old.Take(now, "") {
			t.Error("an account of two days has no warm-up left")
		}
	}
}

func TestShortWindowsAreSpreadOut(t *testing.T) {
	t.Parallel()
	l := limits(t, map[string]any{"per_minute": 60})
	p, now := pace.New(l, nil, at(noon())), noon()
	sent := 0
	for now.Before(noon().Add(10 * time.Second)) {
		for p.Take(now, "") {
			sent++
		}
		now, _ = p.Next(now, "")
	}
	if sent < 10 || sent > 13 { // a twentieth at once, then one a second
		t.Errorf("%d mails in the first ten seconds of 60/min", sent)
	}
}

// send lets n mails leave one after the other and returns when they did.
func send(ctx context.Context, t *testing.T, p *pace.Pacer, n int) []time.Time {
	t.Helper()
	var out []time.Time
	for range n {
		if err := p.Wait(ctx, ""); err != nil {
			t.Fatal(err)
		}
		out = append(out, time.Now())
	}
	return out
}

// within fails if more than n of the times lie in any span of that length.
func within(t testing.TB, times []time.Time, n int, per time.Duration) {
	t.Helper()
	times = slices.Clone(times)
	slices.SortFunc(times, time.Time.Compare)
	for i := n; i < len(times); i++ {
		if d := times[i].Sub(times[i-n]); d < per {
			t.Fatalf("%d mails within %s (mail %d at %s), allowed are %d in %s", n+1, d, i, times[i], n, per)
		}
	}
}

func TestThreeDaysOfQQ(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		sent := send(t.Context(), t, pace.New(qq(t), nil, pace.Options{Seed: 1}), 300)
		within(t, sent, 100, 24*time.Hour)
		within(t, sent, 1, 6*time.Second)
		within(t, sent, 30, 5*time.Minute)
		if d := time.Since(start); d < 48*time.Hour || d > 49*time.Hour {
			t.Errorf("300 mails at 100 a day took %s", d)
		}
		gaps := map[time.Duration]bool{}
		for i := 1; i < 20; i++ {
			gap := sent[i].Sub(sent[i-1])
			gaps[gap] = true
			if gap > 10*time.Second {
				t.Errorf("gap %d is %s", i, gap)
			}
		}
		if len(gaps) < 15 {
			t.Errorf("gaps are alike: %v", gaps)
		}
	})
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := pace.New(limits(t, map[string]any{"per_hour": 1}), nil, pace.Options{})
		send(t.Context(), t, p, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		var all sync.WaitGroup
		for range 3 { // at the head of the line and behind
			all.Go(func() {
				if err := p.Wait(ctx, ""); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v", err)
				}
			})
		}
		all.Wait()
		start := time.Now()
		send(t.Context(), t, p, 1)
		if d := time.Since(start); d != time.Hour-90*time.Second {
			t.Errorf("the next waited %s: an ended wait took its turn", d)
		}
	})
}

func TestConnectionsShareOnePacer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := pace.New(limits(t, map[string]any{"rate": "50/s, 400/min"}), nil, pace.Options{})
		var mu sync.Mutex
		var sent []time.Time
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				for _, at := range send(t.Context(), t, p, 50) {
					mu.Lock()
					sent = append(sent, at)
					mu.Unlock()
				}
			})
		}
		all.Wait()
		within(t, sent, 50, time.Second)
		within(t, sent, 400, time.Minute)
		if len(sent) != 1000 {
			t.Errorf("%d mails", len(sent))
		}
	})
}

func TestAFullDomainLetsOthersPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limits(t, map[string]any{"gap": "1s", "to": map[string]any{"qq.com": "1/hour"}})
		p := pace.New(l, nil, pace.Options{})
		start := time.Now()
		var all sync.WaitGroup
		for _, domain := range []string{"qq.com", "qq.com", "qq.com"} {
			all.Go(func() {
				if err := p.Wait(t.Context(), domain); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		for range 10 {
			if err := p.Wait(t.Context(), "163.com"); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(start); d > 11*time.Second {
			t.Errorf("others waited %s", d)
		}
		all.Wait()
		if d := time.Since(start); d != 2*time.Hour {
			t.Errorf("three mails at one an hour took %s", d)
		}
	})
}

func TestALaptopThatSleptIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var slept time.Duration // as if the machine had been suspended
		var mu sync.Mutex
		o := pace.Options{
			Now: func() time.Time {
				mu.Lock()
				defer mu.Unlock()
				return time.Now().Round(0).Add(slept)
			},
			Awake: func() time.Duration {
				mu.Lock()
				defer mu.Unlock()
				return time.Since(start) + slept
			},
		}
		p := pace.New(limits(t, map[string]any{"per_hour": 1}), nil, o)
		send(t.Context(), t, p, 1)
		go func() {
			time.Sleep(10 * time.Minute)
			mu.Lock()
			defer mu.Unlock()
			slept = 8 * time.Hour
		}()
		send(t.Context(), t, p, 1)
		if d := time.Since(start); d < 10*time.Minute || d > 11*time.Minute {
			t.Errorf("the second mail left after %s of being awake", d)
		}
		if s := p.State(); s.SetBy != 0 {
			t.Errorf("sleep was taken for a clock set forward: %+v", s)
		}
	})
}

func TestAClockSetForwardFreesNothing(t *testing.T) {
	t.Parallel()
	for _, step := range []time.Duration{24 * time.Hour, -24 * time.Hour} {
		t.Run(fmt.Sprint(step), func(t *testing.T) {
			t.Parallel()
			awake, wall := time.Duration(0), noon()
			o := pace.Options{Now: func() time.Time { return wall }, Awake: func() time.Duration { return awake }}
			l := limits(t, map[string]any{"per_day": 1})
			p := pace.New(l, nil, o)
			if !p.Take(wall, "") {
				t.Fatal("the first mail may leave")
			}
			stamp := wall
			pass := func(d time.Duration) { awake, wall = awake+d, wall.Add(d) }
			pass(time.Hour)
			wall = wall.Add(step)
			if next, _ := p.Next(wall, ""); next.Sub(wall) != 23*time.Hour {
				t.Errorf("after the step the next mail is %s away", next.Sub(wall))
			}
			pass(time.Hour)
			p.Next(wall, "")
			o.State = p.State() // and across a restart
			p = pace.New(l, []time.Time{stamp}, o)
			next, _ := p.Next(wall, "")
			if d := next.Sub(wall); d < 22*time.Hour || d > 24*time.Hour {
				t.Errorf("after the restart the next mail is %s away", d)
			}
		})
	}
}

// Found by the simulator: a run that rests asks nothing of its pacer, so the
// step was not in what the door stored when the run was stopped.
func TestAClockSetForwardWhileItRestsIsRemembered(t *testing.T) {
	t.Parallel()
	awake, wall := time.Duration(0), noon()
	o := pace.Options{Now: func() time.Time { return wall }, Awake: func() time.Duration { return awake }}
	l := limits(t, map[string]any{"per_day": 1})
	p := pace.New(l, nil, o)
	p.Take(wall, "")
	stamp := wall
	awake, wall = awake+time.Hour, wall.Add(25*time.Hour)
	o.State = p.State()
	p = pace.New(l, []time.Time{stamp}, o)
	if next, _ := p.Next(wall, ""); next.Sub(wall) != 23*time.Hour {
		t.Errorf("after the restart the next mail is %s away", next.Sub(wall))
	}
}

func TestBigWindowsAreFullyUsedAndNeverExceeded(t *testing.T) {
	t.Parallel()
	for _, w := range []pace.Window{{N: 1000, Per: time.Second}, {N: 10_000, Per: time.Second}, {N: 5000, Per: 3 * time.Minute}, {N: 20_480, Per: time.Hour}} {
		t.Run(w.String(), func(t *testing.T) {
			t.Parallel()
			l := pace.Limits{Windows: []pace.Window{w}}
			p, now := pace.New(l, nil, at(noon())), noon()
			var sent []time.Time
			for now.Before(noon().Add(4 * w.Per)) {
				for p.Take(now, "") {
					sent = append(sent, now)
				}
				now, _ = p.Next(now, "")
			}
			within(t, sent, w.N, w.Per)
			if least := 4 * w.N * 995 / 1000; len(sent) < least-1 {
				t.Errorf("%d mails in four windows, at least %d were allowed", len(sent), least)
			}
		})
	}
}

func TestAHoldEndsWithOneProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := pace.New(pace.Limits{}, nil, pace.Options{})
		start := time.Now()
		p.Hold(start.Add(2*time.Hour), "550 Too many attempts")
		p.Hold(start.Add(time.Hour), "milder")
		until, why, held := p.Held(time.Now())
		if !held || !until.Equal(start.Add(2*time.Hour)) || why != "550 Too many attempts" {
			t.Errorf("held %v until %s: %s", held, until, why)
		}
		send(t.Context(), t, p, 1)
		if d := time.Since(start); d != 2*time.Hour {
			t.Errorf("the probe left after %s", d)
		}
		if p.Ready(time.Now()) || p.Take(time.Now(), "") {
			t.Error("a second mail rode with the probe")
		}
		go func() {
			time.Sleep(time.Minute)
			p.Succeeded(time.Now())
		}()
		send(t.Context(), t, p, 5)
		if d := time.Since(start); d != 2*time.Hour+time.Minute {
			t.Errorf("the others left after %s", d)
		}
	})
}

func TestAProbeThatIsThrottledRenewsTheHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := pace.New(pace.Limits{}, nil, pace.Options{})
		start := time.Now()
		p.Hold(start.Add(time.Hour), "slow down")
		send(t.Context(), t, p, 1)
		p.Throttled(time.Now())
		send(t.Context(), t, p, 1)
		if d := time.Since(start); d != 2*time.Hour {
			t.Errorf("the second probe left after %s", d)
		}
		p.Unclear() // the link was lost: another probe, at once
		send(t.Context(), t, p, 1)
		send(t.Context(), t, p, 1) // nobody ever reports: after a quarter of an hour
		if d := time.Since(start); d != 2*time.Hour+15*time.Minute {
			t.Errorf("the fourth probe left after %s", d)
		}
	})
}

func TestAHoldForAPersonEndsByLift(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := pace.New(pace.Limits{}, nil, pace.Options{})
		p.Hold(time.Time{}, "535 Login fail")
		start := time.Now()
		if until, _, held := p.Held(start); !held || !until.IsZero() {
			t.Errorf("held %v until %s", held, until)
		}
		if at, why := p.Next(start, ""); at.Sub(start) < 50*365*24*time.Hour || why != "hold: 535 Login fail" {
			t.Errorf("next %s: %s", at, why)
		}
		p.Hold(start.Add(time.Hour), "shorter")
		go func() {
			time.Sleep(1000 * time.Hour)
			p.Lift()
		}()
		send(t.Context(), t, p, 1)
		if d := time.Since(start); d != 1000*time.Hour {
			t.Errorf("left after %s", d)
		}
	})
}

func TestAHoldThatIsOverLeavesItsProbe(t *testing.T) {
	t.Parallel()
	p := pace.New(pace.Limits{}, nil, at(noon()))
	p.Hold(noon().Add(-time.Hour), "before the restart")
	if !p.Take(noon(), "") || p.Take(noon(), "") {
		t.Error("exactly one mail may leave")
	}
	p.Succeeded(noon())
	first, second := p.Take(noon(), ""), p.Take(noon(), "")
	if !first || !second {
		t.Error("all may leave")
	}
}

func BenchmarkWait(b *testing.B) {
	for name, m := range map[string]map[string]any{
		"none": nil, "per_second": {"per_second": 1_000_000_000}, "all": {"rate": "1000000000/s, 1000000000/min, 1000000000/day", "to": map[string]any{"qq.com": "1000000000/s"}},
	} {
		b.Run(name, func(b *testing.B) {
			p := pace.New(limits(b, m), nil, pace.Options{})
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Wait(b.Context(), "qq.com"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestWhatIsUsedOfEachWindow(t *testing.T) {
	t.Parallel()
	l := limits(t, map[string]any{"per_day": 5000, "per_hour": 20, "per_minute": 3})
	past := ago(70*time.Minute, 50*time.Minute, 20*time.Minute, 60*time.Second, 59*time.Second, 0)
	used := func(p *pace.Pacer, now time.Time) (text string) {
		for _, u := range p.Uses(now) {
			text += fmt.Sprintf("%s %d; ", u.Window, u.Used)
		}
		return text
	}
	p := pace.New(l, past, at(noon()))
	if got := used(p, noon()); got != "3/min 2; 20/hour 5; 5000/day 6; " {
		t.Error(got)
	}
	if !p.Take(noon().Add(time.Second), "") {
		t.Fatal("no turn")
	}
	if got := used(p, noon().Add(time.Second)); got != "3/min 2; 20/hour 6; 5000/day 7; " {
		t.Error(got)
	}
	if got := used(pace.New(pace.Limits{}, past, at(noon())), noon()); got != "" {
		t.Error(got)
	}
}
