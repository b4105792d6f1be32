package postgres_test

import (
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/ledger/postgres/postgrestest"
)

// restored is a place with the ledger that an earlier release left.
func restored(t *testing.T, server *postgrestest.Server, file string) string {
	t.Helper()
	dump, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	place := server.Place(t)
	u, err := url.Parse(place)
	if err != nil {
		t.Fatal(err)
	}
	server.Do(t, strings.ReplaceAll(string(dump), "PLACE.", u.Query().Get("search_path")+"."))
	return place
}

// earlier opens a ledger of version 2, whose worker was killed over a mail, and
// goes on with it.
func earlier(t *testing.T, server *postgrestest.Server) {
	place := restored(t, server, "testdata/version2.sql")
	if _, err := postgres.OpenReader(t.Context(), place); err == nil || !strings.Contains(err.Error(), "made by an older hongyan (version 2)") {
		t.Errorf("before: %v", err)
	}
	if err := postgres.Migrate(t.Context(), place); err != nil {
		t.Fatal(err)
	}
	s := open(t, place, long)
	if n, err := s.Reap(t.Context()); n != 2 || err != nil {
		t.Errorf("reaped %d, %v", n, err)
	}
	healthy(t, s)
	totals, err := s.Totals(t.Context(), welcome())
	want := ledger.Totals{Rows: 12, Queued: 5, Sent: 1, Refused: 1, Deferred: 1, InDoubt: 2, Skipped: 1, Suppressed: 1}
	if err != nil || totals != want {
		t.Errorf("it has %+v, %v", totals, err)
	}
	holds, err := s.Holds(t.Context())
	if err != nil || len(holds) != 1 || holds[0].Account != "163" || holds[0].Reply != "451 slow down" {
		t.Errorf("holds: %+v, %v", holds, err)
	}
	if learned, err := s.Learned(t.Context(), "qq"); string(learned) != `{"factor":0.5}` || err != nil {
		t.Errorf("qq learned %s, %v", learned, err)
	}
	if past, err := s.History(t.Context(), "qq", time.Time{}); len(past) != 6 || err != nil {
		t.Errorf("the past of qq: %v, %v", past, err)
	}
	ids := claim(t, s, "qq", 20)
	if len(ids) != 6 { // what is due again first, then what is untouched
		t.Fatalf("offered are %v", ids)
	}
	for _, id := range ids {
		if err := s.Record(t.Context(), intent(id)); err != nil {
			t.Fatal(err)
		}
		if err := s.Record(t.Context(), sent(id)); err != nil {
			t.Fatal(err)
		}
	}
	if past, err := s.Attempts(t.Context(), ids[0]); err != nil || len(past) != 2 || past[1].Reply != "451 later still" {
		t.Errorf("history: %+v, %v", past, err)
	}
	healthy(t, s)
}
