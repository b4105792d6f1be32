package pace

import (
	"maps"
	"slices"

	"hongyan/internal/fault"
)

// Share is the part of the limits that the nth of so many lanes keeps, each with a
// pacer of its own that knows of no other: the parts of a window make up the
// window, so the lanes together stay within it, whenever each of them sends. What
// is left over goes to the first lanes. See [Limits.Indivisible] for what cannot
// be parted.
func (l Limits) Share(n, of int) Limits {
	part := func(whole int) int {
		if n < whole%of {
			return whole/of + 1
		}
		return whole / of
	}
	windows := func(whole []Window) (out []Window) {
		for _, w := range whole {
			out = append(out, Window{part(w.N), w.Per})
		}
		return out
	}
	out := l
	out.Windows, out.Warmup = windows(l.Windows), windows(l.Warmup)
	out.Connections = part(max(l.Connections, 1))
	out.To = maps.Clone(l.To)
	for domain, whole := range l.To {
		out.To[domain] = windows(whole)
	}
	return out
}

// Indivisible says which limits cannot be kept by so many lanes that do not know
// of each other: what is less than one for each, and whatever stands between two
// mails of the account.
func (l Limits) Indivisible(lanes int) (out []Problem) {
	refuse := func(limit string) {
		out = append(out, Problem{
			"lanes", fault.Textf("%s cannot be split over %d lanes", limit, lanes),
			fault.Textf("each lane needs at least one of each limit, and a gap or a pause is of the whole account: fewer lanes, or another limit"),
		})
	}
	if lanes < 2 {
		return nil
	}
	if l.GapMax > 0 {
		refuse("gap: " + l.gapText())
	}
	if l.PauseAfter > 0 {
		refuse("pause: " + l.pauseText())
	}
	if max(l.Connections, 1) < lanes {
		refuse(Limits{Connections: max(l.Connections, 1)}.String())
	}
	windows := func(prefix string, all []Window) {
		for _, w := range all {
			if w.N < lanes {
				refuse(prefix + w.String())
			}
		}
	}
	windows("", l.Windows)
	windows("warmup: ", l.Warmup)
	for _, domain := range slices.Sorted(maps.Keys(l.To)) {
		windows("to "+domain+": ", l.To[domain])
	}
	return out
}
