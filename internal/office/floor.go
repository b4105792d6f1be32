package office

import (
	"time"

	"hongyan/internal/ledger"
)

// A Standing is how an issue on the floor stands.
type Standing struct {
	Key     ledger.Key
	Sending bool      // an account has it in hand
	Held    bool      // every account that is left to it is held
	Until   time.Time // when it goes on by itself; zero when it is at work or nobody knows
	Why     string    // it waits; "" when it does not, or for PutOff
	PutOff  bool      // it waits for recipients that were put off
	Leaving bool      // it was halted, and its mails in flight are ending
}

// Floor is how the issues stand that are on the floor, in the order in which
// they came.
func (o *Office) Floor() []Standing {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	out := make([]Standing, len(o.jobs))
	for i, j := range o.jobs {
		out[i] = o.standing(j, now)
	}
	return out
}

func (o *Office) standing(j *job, now time.Time) Standing {
	s := Standing{Key: j.Key, Held: true, Leaving: j.pause != nil || j.finished}
	for _, w := range j.ways {
		if w.done {
			continue
		}
		p := o.pumps[w.Account]
		s.Sending = s.Sending || p.busy == j
		s.Held = s.Held && p.held
		until, why, putOff := p.until, p.why, false
		if w.due.After(until) {
			until, why, putOff = w.due, "", true
		}
		if until.After(now) && (s.Until.IsZero() || until.Before(s.Until)) {
			s.Until, s.Why, s.PutOff = until, why, putOff
		}
	}
	if s.Sending {
		s.Held, s.Until, s.Why, s.PutOff = false, time.Time{}, "", false
	}
	return s
}
