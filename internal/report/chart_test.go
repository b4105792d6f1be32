package report

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestTheChartLosesNoMail(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 0))
		var h histogram
		span := time.Duration(1+r.IntN(1_000_000)) * time.Second
		for range 500 {
			h.add(begin.Add(time.Duration(r.Int64N(int64(span)))))
		}
		sum := 0
		for _, n := range h.n {
			sum += n
		}
		if sum != 500 || h.width > span || h.first.After(begin.Add(span)) {
			t.Errorf("seed %d, span %s: %d mails in slices of %s from %s", seed, span, sum, h.width, h.first)
		}
	}
}

func TestNothingSentIsNoChart(t *testing.T) {
	t.Parallel()
	var h histogram
	h.add(time.Time{})
	if h.chart(time.UTC) != nil {
		t.Error("got a chart")
	}
}
