package list

import (
	"math"
	"strconv"
	"strings"

	"hongyan/internal/fault"
)

// ranges are the chosen lines; none means all.
type ranges []struct{ from, to int }

// parseRanges reads "3,9-14,22-,-5".
func parseRanges(o Options) (ranges, *fault.Fault) {
	var out ranges
	for part := range strings.SplitSeq(halfWidth(o.Rows), ",") {
		part = trim(part)
		if part == "" {
			continue
		}
		low, high, open := strings.Cut(part, "-")
		from, ok := bound(low, 1, open)
		to, ok2 := bound(high, math.MaxInt, open)
		if !open {
			to, ok2 = from, true
		}
		if !ok || !ok2 || part == "-" {
			return nil, o.fault("rows", "rows: %q is neither a line nor a range of lines", part).
				Hinted(`write lines as the list has them: "3,9-14,22-"`)
		}
		if to < from {
			return nil, o.fault("rows", "rows: %q runs backwards", part)
		}
		out = append(out, struct{ from, to int }{from, to})
	}
	return out, nil
}

// bound reads one end of a range; an open one may be empty.
func bound(s string, empty int, open bool) (int, bool) {
	s = trim(s)
	if s == "" {
		return empty, open
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n > 0
}

func (rs ranges) has(line int) bool {
	for _, r := range rs {
		if line >= r.from && line <= r.to {
			return true
		}
	}
	return len(rs) == 0
}

// past tells that no line from this one on is chosen.
func (rs ranges) past(line int) bool {
	for _, r := range rs {
		if line <= r.to {
			return false
		}
	}
	return len(rs) > 0
}
