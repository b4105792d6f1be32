package postgres_test

import (
	"flag"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/ledgertest"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/ledger/postgres/postgrestest"
)

// long is a lease that no busy machine outlives.
const long = 10 * time.Minute

func TestPostgreSQLKeepsThePromise(t *testing.T) {
	server := postgrestest.Start(t, false)
	// Each look at the tables is a round trip to another process.
	if err := flag.Set("rapid.checks", "20"); err != nil {
		t.Fatal(err)
	}
	ledgertest.Run(t, func(t *testing.T) ledgertest.Open {
		url := server.Place(t)
		return func() ledger.Store { return open(t, url, long) }
	})
}

func open(t *testing.T, url string, lease time.Duration) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, postgres.Options{Name: t.Name(), Lease: lease})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
