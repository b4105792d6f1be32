package pace

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// A book holds what left and what is allowed, and decides. It has no clock and
// no lock: all it knows of time is what it is asked about.
type book struct {
	limits Limits
	factor float64 // learned share of the pace, (0, 1]
	born   instant // when the first mail of its life left, if any did

	smooth *rate.Limiter // spreads the short windows, so that no minute starts with a burst
	pace   rate.Limit    // of smooth at factor 1
	logs   []*log
	warmup []*log            // by day of the account's life
	to     map[string][]*log // by recipient domain

	last    instant // of the mail that left last, if any did
	any     bool
	batch   int // mails since the last pause
	gap     time.Duration
	gapText string
	since   int // turns since the account was throttled
	rand    *rand.Rand
}

func newBook(l Limits, r *rand.Rand) *book {
	b := &book{limits: l, factor: 1, rand: r, born: instant(never), to: map[string][]*log{}, gapText: "gap: " + l.gapText()}
	var burst int
	b.pace, burst = l.smoothing()
	b.smooth = rate.NewLimiter(b.pace, burst)
	for _, w := range l.Windows {
		b.logs = append(b.logs, newLog(w, ""))
	}
	for _, w := range l.Warmup {
		b.warmup = append(b.warmup, newLog(w, "warmup: "))
	}
	for domain, ws := range l.To {
		for _, w := range ws {
			b.to[domain] = append(b.to[domain], newLog(w, "to: "+domain+": "))
		}
	}
	return b
}

// smoothing returns the rate of the tightest window up to a minute, and the
// twentieth part of that window as burst.
func (l Limits) smoothing() (rate.Limit, int) {
	limit, burst := rate.Inf, 1
	for _, w := range l.Windows {
		if r := rate.Limit(float64(w.N) / w.Per.Seconds()); w.Per <= time.Minute && r < limit {
			limit, burst = r, max(w.N/20, 1)
		}
	}
	return limit, burst
}

// scale sets the learned share of the pace.
func (b *book) scale(s instant, factor float64) {
	b.factor = factor
	if b.pace != rate.Inf {
		b.smooth.SetLimitAt(s.date(), b.pace*rate.Limit(factor))
	}
}

// date puts an instant where the limiter can read it.
func (s instant) date() time.Time { return time.Unix(0, int64(s)) }

// remember enters mails of the past, by age.
func (b *book) remember(past []time.Duration, to map[string][]time.Duration) {
	oldestFirst(past)
	for _, age := range past {
		b.record(instant(-age), "")
	}
	for domain, logs := range b.to {
		ages, ok := to[domain]
		if !ok {
			ages = past
		}
		oldestFirst(ages)
		for _, age := range ages {
			for _, l := range logs {
				l.record(instant(-age))
			}
		}
	}
}

func oldestFirst(ages []time.Duration) {
	slices.SortFunc(ages, func(a, b time.Duration) int { return cmp.Compare(b, a) })
}

// take records a mail that leaves at s, if it may.
func (b *book) take(s instant, wall time.Time, domain string) bool {
	if at, _ := b.hard(s, domain); at > s || b.limits.Hours.Open(wall).After(wall) {
		return false
	}
	if !b.smooth.AllowN(s.date(), 1) {
		return false
	}
	b.record(s, domain)
	b.since++
	return true
}

// next says when a mail may leave, and what it waits for.
func (b *book) next(s instant, wall time.Time, domain string) (instant, string) {
	at, why := b.hard(s, domain)
	if t, w := b.even(at); t > at {
		at, why = t, w
	}
	then := wall.Add(time.Duration(at - s))
	if open := b.limits.Hours.Open(then); open.After(then) {
		return at.add(open.Sub(then)), b.limits.Hours.String()
	}
	return at, why
}

// even asks the limiter when its next token is there.
func (b *book) even(s instant) (instant, string) {
	limit := b.smooth.Limit()
	if limit == rate.Inf {
		return s, ""
	}
	short := 1 - b.smooth.TokensAt(s.date())
	if short <= 0 {
		return s, ""
	}
	return s.add(time.Duration(short/float64(limit)*1e9) + time.Microsecond), b.evenText()
}

func (b *book) evenText() string {
	for _, l := range b.logs {
		if l.Per <= time.Minute && rate.Limit(float64(l.N)/l.Per.Seconds()) == b.pace {
			return l.text
		}
	}
	return ""
}

// hard weighs all limits that come from what left before.
func (b *book) hard(s instant, domain string) (instant, string) {
	at, why := s, ""
	if t, w := b.pauses(); t > at {
		at, why = t, w
	}
	for _, l := range b.logs {
		if t := l.free(b.share(l.N)); t > at {
			at, why = t, l.text
		}
	}
	if t, w := b.warming(at); t > at {
		at, why = t, w
	}
	if domain == "" || len(b.to) == 0 {
		return at, why
	}
	for _, l := range b.to[strings.ToLower(domain)] {
		if t := l.free(l.N); t > at {
			at, why = t, l.text
		}
	}
	return at, why
}

// share is what the account has learned to make of n mails.
func (b *book) share(n int) int {
	if b.factor == 1 {
		return n
	}
	return max(int(float64(n)*b.factor), 1)
}

// stretch is what the account has learned to make of a wait.
func (b *book) stretch(d time.Duration) time.Duration {
	if b.factor == 1 {
		return d
	}
	return time.Duration(float64(d) / b.factor)
}

// pauses weighs gap and pause, which count from the last mail.
func (b *book) pauses() (instant, string) {
	if !b.any {
		return always, ""
	}
	if l := b.limits; l.PauseAfter > 0 && b.batch >= l.PauseAfter {
		return b.last.add(max(b.stretch(l.PauseFor), b.stretch(b.gap))), "pause: " + l.pauseText()
	}
	return b.last.add(b.stretch(b.gap)), b.gapText
}

// warming weighs the warm-up: each day of the account's life has its own
// window, and a wait that reaches into the next day is weighed again there.
func (b *book) warming(s instant) (instant, string) {
	why := ""
	for b.dayOf(s) < len(b.warmup) {
		today := b.dayOf(s)
		l := b.warmup[today]
		at := l.free(b.share(l.N))
		if at <= s {
			return s, why
		}
		s, why = min(at, b.born.add(time.Duration(today+1)*day)), l.text
	}
	return s, why
}

func (b *book) dayOf(s instant) int {
	return int(time.Duration(max(s-b.born, 0)) / day)
}

// record enters a mail that left at s.
func (b *book) record(s instant, domain string) {
	s = b.after(s)
	b.last, b.any, b.gap = s, true, b.jitter()
	for _, l := range b.logs {
		l.record(s)
	}
	for _, l := range b.warmup {
		l.record(s)
	}
	if domain == "" || len(b.to) == 0 {
		return
	}
	for _, l := range b.to[strings.ToLower(domain)] {
		l.record(s)
	}
}

// after counts a mail into its batch and returns when it left: never before
// the one before.
func (b *book) after(s instant) instant {
	if !b.any {
		b.born, b.batch = min(b.born, s), 1
		return s
	}
	s = max(s, b.last)
	b.batch++
	if time.Duration(s-b.last) >= b.limits.PauseFor {
		b.batch = 1
	}
	return s
}

// jitter draws the gap that follows a mail.
func (b *book) jitter() time.Duration {
	l := b.limits
	if l.GapMax <= l.GapMin {
		return l.GapMin
	}
	return l.GapMin + time.Duration(b.rand.Int64N(int64(l.GapMax-l.GapMin)+1))
}
