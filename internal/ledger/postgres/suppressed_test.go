package postgres_test

import (
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/ledger/postgres/postgrestest"
)

// TestWhoLeavesAfterBeingClaimedGetsNoMail: the claim has looked them up already.
func TestWhoLeavesAfterBeingClaimedGetsNoMail(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, false)
	url := server.Place(t)
	s, other := open(t, url, long), open(t, url, long)
	planned(t, s, 4)
	leave := func(by *postgres.Store, address string) {
		t.Helper()
		_, err := by.Suppress(t.Context(), ledger.Suppression{Address: address, Source: ledger.Manual, By: "li", At: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
	}
	gone := func(address string) bool {
		t.Helper()
		_, ok, err := s.Suppressed(t.Context(), "news", address)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	// later asks of somebody else first, which renews what is known of all.
	later := func(address string) bool {
		t.Helper()
		time.Sleep(150 * time.Millisecond)
		return !gone("else@example.com") && gone(address)
	}
	leave(other, "somebody@example.com") // else nobody needs to be looked up
	claimed := func(n int) []ledger.Entry {
		t.Helper()
		entries, err := s.Claim(t.Context(), welcome(), "qq", n, time.Now())
		if err != nil || len(entries) != n {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		return entries
	}
	entries := claimed(3)
	if gone(entries[0].Address) {
		t.Error("nobody of them has left yet")
	}
	leave(other, entries[1].Address)
	if !later(entries[1].Address) {
		t.Error("it does not see what another process has written")
	}
	leave(s, entries[2].Address)
	if !gone(entries[2].Address) {
		t.Error("it does not see its own")
	}
	// Somebody at a prompt, whose path is another one.
	last := claimed(1)[0].Address
	place := server.Do(t, "SELECT max(schemaname) FROM pg_tables WHERE tablename = 'revision'")
	server.Do(t, "INSERT INTO "+place+".suppression VALUES ('"+last+"', '', 'manual', '', 'li', 1)")
	if !later(last) {
		t.Error("it does not see what somebody has written at a prompt")
	}
}
