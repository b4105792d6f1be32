package pace_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hongyan/internal/pace"
)

func TestTheSharesOfLanesMakeUpTheLimit(t *testing.T) {
	t.Parallel()
	l, bad := pace.ParseLimits(map[string]any{
		"per_second": 5, "per_day": 102, "connections": 7, "per_connection": 20,
		"to": map[string]any{"qq.com": "6/min"}, "warmup": []any{"9/day"},
	})
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	for n, want := range []string{
		"2/s, 26/day, connections: 2, per_connection: 20, to qq.com: 2/min, warmup: 3/day",
		"1/s, 26/day, connections: 2, per_connection: 20, to qq.com: 2/min, warmup: 2/day",
		"1/s, 25/day, connections: 2, per_connection: 20, to qq.com: 1/min, warmup: 2/day",
		"1/s, 25/day, connections: 1, per_connection: 20, to qq.com: 1/min, warmup: 2/day",
	} {
		if got := l.Share(n, 4).String(); got != want {
			t.Errorf("lane %d: %s, want %s", n, got, want)
		}
	}
	if got := l.Share(0, 1).String(); got != l.String() {
		t.Errorf("the whole is %s", got)
	}
}

func TestWhatIsOfTheWholeAccountCannotBeSplit(t *testing.T) {
	t.Parallel()
	l, bad := pace.ParseLimits(map[string]any{
		"per_second": 3, "per_day": 4, "gap": "6s", "pause": "5m after 30", "to": map[string]any{"qq.com": "2/min", "163.com": "9/min"},
	})
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	var got strings.Builder
	for _, p := range l.Indivisible(4) {
		got.WriteString(p.What.String() + "\n")
	}
	if want := `gap: 6s cannot be split over 4 lanes
pause: 5m after 30 cannot be split over 4 lanes
connections: 1 cannot be split over 4 lanes
3/s cannot be split over 4 lanes
to qq.com: 2/min cannot be split over 4 lanes
`; got.String() != want {
		t.Errorf("refused:\n%s", got.String())
	}
	if one := l.Indivisible(1); len(one) > 0 {
		t.Errorf("of one lane: %v", one)
	}
}

// Lanes that come and go, and know nothing of each other, keep the limit in every
// window.
func TestLanesTogetherKeepTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const of = 3
		l := pace.Limits{Windows: []pace.Window{{N: 10, Per: time.Minute}, {N: 100, Per: time.Hour}}}
		var pasts [of][]time.Time
		var left []time.Time
		lanes := [of]*pace.Pacer{}
		for step := range 8 * 3600 {
			n := step % of
			if step%1000 < of { // somebody else takes the lane
				lanes[n] = pace.New(l.Share(n, of), pasts[n], pace.Options{Seed: uint64(step)})
			}
			if now := time.Now(); lanes[n].Take(now, "example.com") {
				pasts[n], left = append(pasts[n], now), append(left, now)
			}
			time.Sleep(time.Second)
		}
		for _, w := range l.Windows {
			if most := fullest(left, w.Per); most > w.N || most < w.N-1 {
				t.Errorf("%s: %d at most", w, most)
			}
		}
	})
}

// fullest is how many of the times, in order, fall into one window.
func fullest(at []time.Time, per time.Duration) (most int) {
	first := 0
	for i := range at {
		for at[i].Sub(at[first]) >= per {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}
