package web

import (
	"context"
	"encoding/json"
	"time"

	"hongyan/internal/ledger"
)

// points is how many points a chart has at most; more are not told apart.
const points = 120

// A curve is how many recipients of an issue had come to which state by when.
type curve struct {
	Step   time.Duration
	At     []int64 // seconds since 1970
	States []ledger.State
	Sums   [][]int // of each state, by point
	ends   []ledger.Moment
}

// curved are the states of a chart: those that something has led to.
func curved() []ledger.State {
	return []ledger.State{ledger.Sent, ledger.Refused, ledger.Deferred, ledger.InDoubt, ledger.Skipped, ledger.Suppressed}
}

// newCurve asks by the minute first, which says how long it all took, and finer
// only when that is short.
func (s *Server) newCurve(ctx context.Context, issue ledger.Issue) (curve, error) {
	ends, err := s.Books.Timeline(ctx, issue.Key, time.Minute)
	if err != nil || len(ends) == 0 {
		return curve{}, err
	}
	c := curve{Step: stepOf(ends[len(ends)-1].At.Add(time.Minute).Sub(ends[0].At)), ends: ends}
	if c.Step < time.Minute {
		if c.ends, err = s.Books.Timeline(ctx, issue.Key, c.Step); err != nil || len(c.ends) == 0 {
			return curve{}, err
		}
	}
	c.ends = Merged(c.ends, c.Step)
	c.sum()
	return c, nil
}

// Merged adds up the moments of each longer step, a multiple of theirs; it begins
// where the ledger would have it begin.
func Merged(moments []ledger.Moment, step time.Duration) (out []ledger.Moment) {
	for _, m := range moments {
		at := m.At.Add(-time.Duration(m.At.UnixNano() % int64(step)))
		if len(out) == 0 || !out[len(out)-1].At.Equal(at) {
			out = append(out, ledger.Moment{At: at})
		}
		into := &out[len(out)-1]
		into.Rows += m.Rows
		for _, s := range ledger.States() {
			into.Add(s, m.Of(s))
		}
	}
	return out
}

// stepOf is the shortest handy step by which a time fits into the chart.
func stepOf(whole time.Duration) time.Duration {
	for _, step := range []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute,
		5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	} {
		if whole/step < points {
			return step
		}
	}
	return (whole / points).Truncate(24*time.Hour) + 24*time.Hour
}

// sum adds the steps up, those included in which nothing happened.
func (c *curve) sum() {
	last := c.ends[len(c.ends)-1]
	c.Sums = nil
	for _, state := range curved() {
		if total(c.ends, state) == 0 {
			continue
		}
		c.States, c.Sums = append(c.States, state), append(c.Sums, nil)
	}
	i := 0
	sums := make([]int, len(c.States))
	c.point(c.ends[0].At, sums) // it begins at nothing
	for at := c.ends[0].At; !at.After(last.At); at = at.Add(c.Step) {
		for ; i < len(c.ends) && !c.ends[i].At.After(at); i++ {
			for j, state := range c.States {
				sums[j] += c.ends[i].Of(state)
			}
		}
		c.point(at.Add(c.Step), sums)
	}
}

func (c *curve) point(at time.Time, sums []int) {
	c.At = append(c.At, at.Unix())
	for j, n := range sums {
		c.Sums[j] = append(c.Sums[j], n)
	}
}

func total(moments []ledger.Moment, s ledger.State) (n int) {
	for _, m := range moments {
		n += m.Of(s)
	}
	return n
}

// rate is how many recipients a second were settled of late: in the last
// minute, or in the two last steps where those are longer.
func (c curve) rate(now time.Time) float64 {
	window := max(time.Minute, 2*c.Step)
	n, first := 0, now
	for _, m := range c.ends {
		if end := m.At.Add(c.Step); end.After(now.Add(-window)) {
			n += m.Settled()
			first = minTime(first, m.At)
		}
	}
	if n == 0 {
		return 0
	}
	return float64(n) / max(now.Sub(first), time.Second).Seconds()
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// drawn is the curve as the script draws it.
func (v *views) drawn(c curve) (string, error) {
	type line struct {
		State string `json:"state"`
		Label string `json:"label"`
		N     []int  `json:"n"`
	}
	out := struct {
		At    []int64 `json:"at"`
		Lines []line  `json:"lines"`
	}{At: c.At, Lines: []line{}}
	for i, s := range c.States {
		out.Lines = append(out.Lines, line{string(s), v.Word(string(s)), c.Sums[i]})
	}
	text, err := json.Marshal(out)
	return string(text), err
}

// A moment is one point of a curve.
type moment struct {
	At   time.Time
	Sums []int
}

// Rows are the points as a table.
func (c curve) Rows() []moment {
	out := make([]moment, len(c.At))
	for i, at := range c.At {
		out[i].At = time.Unix(at, 0)
		for _, sums := range c.Sums {
			out[i].Sums = append(out[i].Sums, sums[i])
		}
	}
	return out
}
