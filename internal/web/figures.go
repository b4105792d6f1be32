package web

import "hongyan/internal/ledger"

// A segment is a state's part of a bar, in thousandths of its length.
type segment struct {
	State ledger.State
	X, W  int
	N     int
}

// segments are the states that somebody is in, in the order in which they are
// shown. Every one of them is wide enough to be seen.
func segments(t ledger.Totals) (out []segment) {
	x, before := 0, 0
	for _, s := range ledger.States() {
		n := t.Of(s)
		if n == 0 {
			continue
		}
		before += n
		end := max(1000*before/max(t.Rows, before), x+4)
		out = append(out, segment{s, x, end - x, n})
		x = end
	}
	return out
}
