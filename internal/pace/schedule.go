package pace

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"hongyan/internal/fault"
)

// leastRetry is the least wait before a mail that was put off is tried again:
// greylisting wants five minutes (RFC 6647; Postgrey's delay is 300 s).
const leastRetry = 5 * time.Minute

// A Schedule says when mails that were put off are tried again.
type Schedule struct {
	Waits  []time.Duration // after the first, second… try; the last one goes on
	MaxAge time.Duration   // then it is given up; 0: never
}

// ParseSchedule reads "5m, 10m, 20m, 1h*3, 4h*5", and "24h" or "5d" as the age
// at which to give up ("" for none). The keys of its problems are "schedule"
// and "max_age".
func ParseSchedule(waits, maxAge string) (Schedule, []Problem) {
	var s Schedule
	var bad []Problem
	for part := range strings.FieldsFuncSeq(waits, func(r rune) bool { return strings.ContainsRune(",，、", r) }) {
		d, n, ok := parseWait(part)
		if !ok {
			bad = append(bad, Problem{
				"schedule", fault.Textf("%q is no wait before another try", strings.TrimSpace(part)),
				fault.Textf("write waits like 5m, 10m, 20m, 1h*3, 4h*5"),
			})
			continue
		}
		for range n {
			s.Waits = append(s.Waits, d)
		}
	}
	if len(s.Waits) == 0 && bad == nil {
		bad = append(bad, Problem{
			"schedule", fault.Textf("the schedule has no waits"),
			fault.Textf("write waits like 5m, 10m, 20m, 1h*3, 4h*5"),
		})
	}
	if strings.TrimSpace(maxAge) == "" {
		return s, bad
	}
	d, ok := ParseDuration(maxAge)
	if !ok || d <= 0 {
		bad = append(bad, Problem{"max_age", fault.Textf("%q is no span of time", maxAge), fault.Textf("write it like 24h, or 5d")})
	}
	s.MaxAge = d
	return s, bad
}

// parseWait reads "1h*3".
func parseWait(text string) (d time.Duration, n int, ok bool) {
	wait, times, many := strings.Cut(strings.ReplaceAll(text, "×", "*"), "*")
	d, ok = ParseDuration(wait)
	if !many {
		return d, 1, ok && d > 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(times))
	return d, n, ok && d > 0 && err == nil && 0 < n && n <= 1000
}

// Next draws how long to wait after the given number of tries (from 1): between
// half and all of the scheduled wait, so that mails put off together do not
// come back together, and never under five minutes.
func (s Schedule) Next(tries int, r *rand.Rand) time.Duration {
	if len(s.Waits) == 0 {
		return leastRetry
	}
	d := s.Waits[min(max(tries, 1), len(s.Waits))-1]
	return max(d/2+time.Duration(r.Int64N(int64(d-d/2)+1)), leastRetry)
}

// Age is how old a mail is, by the schedule, when it has been tried so often.
func (s Schedule) Age(tries int) (age time.Duration) {
	for i := range tries - 1 {
		wait := leastRetry
		if len(s.Waits) > 0 {
			wait = max(s.Waits[min(i, len(s.Waits)-1)], leastRetry)
		}
		age += wait
	}
	return age
}

// GiveUp reports whether a mail of that age, which would wait so long, is not
// worth another try.
func (s Schedule) GiveUp(age, wait time.Duration) bool {
	return s.MaxAge > 0 && age+wait > s.MaxAge
}

// String returns the schedule as one writes it.
func (s Schedule) String() string {
	var parts []string
	for i := 0; i < len(s.Waits); {
		n := 1
		for i+n < len(s.Waits) && s.Waits[i+n] == s.Waits[i] {
			n++
		}
		part := span(s.Waits[i])
		if n > 1 {
			part += "*" + strconv.Itoa(n)
		}
		parts, i = append(parts, part), i+n
	}
	return strings.Join(parts, ", ")
}
