package main

import (
	"testing"
	"time"

	"hongyan/internal/ledger/postgres"
)

func TestEachLaneBearsItsPartOfWhatBelongsToNoIssue(t *testing.T) {
	t.Parallel()
	h := served(t, letterFiles(1)).house
	now := time.Now()
	for i := range 3 {
		if err := h.noteAside(t.Context(), "sandbox", now.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	for of, want := range map[int]int{1: 3, 2: 2, 4: 1} {
		past, err := h.past(t.Context(), postgres.Lane{Account: "sandbox", N: of - 1, Of: of}, now)
		if err != nil || len(past) != want {
			t.Errorf("one of %d lanes bears %v, %v", of, past, err)
		}
	}
}

func TestWhatNoLimitAsksForIsForgotten(t *testing.T) {
	t.Parallel()
	h := served(t, letterFiles(1)).house
	now := time.Now()
	for _, ago := range []time.Duration{72 * time.Hour, 25 * time.Hour, 23 * time.Hour, 0} {
		if err := h.noteAside(t.Context(), "sandbox", now.Add(-ago)); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := sentAside(t.Context(), h.store, "sandbox", time.Time{})
	if err != nil || len(kept) != 2 || !kept[1].Equal(now) {
		t.Errorf("kept is %v, %v", kept, err)
	}
}
