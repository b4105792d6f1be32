package pace_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hongyan/internal/pace"
)

var (
	first = flag.Uint64("soak.first", 0, "first seed of the soak")
	seeds = flag.Uint64("soak.seeds", 12, "how many seeds the soak runs")
)

// A machine has a true time, a wall clock that someone sets, and a ledger that
// knows only what the wall clock said.
type machine struct {
	t      *testing.T
	r      *rand.Rand
	limits pace.Limits
	truth  time.Duration // since noon
	offset time.Duration // of the wall clock

	state  pace.State // as the door stored it
	stamps []time.Time
	domain []string
	sent   []time.Duration // in truth
	to     map[string][]time.Duration
	held   time.Duration // in truth: nothing may leave before
}

func (m *machine) wall() time.Time { return noon().Add(m.truth + m.offset) }

func (m *machine) pass(d time.Duration) { m.truth += d }

// start makes the pacer of a new process.
func (m *machine) start() *pace.Pacer {
	since := m.limits.Since(m.wall(), m.state)
	var past []time.Time
	to := map[string][]time.Time{}
	for i, at := range m.stamps {
		if at.After(since) {
			past = append(past, at)
			to[m.domain[i]] = append(to[m.domain[i]], at)
		}
	}
	var first time.Time
	if len(m.stamps) > 0 {
		first = slices.MinFunc(m.stamps, time.Time.Compare)
	}
	return pace.New(m.limits, past, pace.Options{
		First: first, To: to, State: m.state, Seed: m.r.Uint64(),
		Now: m.wall, Awake: func() time.Duration { return m.truth },
	})
}

// live runs one process until it is killed: mails leave as soon as they may,
// the clock is set, the machine sleeps, the server wants less.
func (m *machine) live(mails int) {
	p := m.start()
	for range mails {
		switch m.r.IntN(40) {
		case 0:
			m.offset += []time.Duration{-24 * time.Hour, 24 * time.Hour, -time.Hour, 3 * time.Second}[m.r.IntN(4)]
		case 1:
			m.pass(time.Duration(m.r.Int64N(int64(12 * time.Hour))))
		case 2:
			m.held = m.truth + time.Minute
			p.Hold(m.wall().Add(time.Minute), "slow down")
			p.Throttled(m.wall())
		}
		m.mail(p, []string{"qq.com", "163.com"}[m.r.IntN(2)])
		m.state = p.State()
	}
}

func (m *machine) mail(p *pace.Pacer, domain string) {
	for !p.Take(m.wall(), domain) {
		next, why := p.Next(m.wall(), domain)
		wait := next.Sub(m.wall())
		if wait <= 0 {
			m.t.Fatalf("the mail may not leave, and waits for nothing: %s", why)
		}
		m.pass(min(wait, time.Duration(m.r.Int64N(int64(6*time.Hour)))+1))
	}
	if m.truth < m.held {
		m.t.Fatalf("a mail left %s before its hold was over", m.held-m.truth)
	}
	m.stamps, m.domain = append(m.stamps, m.wall()), append(m.domain, domain)
	m.sent, m.to[domain] = append(m.sent, m.truth), append(m.to[domain], m.truth)
	p.Succeeded(m.wall())
}

// sound fails if any limit was ever exceeded, in true time.
func (m *machine) sound() {
	for _, w := range m.limits.Windows {
		m.never(m.sent, w.N, w.Per, w.String())
	}
	for domain, ws := range m.limits.To {
		for _, w := range ws {
			m.never(m.to[domain], w.N, w.Per, domain+" "+w.String())
		}
	}
	m.never(m.sent, 1, m.limits.GapMin, "gap")
	if n := m.limits.PauseAfter; n > 0 { // among n gaps one is a pause
		for i := n; i < len(m.sent); i++ {
			longest := time.Duration(0)
			for j := i - n + 1; j <= i; j++ {
				longest = max(longest, m.sent[j]-m.sent[j-1])
			}
			if longest < m.limits.PauseFor {
				m.t.Fatalf("no pause among mails %d to %d: %s at most", i-n, i, longest)
			}
		}
	}
	for i, at := range m.sent {
		day := int((at - m.sent[0]) / (24 * time.Hour))
		if day < len(m.limits.Warmup) {
			if w := m.limits.Warmup[day]; i >= w.N && at-m.sent[i-w.N] < w.Per {
				m.t.Fatalf("mail %d on day %d of the warm-up is one beyond %s", i, day, w)
			}
		}
	}
}

func (m *machine) never(sent []time.Duration, n int, per time.Duration, what string) {
	for i := n; i < len(sent); i++ {
		if d := sent[i] - sent[i-n]; d < per {
			m.t.Fatalf("%s: %d mails within %s (the last is number %d)", what, n+1, d, i)
		}
	}
}

