package schedule

import (
	"strconv"
	"time"

	"hongyan/internal/fault"
)

// grace is how late a slot may be without counting as missed: a restart takes
// a moment, and so does a machine that was asked for much.
const grace = 5 * time.Minute

// most is how many missed slots are told one by one; those before them are
// only counted.
const most = 100

// A Decision is what becomes of a slot that was reached. An empty Why means
// that its issue is due.
type Decision struct {
	Slot Slot
	Why  fault.Text // why it is skipped
}

// Due decides about the slots after one moment and not after another, in their
// order. Only the last of them can be due, so that nobody gets two issues at
// once; it is, unless it was missed and missed slots are skipped.
func (s *Schedule) Due(last, now time.Time) []Decision {
	reached, uncounted := s.reached(last, now)
	out := make([]Decision, len(reached))
	for i, slot := range reached {
		out[i].Slot = slot
		switch newest := reached[len(reached)-1]; {
		case i == 0 && uncounted > 0:
			out[i].Why = fault.Textf("missed, and %s before it: hongyan was not running", strconv.Itoa(uncounted))
		case slot.At.Before(now.Add(-grace)) && s.missed == Skip:
			out[i].Why = fault.Textf("missed: hongyan was not running")
		case i < len(reached)-1 && slot.At.Equal(newest.At):
			out[i].Why = fault.Textf("the clock was put forward over it; %s takes its place", newest.Name)
		case i < len(reached)-1:
			out[i].Why = fault.Textf("missed; %s takes its place", newest.Name)
		}
	}
	return out
}

// reached returns the last slots up to now, and how many there were before them.
func (s *Schedule) reached(last, now time.Time) (slots []Slot, before int) {
	for slot := range s.from(last) {
		if slot.At.After(now) {
			break
		}
		if slots = append(slots, slot); len(slots) == 2*most {
			slots = append(slots[:0], slots[most:]...)
			before += most
		}
	}
	if extra := len(slots) - most; extra > 0 {
		slots, before = slots[extra:], before+extra
	}
	return slots, before
}
