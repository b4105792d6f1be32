package postgres_test

import (
	"slices"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres/postgrestest"
)

// backlog follows a queue from the list to its end.
func backlog(t *testing.T, server *postgrestest.Server) {
	s := open(t, server.Place(t), long)
	planned(t, s, 10)
	at := time.Now().Truncate(time.Millisecond)
	issues, err := s.Issues(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	is := func(what string, now time.Time, want ...ledger.Backlog) {
		t.Helper()
		got, err := s.Backlog(t.Context(), now)
		for i := range got {
			got[i].Since = got[i].Since.Local()
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v; want %v", what, got, err, want)
		}
	}
	untouched := func(n int) ledger.Backlog {
		return ledger.Backlog{Key: welcome(), Due: n, Since: issues[0].At.Local()}
	}
	again := func(n int, since time.Time) ledger.Backlog {
		return ledger.Backlog{Key: welcome(), Account: "qq", Due: n, Since: since}
	}
	is("at first", at, untouched(10))
	ids := claim(t, s, "qq", 4)
	is("what is in hand waits for nobody", at, untouched(6))
	if err := s.Release(t.Context(), ids[3]); err != nil {
		t.Fatal(err)
	}
	is("what was given back waits again", at, untouched(7))
	for i, id := range ids[:3] {
		later := sent(id)
		later.State, later.Due = ledger.Deferred, at.Add(time.Duration(i)*time.Hour)
		if err := s.Record(t.Context(), intent(id)); err != nil {
			t.Fatal(err)
		}
		if err := s.Record(t.Context(), later); err != nil {
			t.Fatal(err)
		}
	}
	is("before any is due again", at.Add(-time.Second), untouched(7))
	is("when two are due again", at.Add(time.Hour), untouched(7), again(2, at))
	for _, id := range claim(t, s, "163", 10) {
		if err := s.Record(t.Context(), ledger.Outcome{ID: id, State: ledger.Skipped, Account: "163", At: at, Free: true}); err != nil {
			t.Fatal(err)
		}
	}
	is("when nothing is untouched", at.Add(3*time.Hour), again(3, at))
}
