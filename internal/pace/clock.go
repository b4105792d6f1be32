package pace

import "time"

// An instant is a time on the pacer's own steady axis, in nanoseconds since it
// was made; what happened before has a negative one.
type instant int64

const always = instant(-1 << 63) // before anything

func (s instant) add(d time.Duration) instant { return s + instant(d) }

// slip is how far wall and steady clock may drift apart between two looks
// before the wall clock counts as set; slewing stays far below it.
const slip = 2 * time.Second

// A clock turns what the wall clock says into steady progress: a wall clock
// that is set moves nothing, forwards or backwards.
type clock struct {
	awake func() time.Duration
	last  time.Time
	woken time.Duration
	at    instant
}

func newClock(now time.Time, awake func() time.Duration) clock {
	c := clock{awake: awake, last: now}
	if awake != nil {
		c.woken = awake()
	}
	return c
}

// tick returns the instant of now, and by how much the wall clock was set
// since the last tick. Time never goes back.
func (c *clock) tick(now time.Time) (at instant, step time.Duration) {
	wall := now.Round(0).Sub(c.last.Round(0))
	progress := now.Sub(c.last) // by the monotonic readings, if both have one
	if c.awake != nil {
		woken := c.awake()
		progress, c.woken = woken-c.woken, woken
	}
	progress = max(progress, 0)
	if d := wall - progress; d > slip || d < -slip {
		step = d
	}
	if progress > 0 || step != 0 {
		c.last = now // a look from the past, by a slower goroutine, changes nothing
		c.at = c.at.add(progress)
	}
	return c.at, step
}
