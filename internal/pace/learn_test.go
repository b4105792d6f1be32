package pace_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"hongyan/internal/pace"
)

// world is a pacer under a clock that the test sets.
type world struct {
	*pace.Pacer
	now time.Time
}

func newWorld(l pace.Limits, o pace.Options) *world {
	w := &world{now: noon()}
	o.Now = func() time.Time { return w.now }
	w.Pacer = pace.New(l, nil, o)
	return w
}

// mail sends one as soon as it may leave and reports its success.
func (w *world) mail() {
	for !w.Take(w.now, "") {
		w.now, _ = w.Next(w.now, "")
	}
	w.Succeeded(w.now)
}

func TestAThrottleHalvesThePace(t *testing.T) {
	t.Parallel()
	w := newWorld(limits(t, map[string]any{"gap": "6s", "per_hour": 10}), pace.Options{})
	w.mail()
	w.Throttled(w.now)
	w.Throttled(w.now) // another connection's mail, refused with it
	if f := w.State().Factor; f != 0.5 {
		t.Errorf("factor %v", f)
	}
	if at, why := w.Next(w.now, ""); at.Sub(w.now) != 12*time.Second || why != "gap: 6s" {
		t.Errorf("next in %s: %s", at.Sub(w.now), why)
	}
	for range 4 {
		w.mail()
	}
	if at, why := w.Next(w.now, ""); at.Sub(noon()) != time.Hour || why != "10/hour" {
		t.Errorf("the sixth mail leaves %s after the first: %s", at.Sub(noon()), why)
	}
	for range 10 {
		w.mail()
		w.Throttled(w.now)
	}
	if f := w.State().Factor; f != 1.0/16 {
		t.Errorf("factor %v", f)
	}
}

func TestACleanDayRaisesThePaceByAStep(t *testing.T) {
	t.Parallel()
	w := newWorld(limits(t, map[string]any{"gap": "1h"}), pace.Options{State: pace.State{Factor: 0.5}})
	var got []float64
	for day := range 7 {
		for w.now.Before(noon().Add(time.Duration(day+1) * 26 * time.Hour)) {
			w.mail()
		}
		got = append(got, w.State().Factor)
	}
	want := []float64{0.625, 0.75, 0.875, 1, 1, 1, 1}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

func TestIdleDaysProveNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(pace.Limits{}, pace.Options{State: pace.State{Factor: 0.5}})
	w.now = w.now.Add(100 * time.Hour)
	w.mail()
	if f := w.State().Factor; f != 0.5 {
		t.Errorf("factor %v", f)
	}
}

func TestAThrottleEndsTheCleanDay(t *testing.T) {
	t.Parallel()
	w := newWorld(pace.Limits{}, pace.Options{State: pace.State{Factor: 1}})
	w.mail()
	w.Throttled(w.now)
	w.mail()
	w.now = w.now.Add(23 * time.Hour)
	w.mail()
	w.Throttled(w.now)
	w.now = w.now.Add(2 * time.Hour)
	w.mail()
	if f := w.State().Factor; f != 0.25 {
		t.Errorf("factor %v", f)
	}
}

func TestWhatWasLearnedSurvivesARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(limits(t, map[string]any{"gap": "6s"}), pace.Options{})
	w.mail()
	w.Throttled(w.now)
	js, err := json.Marshal(w.State())
	if err != nil {
		t.Fatal(err)
	}
	var back pace.State
	if err := json.Unmarshal(js, &back); err != nil {
		t.Fatal(err)
	}
	if back != w.State() {
		t.Errorf("got %+v, want %+v", back, w.State())
	}
	again := pace.New(limits(t, map[string]any{"gap": "6s"}), []time.Time{w.now}, pace.Options{State: back, Now: func() time.Time { return w.now }})
	if at, _ := again.Next(w.now, ""); at.Sub(w.now) != 12*time.Second {
		t.Errorf("next in %s", at.Sub(w.now))
	}
	if s := back.Describe(); len(s) != 1 || !strings.HasPrefix(s[0].String(), "50% of the configured pace since") {
		t.Errorf("got %v", s)
	}
	if s := (pace.State{}).Describe(); s != nil {
		t.Errorf("nothing was learned: %v", s)
	}
}

