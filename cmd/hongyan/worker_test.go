package main

import (
	"testing"
	"time"

	"hongyan/internal/ledger/postgres"
	"hongyan/internal/run"
)

// atWork is a worker on the ledger of a service.
func atWork(t *testing.T) (*worker, desk) {
	d, f := onPostgres(t)
	return &worker{house: d.house, books: f.books, accounts: []string{"sandbox"}, thawed: map[packing]*thawed{}}, d
}

// Whoever lifts a hold ends it: nothing else but the ledger says that it is there.
func TestAHoldLeavesNoRestBehind(t *testing.T) {
	t.Parallel()
	w, _ := atWork(t)
	tomorrow := time.Now().Add(24 * time.Hour)
	by := postgres.Whole("sandbox")
	for _, early := range []run.Early{{Account: "sandbox", Until: tomorrow, Held: true}, {Account: "sandbox", Until: tomorrow, Due: true}} {
		if err := w.takeRest(t.Context(), by, []run.Early{early}); err != nil {
			t.Fatal(err)
		}
	}
	if able, err := w.able(t.Context()); err != nil || len(able) != 1 {
		t.Errorf("%v, %v", able, err)
	}
}

func TestARestIsByTheLimitsThatTheAccountHad(t *testing.T) {
	t.Parallel()
	w, d := atWork(t)
	early := run.Early{Account: "sandbox", Until: time.Now().Add(24 * time.Hour), Why: "20/s"}
	if err := w.takeRest(t.Context(), postgres.Whole("sandbox"), []run.Early{early}); err != nil {
		t.Fatal(err)
	}
	if able, err := w.able(t.Context()); err != nil || len(able) != 0 {
		t.Errorf("%v, %v", able, err)
	}
	rests, err := restsOf(t.Context(), d.store, d.conf)
	if r, ok := soonest(rests, d.conf.Accounts["sandbox"]); !ok || r.Why != "20/s" || err != nil {
		t.Errorf("%+v, %v", r, err)
	}
	wider := d.conf.Accounts["sandbox"]
	wider.Limits.Windows = nil
	d.conf.Accounts["sandbox"] = wider
	if able, err := w.able(t.Context()); err != nil || len(able) != 1 {
		t.Errorf("%v, %v", able, err)
	}
}
