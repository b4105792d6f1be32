package web

import (
	"testing"
	"time"

	"hongyan/internal/ledger"
)

func TestMomentsOfALongerStepAreAddedUp(t *testing.T) {
	at := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	var minutes []ledger.Moment
	for i := range 12 {
		m := ledger.Moment{At: at.Add(time.Duration(i+3) * time.Minute), Totals: ledger.Totals{Rows: 3, Sent: 2, Refused: 1}}
		minutes = append(minutes, m)
	}
	got := Merged(minutes, 5*time.Minute)
	want := []int{2, 5, 5} // minutes 3–4, 5–9, 10–14
	if len(got) != len(want) {
		t.Fatalf("%d moments: %+v", len(got), got)
	}
	for i, n := range want {
		if at := at.Add(time.Duration(i) * 5 * time.Minute); !got[i].At.Equal(at) || got[i].Totals != (ledger.Totals{Rows: 3 * n, Sent: 2 * n, Refused: n}) {
			t.Errorf("moment %d is %+v, want %d minutes from %v", i, got[i], n, at)
		}
	}
}