func TestAStateThatMakesNoSenseIsAFullPace(t *testing.T) {
	t.Parallel()
	for _, f := range []float64{0, -1, 2, 1e300} {
		if got := newWorld(pace.Limits{}, pace.Options{State: pace.State{Factor: f}}).State().Factor; got != 1 {
			t.Errorf("%v became %v", f, got)
		}
	}
}

func TestASchedulePutsMailsOff(t *testing.T) {
	t.Parallel()
	s, bad := pace.ParseSchedule("5m, 10m, 20m, 1h*3, 4h*5", "24h")
	if len(bad) > 0 || s.String() != "5m, 10m, 20m, 1h*3, 4h*5" || s.MaxAge != 24*time.Hour {
		t.Fatalf("got %+v, %v", s, bad)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for tries, want := range map[int]time.Duration{
		0: 5 * time.Minute, 1: 5 * time.Minute, 2: 10 * time.Minute, 3: 20 * time.Minute,
		4: time.Hour, 6: time.Hour, 7: 4 * time.Hour, 11: 4 * time.Hour, 1000: 4 * time.Hour,
	} {
		seen := map[time.Duration]bool{}
		for range 200 {
			d := s.Next(tries, r)
			if d < max(want/2, 5*time.Minute) || d > want {
				t.Errorf("after %d tries: %s, want up to %s", tries, d, want)
			}
			seen[d] = true
		}
		if want > 5*time.Minute && len(seen) < 150 {
			t.Errorf("after %d tries: only %d different waits", tries, len(seen))
		}
	}
	if s.GiveUp(23*time.Hour, time.Hour) || !s.GiveUp(23*time.Hour, 61*time.Minute) {
		t.Error("a mail is given up when its next try would come too late")
	}
	if age := s.Age(4); age != 35*time.Minute {
		t.Errorf("at its fourth try a mail is %s old", age)
	}
	if age := (pace.Schedule{Waits: []time.Duration{time.Minute}}).Age(11); age != 50*time.Minute {
		t.Errorf("a wait of a minute takes five, but ten of them %s", age)
	}
	if (pace.Schedule{}).GiveUp(1000*time.Hour, time.Hour) {
		t.Error("without max_age nothing is given up")
	}
}

func TestAWrongScheduleIsTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ waits, maxAge, want string }{
		{"5m, soon, 1h*0, 2h*x", "", `schedule "soon" is no wait before another try; schedule "1h*0" is no wait before another try; schedule "2h*x" is no wait before another try`},
		{"", "", "schedule the schedule has no waits"},
		{"5m", "long", `max_age "long" is no span of time`},
	} {
		_, bad := pace.ParseSchedule(c.waits, c.maxAge)
		var got []string
		for _, p := range bad {
			got = append(got, p.Key+" "+p.What.String())
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, seed := range []string{"5m, 10m, 20m, 1h*3, 4h*5", "1h×3", "5分钟，1小时", "1h*1000", "1h*99999999999", "0.1ms", ",", "1d1d"} {
		f.Add(seed, "24h")
	}
	f.Fuzz(func(t *testing.T, waits, maxAge string) {
		s, bad := pace.ParseSchedule(waits, maxAge)
		if len(bad) > 0 {
			return
		}
		if again, bad := pace.ParseSchedule(s.String(), ""); len(bad) > 0 || again.String() != s.String() {
			t.Errorf("%q became %q, then %q", waits, s, again)
		}
		for tries := range 5 {
			if d := s.Next(tries, rand.New(rand.NewPCG(1, 1))); d < 5*time.Minute {
				t.Errorf("%q: %s after %d tries", waits, d, tries)
			}
		}
	})
}
