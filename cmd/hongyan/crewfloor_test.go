package main

import (
	"errors"
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hongyan/internal/crew/board"
	"hongyan/internal/edition/fresh"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/ledger/postgres/postgrestest"
	"hongyan/internal/web"
)

// onPostgres is the desk of a service over a ledger that others share.
func onPostgres(t *testing.T) (desk, crewFloor) {
	files := letterFiles(5)
	files["config.yaml"] += "state: \"" + postgrestest.Start(t, false).Place(t) + "\"\n"
	d := served(t, files)
	return d, d.floor.(crewFloor)
}

func TestAListThatIsHalfReadIsReadOnByAnother(t *testing.T) {
	t.Parallel()
	d, f := onPostgres(t)
	k := ledger.Key{Campaign: "news", Issue: "main"}
	leaveHalf(t, d, k)
	seen := map[ledger.Key]int{}
	for range 2 {
		if on, err := f.has(t.Context(), k); on || err != nil {
			t.Fatal("the workers have it all", err)
		}
		var err error
		if seen, err = f.mend(t.Context(), seen); err != nil {
			t.Fatal(err)
		}
	}
	totals, err := d.store.Totals(t.Context(), k)
	if err != nil || totals.Queued != 5 {
		t.Errorf("%+v, %v", totals, err)
	}
	if on, err := f.has(t.Context(), k); !on || err != nil {
		t.Error("the workers do not have it", err)
	}
	refused(t, d.Start(t.Context(), k, "li"), "on its way already")
}

// leaveHalf begins an issue as a process does that dies over its list.
func leaveHalf(t *testing.T, d desk, k ledger.Key) {
	t.Helper()
	file, _ := d.service.find(k.Campaign)
	e, err := d.door.openWritten(t.Context(), file.File, file.Source, k.Issue, fresh.ToSend)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	c, err := d.compare(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.freeze(t.Context(), e, c); err != nil {
		t.Fatal(err)
	}
	if _, err := d.store.Enqueue(t.Context(), k, dying(e.Rows(t.Context()))); err == nil {
		t.Fatal("the list was read")
	}
}

func dying(rows iter.Seq2[ledger.Row, error]) iter.Seq2[ledger.Row, error] {
	return func(yield func(ledger.Row, error) bool) {
		for row, err := range rows {
			if !yield(row, err) || !yield(ledger.Row{}, errors.New("killed")) {
				return
			}
		}
	}
}

func TestWhatWasPausedGoesOnAsItWasPacked(t *testing.T) {
	t.Parallel()
	d, f := onPostgres(t)
	k := ledger.Key{Campaign: "news", Issue: "main"}
	if err := d.Start(t.Context(), k, "li"); err != nil {
		t.Fatal(err)
	}
	jobs, err := d.Jobs(t.Context())
	if err != nil || len(jobs) != 1 || jobs[0].Standing != web.Running || jobs[0].Why.String() != "no worker is there; start hongyan worker on any machine" {
		t.Errorf("%+v, %v", jobs, err)
	}
	if err := d.Pause(t.Context(), k, "li"); err != nil {
		t.Fatal(err)
	}
	if s := d.standing(t, k); s != web.Paused {
		t.Errorf("it is %q", s)
	}
	// As a worker does when it finds nothing to do.
	if err := d.store.Discard(t.Context(), shelfWork, k.String()); err != nil {
		t.Fatal(err)
	}
	if err := d.Resume(t.Context(), k, "li"); err != nil {
		t.Fatal(err)
	}
	if on, err := f.has(t.Context(), k); !on || err != nil {
		t.Error("the workers do not have it", err)
	}
}

func TestTheDeskKnowsWhoWorksAndWhatWaits(t *testing.T) {
	t.Parallel()
	d, _ := onPostgres(t)
	k := ledger.Key{Campaign: "news", Issue: "main"}
	if err := d.Start(t.Context(), k, "li"); err != nil {
		t.Fatal(err)
	}
	crew, err := d.Crew(t.Context())
	if err != nil || len(crew.Workers) != 1 || crew.Workers[0].Works || !crew.Idle() || crew.Depth() != 5 || crew.Queue[0].Key != k || crew.Lag() > time.Minute {
		t.Fatalf("%+v, %v", crew, err)
	}
	other, err := postgres.Open(t.Context(), string(d.conf.State), postgres.Options{Name: "smith", Works: true})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	mails, err := other.Claim(t.Context(), k, "sandbox", 2, time.Now())
	if err != nil || len(mails) != 2 {
		t.Fatal(mails, err)
	}
	crew, err = d.Crew(t.Context())
	if err != nil || crew.Idle() || crew.Has("sandbox") != "smith" || crew.Depth() != 3 {
		t.Errorf("%+v, %v", crew, err)
	}
	if smith := crew.Workers[1]; smith.Name != "smith" || !smith.Works || !smith.Alive || !smith.Until.After(time.Now()) {
		t.Errorf("%+v", smith)
	}
	if err := d.Pause(t.Context(), k, "li"); err != nil {
		t.Fatal(err)
	}
	if crew, err = d.Crew(t.Context()); err != nil || crew.Depth() != 0 || !crew.Queue[0].Paused || crew.Queue[0].Due != 3 {
		t.Errorf("%+v, %v", crew, err)
	}
}

// TestANoticeByMailBorrowsTheAccount has a worker that gives the account away when
// somebody asks for it, as workers do, and takes it again.
func TestANoticeByMailBorrowsTheAccount(t *testing.T) {
	t.Parallel()
	files := letterFiles(1)
	url := postgrestest.Start(t, false).Place(t)
	files["config.yaml"] += "state: \"" + url + "\"\nnotices:\n  me: {mail: ops@example.com, account: sandbox}\n"
	d := served(t, files)
	worker, err := postgres.Open(t.Context(), url, postgres.Options{Name: "smith", Works: true})
	if err != nil {
		t.Fatal(err)
	}
	defer worker.Close()
	if err := worker.Take(t.Context(), "sandbox"); err != nil {
		t.Fatal(err)
	}
	d.lookout.ended(t.Context(), d.store, ledger.Key{Campaign: "news", Issue: "main"}, errors.New("the list is gone"))
	eventually(t, "the account was asked for", func() bool {
		wanted, err := board.Wanted(t.Context(), d.store)
		return err == nil && !wanted["sandbox"].IsZero()
	})
	if err := worker.HandBack(t.Context(), "sandbox"); err != nil {
		t.Fatal(err)
	}
	state := d.door.stateFolder(d.conf)
	eventually(t, "the notice was sent", func() bool {
		mails, err := filepath.Glob(filepath.Join(state, "sandbox", "sandbox", "*.eml"))
		return err == nil && len(mails) == 1
	})
	if mail := mailTo(t, state, "ops@example.com"); !strings.Contains(headerOf(mail, "Subject"), "news/main has stopped") {
		t.Error(mail)
	}
	eventually(t, "the account is free again", func() bool { return worker.Take(t.Context(), "sandbox") == nil })
}
