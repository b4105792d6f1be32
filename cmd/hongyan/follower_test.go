package main

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"hongyan/internal/campaign"
	"hongyan/internal/config"
	"hongyan/internal/edition"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/ledger/postgres/postgrestest"
	"hongyan/internal/office"
	"hongyan/internal/run"
)

// following is somebody who follows an issue of one row on a database, and what is
// said to them.
func following(t *testing.T, o sendOptions) (*follower, *postgrestest.Server, *scribe) {
	t.Helper()
	server := postgrestest.Start(t, false)
	place := server.Place(t)
	store, err := postgres.Open(t.Context(), place, postgres.Options{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	k := ledger.Key{Campaign: "news", Issue: "main"}
	row := func(yield func(ledger.Row, error) bool) { yield(ledger.Row{Line: 2, Address: "a@example.com"}, nil) }
	if _, err := store.Plan(t.Context(), k, ledger.Plan{At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Enqueue(t.Context(), k, row); err != nil {
		t.Fatal(err)
	}
	said := &scribe{}
	d := newDoor(nil)
	d.err = said
	account := config.Account{Name: "a"}
	conf := &config.Config{State: config.Place(place), Accounts: map[string]config.Account{"a": account}}
	e := &dispatch{Edition: &edition.Edition{Key: k}, accounts: []config.Account{account}}
	return &follower{door: d, e: e, h: d.housed(conf, store), o: o, told: map[string]bool{}, alone: map[string]time.Time{}}, server, said
}

func TestAFollowerWaitsForALedgerThatIsAwayForAWhile(t *testing.T) {
	t.Parallel()
	f, server, said := following(t, sendOptions{})
	ended := make(chan error, 1)
	go func() {
		_, err := f.follow(t.Context())
		ended <- err
	}()
	server.Crash()
	eventually(t, "it was told", func() bool { return strings.Contains(said.String(), "The ledger cannot be reached") })
	server.Run()
	eventually(t, "the issue is paused", func() bool {
		return f.h.store.Put(t.Context(), office.Pauses, f.e.Key.String(), []byte(`{"by":"li"}`)) == nil
	})
	if pause, ok := errors.AsType[*halted](<-ended); !ok || pause.By != "li" {
		t.Errorf("%+v", pause)
	}
	f.away = time.Now().Add(-absence)
	if err := f.bear(ledger.ErrAway); !errors.Is(err, ledger.ErrAway) {
		t.Error("it waits without end", err)
	}
}

func TestAFollowerIsToldWhyItTakesLong(t *testing.T) {
	t.Parallel()
	f, _, said := following(t, sendOptions{})
	w := &worker{house: f.h, shy: map[burden]shyness{}}
	w.books = f.h.store.(*postgres.Store)
	w.door.log = slog.New(slog.DiscardHandler)
	by := postgres.Whole("a")
	tomorrow := run.Early{Account: "a", Until: time.Now().Add(24 * time.Hour), Why: "100/day"}
	if err := errors.Join(w.takeRest(t.Context(), by, []run.Early{tomorrow}), w.shun(t.Context(), burden{lane: by}, errors.New("no secret"))); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if over, early, err := f.look(t.Context()); over || early != nil || err != nil {
			t.Errorf("%v, %v", early, err)
		}
	}
	for _, why := range []string{"Account a may go on at ", "(100/day)", "cannot use account a: no secret", "no worker is there"} {
		if !strings.Contains(said.String(), why) {
			t.Errorf("%q was not said", why)
		}
	}
	f.o.noWait = true
	if over, early, err := f.look(t.Context()); !over || len(early) != 1 || early[0].Why != "100/day" || err != nil {
		t.Errorf("%v, %v", early, err)
	}
}

func TestAFollowerWhoDoesNotWaitWaitsForNoWorkerEither(t *testing.T) {
	t.Parallel()
	f, _, said := following(t, sendOptions{noWait: true})
	look := func(over bool, what string) {
		t.Helper()
		if got, early, err := f.look(t.Context()); got != over || early != nil || err != nil || !strings.HasSuffix(said.String(), what) {
			t.Errorf("%v, %v, %v; said %q, not %q", got, early, err, said, what)
		}
	}
	here := func(takes ...string) *postgres.Store {
		t.Helper()
		worker, err := postgres.Open(t.Context(), string(f.h.conf.State), postgres.Options{Name: "smith", Works: true, Takes: takes})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = worker.Close() })
		return worker
	}
	long := time.Now().Add(-relief)
	look(false, "no worker is there; start hongyan worker on any machine\n")
	here("b")
	look(false, "no worker takes account a; start hongyan worker on any machine\n")
	worker := here("a", "b")
	look(false, "no worker takes account a; start hongyan worker on any machine\n")
	if len(f.alone) != 0 {
		t.Error("the account is taken for deserted")
	}
	if err := worker.Close(); err != nil {
		t.Fatal(err)
	}
	look(false, "start hongyan worker on any machine\n")
	f.alone["a"] = long
	look(true, "The mails stay in the ledger for the next worker that can send them.\n")
}

// A pause is no hold: there is nothing to lift.
func TestAPauseIsToldWithItsReason(t *testing.T) {
	t.Parallel()
	for want, pause := range map[string]office.Pause{
		"Paused by li.":                             {By: "li"},
		"Stopped: letter.md:3: no such file":        {Stopped: true, Why: "letter.md:3: no such file"},
		"Stopped: account a: 554 you are abandoned": {Stopped: true, Account: "a", Why: "554 you are abandoned"},
	} {
		said := &scribe{}
		d := newDoor(nil)
		d.err = said
		e := &dispatch{Edition: &edition.Edition{Campaign: &campaign.Campaign{File: "a.yaml"}, Key: ledger.Key{Campaign: "a", Issue: "main"}}}
		d.sayHalted(e, ledger.Totals{Rows: 2, Queued: 2}, &halted{pause})
		got := said.String()
		if !strings.Contains(got, want) || !strings.Contains(got, "2 are left. Go on with: hongyan send a.yaml") ||
			strings.Contains(got, "lift") || strings.Contains(got, "explain") != (pause.Account != "") {
			t.Errorf("%q: %s", want, got)
		}
	}
}
