package pace

import (
	"time"

	"hongyan/internal/fault"
)

const (
	floor = 1.0 / 16 // the least that is left of a pace
	step  = 1.0 / 8  // what a clean day gives back
)

// A State is what an account has learned, to be kept by the door and given
// back at the next start. Two states may be compared with ==.
type State struct {
	Factor    float64   `json:"factor"`               // share of the configured pace, 1/16 to 1
	Throttled time.Time `json:"throttled,omitzero"`   // when the server last wanted less
	Clean     time.Time `json:"clean_since,omitzero"` // first success of the clean day that is running

	// The wall clock was once found set: what is stamped up to SetAt may look
	// older than it is, by up to SetBy.
	SetAt time.Time     `json:"clock_set_at,omitzero"`
	SetBy time.Duration `json:"clock_set_by_ns,omitempty"`
}

// State returns what the account has learned so far, a clock that was set just
// now included.
func (p *Pacer) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tick(p.now())
	return p.learned
}

// sound returns the state with a factor in bounds; the zero State is a full pace.
func (s State) sound() State {
	if !(s.Factor > 0 && s.Factor <= 1) {
		s.Factor = 1
	}
	s.Factor = max(s.Factor, floor)
	return s
}

func stamp(t time.Time) time.Time { return t.Round(0).UTC() }

func (s *State) throttled(now time.Time) {
	s.Factor = max(s.Factor/2, floor)
	s.Throttled, s.Clean = stamp(now), time.Time{}
}

// succeeded reports whether the pace has risen: a day after the first success
// of a clean day, by a step.
func (s *State) succeeded(now time.Time) bool {
	if s.Clean.IsZero() || now.Before(s.Clean) {
		s.Clean = stamp(now)
		return false
	}
	if now.Sub(s.Clean) < day {
		return false
	}
	s.Factor, s.Clean = min(s.Factor+step, 1), stamp(now)
	return true
}

// step notes that the wall clock was set by d and says now; high is the latest
// that it ever said before. SetBy is by how much the clock is now ahead of the
// most backward one that stamped a mail up to SetAt. What matters to no limit
// any more is forgotten.
func (s *State) step(now, high time.Time, d, horizon time.Duration) {
	before := now.Add(-d)
	if before.Sub(s.SetAt) > horizon+s.SetBy {
		s.SetAt, s.SetBy = time.Time{}, 0
	}
	for _, t := range []time.Time{before, high} {
		if t.After(s.SetAt) {
			s.SetAt = stamp(t)
		}
	}
	s.SetBy = max(s.SetBy+d, 0)
}

// age returns how long ago t was: a time to come counts as now, and a clock
// that was set forward makes nothing older than it is.
func (s State) age(now, t time.Time) time.Duration {
	if !t.After(s.SetAt) {
		t = t.Add(s.SetBy)
	}
	return max(now.Round(0).Sub(t.Round(0)), 0)
}

func (s State) ages(now time.Time, past []time.Time) []time.Duration {
	out := make([]time.Duration, len(past))
	for i, t := range past {
		out[i] = s.age(now, t)
	}
	return out
}

// Since is from when on history matters at now to an account with this state.
func (l Limits) Since(now time.Time, s State) time.Time {
	return now.Add(-l.Horizon() - s.SetBy)
}

// Describe says what was learned; nothing at full pace.
func (s State) Describe() []fault.Text {
	if s.Factor == 0 || s.Factor == 1 {
		return nil
	}
	return []fault.Text{fault.Textf("%d%% of the configured pace since the server wanted less (%s); each clean day gives back an eighth",
		int(s.Factor*100), s.Throttled.Local().Format("2006-01-02 15:04"))}
}
