package pace

import (
	"maps"
	"time"
)

// coarse is how many single mails a forecast follows; beyond, it lets one stand
// for several.
const coarse = 20_000

// A Lane is an account as a forecast knows it. See [New].
type Lane struct {
	Limits Limits
	Past   []time.Time
	First  time.Time
	State  State
}

// Forecast says how long n more mails take, about, when each lane takes the next as
// soon as it may: the time from now until the last one leaves, without holds. They
// go to one domain, or, if that is "", to domains without limits of their own.
func Forecast(n int, domain string, now time.Time, lanes []Lane) time.Duration {
	k := (n + coarse - 1) / coarse
	start := now.Round(0)
	now = start
	var pacers []*Pacer
	var free []time.Time
	for _, l := range lanes {
		p := l.steady(k, start)
		at, _ := p.Next(now, domain)
		pacers, free = append(pacers, p), append(free, at)
	}
	for left := (n + k - 1) / max(k, 1); left > 0 && len(pacers) > 0; {
		i := earliest(free)
		if free[i].Sub(start) >= never {
			return never
		}
		now = now.Add(max(free[i].Sub(now), 0))
		if pacers[i].Take(now, domain) {
			left--
		}
		free[i], _ = pacers[i].Next(now, domain)
	}
	return now.Sub(start)
}

func earliest(times []time.Time) (first int) {
	for i, t := range times {
		if t.Before(times[first]) {
			first = i
		}
	}
	return first
}

// steady is the lane's pacer without chance, for mails that each stand for k.
func (l Lane) steady(k int, start time.Time) *Pacer {
	if k > 1 {
		l.Limits, l.Past = l.Limits.shrunk(k), every(l.Past, k)
	}
	l.Limits.GapMin = (l.Limits.GapMin + l.Limits.GapMax) / 2
	l.Limits.GapMax = l.Limits.GapMin
	return New(l.Limits, l.Past, Options{First: l.First, State: l.State, Now: func() time.Time { return start }})
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
	l.Windows, l.Warmup, l.To = shrink(l.Windows), shrink(l.Warmup), maps.Clone(l.To)
	for domain, ws := range l.To {
		l.To[domain] = shrink(ws)
	}
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
