package web

import (
	"slices"
	"time"
)

// A slot is a time at which an issue is due.
type slot struct {
	Campaign string
	At       time.Time
}

// coming are the next slots of all campaigns, the first first.
func coming(campaigns []Campaign) (out []slot) {
	for _, c := range campaigns {
		if len(c.Next) > 0 {
			out = append(out, slot{c.Name, c.Next[0]})
		}
	}
	slices.SortStableFunc(out, func(a, b slot) int { return a.At.Compare(b.At) })
	return out
}

func faulty(campaigns []Campaign) (out []Campaign) {
	for _, c := range campaigns {
		if len(c.Faults) > 0 {
			out = append(out, c)
		}
	}
	return out
}