// Fifty restarts, clocks set by a day in both directions while it runs and set
// back while it does not, sleeping machines, holds: no window ever holds more
// than it may.
func TestNoWindowIsEverExceeded(t *testing.T) {
	t.Parallel()
	for seed := range *seeds {
		t.Run(fmt.Sprintf("seed %d", *first+seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(*first+seed, 1))
			n := func(least, most int) int { return least + r.IntN(most-least+1) }
			gap := n(0, 5)
			m := &machine{t: t, r: r, to: map[string][]time.Duration{}, limits: limits(t, map[string]any{
				"rate":   fmt.Sprintf("%d/min, %d/hour, %d/day", n(1, 20), n(5, 60), n(20, 1500)),
				"gap":    fmt.Sprintf("%ds-%ds", gap, n(gap, 20)),
				"pause":  fmt.Sprintf("5m after %d", n(3, 30)),
				"to":     map[string]any{"qq.com": fmt.Sprintf("%d/hour", n(1, 30))},
				"warmup": "15/day, 20/day, 40/day",
			})}
			for range 50 {
				m.live(n(1, 30))
				m.pass(time.Duration(r.Int64N(int64(2 * time.Hour))))
				if r.IntN(5) == 0 {
					m.offset -= 24 * time.Hour
				}
			}
			m.sound()
		})
	}
}

func TestAnEstimateIsWhatItTakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		limits   map[string]any
		n        int
		past     []time.Time
		min, max time.Duration
	}{
		{"nothing limits", nil, 1_000_000, nil, 0, 0},
		{"no mails", map[string]any{"per_day": 1}, 0, nil, 0, 0},
		{"one of QQ", map[string]any{"per_day": 100, "gap": "6s-10s", "pause": "5m after 30"}, 1, nil, 0, 0},
		{"a batch of QQ", map[string]any{"per_day": 100, "gap": "6s-10s", "pause": "5m after 30"}, 30, nil, 232 * time.Second, 232 * time.Second},
		{"a week of QQ", map[string]any{"per_day": 100, "gap": "6s-10s", "pause": "5m after 30"}, 700, nil, 144 * time.Hour, 145 * time.Hour},
		{"with what was sent today", map[string]any{"per_day": 2}, 2, ago(20*time.Hour, time.Hour), 23 * time.Hour, 23 * time.Hour},
		{"a million at a thousand a second", map[string]any{"per_second": 1000}, 1_000_000, nil, 990 * time.Second, 1010 * time.Second},
		{"a million at 5000 a day and the hours of offices", map[string]any{"per_day": 5000, "between": "09:00-17:00", "timezone": "UTC"}, 100_000, nil, 18 * 24 * time.Hour, 21 * 24 * time.Hour},
		{"many with gaps and pauses", map[string]any{"gap": "1s-3s", "pause": "1m after 30"}, 90_000, nil, 230_000 * time.Second * 99 / 100 * 100 / 100, 360_000 * time.Second},
		{"warm-up", map[string]any{"warmup": "20/day, 40/day"}, 60, nil, 24 * time.Hour, 48 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			lane := pace.Lane{Limits: limits(t, c.limits), Past: c.past}
			if got := pace.Forecast(c.n, "", noon(), []pace.Lane{lane}).Round(time.Second); got < c.min || got > c.max {
				t.Errorf("got %s, want %s to %s", got, c.min, c.max)
			}
		})
	}
}

func TestAnEstimateKnowsTheAccounts(t *testing.T) {
	t.Parallel()
	lane := func(limits pace.Limits) pace.Lane { return pace.Lane{Limits: limits} }
	warm := lane(limits(t, map[string]any{"warmup": "20/day, 40/day", "per_minute": 60}))
	warm.First = noon().Add(-100 * 24 * time.Hour)
	slower := lane(limits(t, map[string]any{"gap": "10s"}))
	slower.State = pace.State{Factor: 0.5, Throttled: noon().Add(-time.Hour)}
	domains := lane(limits(t, map[string]any{"per_second": 100, "to": map[string]any{"qq.com": "20/min"}}))
	quick, slow := lane(limits(t, map[string]any{"gap": "1s"})), lane(limits(t, map[string]any{"gap": "9s"}))
	rare := lane(limits(t, map[string]any{"per_day": 2}))
	for _, c := range []struct {
		name     string
		n        int
		domain   string
		lanes    []pace.Lane
		min, max time.Duration
	}{
		{"an old account is warm", 600, "", []pace.Lane{warm}, 9 * time.Minute, 11 * time.Minute},
		{"half the pace takes twice the time", 61, "", []pace.Lane{slower}, 20 * time.Minute, 20 * time.Minute},
		{"a domain may take longer", 200, "qq.com", []pace.Lane{domains}, 9 * time.Minute, 10 * time.Minute},
		{"other domains do not", 200, "", []pace.Lane{domains}, 0, 3 * time.Second},
		{"many to a domain", 200_000, "qq.com", []pace.Lane{domains}, 9900 * time.Minute, 10_000 * time.Minute},
		{"the quicker takes more", 1000, "", []pace.Lane{quick, slow}, 898 * time.Second, 901 * time.Second},
		{"whoever can do no more is not waited for", 100, "", []pace.Lane{quick, rare}, 97 * time.Second, 97 * time.Second},
		{"nobody to send by", 100, "", nil, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := pace.Forecast(c.n, c.domain, noon(), c.lanes).Round(time.Second); got < c.min || got > c.max {
				t.Errorf("got %s, want %s to %s", got, c.min, c.max)
			}
		})
	}
}
