package main

import (
	"testing"
	"time"

	"hongyan/internal/ledger"
)

func TestAHoldThatIsOverLeavesItsProbeUntilAMailHasLeft(t *testing.T) {
	t.Parallel()
	now := time.Now()
	over := ledger.Hold{Account: "a", Until: now.Add(-time.Hour)}
	for _, c := range []struct {
		hold ledger.Hold
		past []time.Time
		want bool
	}{
		{over, nil, false},
		{over, []time.Time{now.Add(-2 * time.Hour)}, false},
		{over, []time.Time{now.Add(-2 * time.Hour), now.Add(-time.Minute)}, true},
		{ledger.Hold{Account: "a", Until: now.Add(time.Hour)}, []time.Time{now}, false},
		{ledger.Hold{Account: "a", Human: true}, []time.Time{now}, false},
	} {
		if got := probed(c.hold, c.past); got != c.want {
			t.Errorf("%+v after %v: %v", c.hold, c.past, got)
		}
	}
}
