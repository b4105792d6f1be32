package pace

import (
	"time"
)

// coarse is how many single mails an estimate follows; beyond, it lets one
// stand for several.
const coarse = 20_000

// Estimate says how long n more mails take at these limits, about. It knows
// neither first mail nor learned pace; Forecast does.
func (l Limits) Estimate(n int, past []time.Time, now time.Time) time.Duration {
	return l.Forecast(n, past, Options{Now: func() time.Time { return now }})
}

// Forecast says how long n more mails of an account take, about: the time from
// o.Now until the last one leaves, without holds.
func (l Limits) Forecast(n int, past []time.Time, o Options) time.Duration {
	k := (n + coarse - 1) / coarse
	if k > 1 {
		l, past = l.shrunk(k), every(past, k)
	}
	l.GapMin = (l.GapMin + l.GapMax) / 2
	l.GapMax, l.To = l.GapMin, nil
	start := time.Now()
	if o.Now != nil {
		start = o.Now()
	}
	start = start.Round(0)
	o.Now, o.Awake = func() time.Time { return start }, nil
	p, now := New(l, past, o), start
	for range (n + k - 1) / max(k, 1) {
		for !p.Take(now, "") {
			now, _ = p.Next(now, "")
			if now.Sub(start) >= never {
				return never
			}
		}
	}
	return now.Sub(start)
}

// shrunk returns limits under which one mail takes the time of k.
func (l Limits) shrunk(k int) Limits {
	shrink := func(ws []Window) []Window {
		out := make([]Window, len(ws))
		for i, w := range ws {
			n := max(w.N/k, 1)
			out[i] = Window{n, time.Duration(float64(w.Per) * float64(n*k) / float64(w.N))}
		}
		return out
	}
	l.Windows, l.Warmup = shrink(l.Windows), shrink(l.Warmup)
	l.GapMin, l.GapMax = l.GapMin*time.Duration(k), l.GapMax*time.Duration(k)
	if l.PauseAfter > 0 && l.PauseAfter < k {
		l.PauseFor = time.Duration(float64(l.PauseFor) * float64(k) / float64(l.PauseAfter))
	}
	l.PauseAfter = (l.PauseAfter + k - 1) / k
	return l
}

func every(past []time.Time, k int) []time.Time {
	var out []time.Time
	for i := 0; i < len(past); i += k {
		out = append(out, past[i])
	}
	return out
}
