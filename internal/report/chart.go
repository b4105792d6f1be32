package report

import (
	"time"

	"hongyan/internal/ledger"
)

// A segment is a part of the bar of states, in thousandths of its width.
type segment struct {
	Class string
	X, W  float64
	N     int
}

func bar(t ledger.Totals) (out []segment) {
	x := 0.0
	for _, s := range ledger.States() {
		n := t.Of(s)
		if n == 0 {
			continue
		}
		w := 1000 * float64(n) / float64(max(t.Rows, 1))
		out = append(out, segment{string(s), x, w, n})
		x += w
	}
	return out
}

// slots bounds a histogram.
const slots = 96

// A histogram counts moments, which come in any order, in at most slots
// slices of equal length; when one falls outside, the slices double.
type histogram struct {
	first time.Time // begin of the first slice, on a multiple of width
	width time.Duration
	n     [slots]int
	any   bool
}

func (h *histogram) add(t time.Time) {
	if t.IsZero() {
		return
	}
	if !h.any {
		h.any, h.width, h.first = true, time.Second, t.Truncate(time.Second)
	}
	for !h.holds(t) {
		h.widen(t)
	}
	h.n[t.Sub(h.first)/h.width]++
}

func (h *histogram) holds(t time.Time) bool {
	return !t.Before(h.first) && t.Sub(h.first) < slots*h.width
}

// widen doubles the slices and, when t lies before the first, moves them so
// that the old ones end up in the second half.
func (h *histogram) widen(t time.Time) {
	old, first, width := h.n, h.first, h.width
	h.width *= 2
	h.n = [slots]int{}
	h.first = first.Truncate(h.width)
	if t.Before(first) {
		h.first = h.first.Add(-slots / 2 * h.width).Add(h.width)
	}
	for i, n := range old {
		at := first.Add(time.Duration(i) * width)
		if n > 0 {
			h.n[at.Sub(h.first)/h.width] += n
		}
	}
}

// A chart is the histogram in a box of 1000 × 100.
type chart struct {
	Bars       []column
	Begin, End string
	Peak       int
	Each       string // length of a slice
}

type column struct{ X, Y, W, H float64 }

// chart returns nil when there is nothing to see.
func (h *histogram) chart(zone *time.Location) *chart {
	last, peak := -1, 0
	for i, n := range h.n {
		if n > 0 {
			last, peak = i, max(peak, n)
		}
	}
	if last < 0 {
		return nil
	}
	lead := 0
	for h.n[lead] == 0 {
		lead++
	}
	c := &chart{Peak: peak, Each: h.width.String(), Begin: h.at(lead, zone), End: h.at(last+1, zone)}
	w := 1000 / float64(last-lead+1)
	for i, n := range h.n[lead : last+1] {
		if n > 0 {
			height := max(100*float64(n)/float64(peak), 1)
			c.Bars = append(c.Bars, column{float64(i) * w, 100 - height, w * 0.9, height})
		}
	}
	return c
}

func (h *histogram) at(slot int, zone *time.Location) string {
	return h.first.Add(time.Duration(slot) * h.width).In(zone).Format("2006-01-02 15:04:05")
}
