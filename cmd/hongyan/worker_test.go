package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hongyan/internal/crew"
	"hongyan/internal/crew/board"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/office"
	"hongyan/internal/run"
)

// atWork is a worker on the ledger of a service.
func atWork(t *testing.T) (*worker, desk) {
	d, f := onPostgres(t)
	return &worker{house: d.house, books: f.books, accounts: []string{"sandbox"}, thawed: map[packing]*thawed{}, shy: map[burden]shyness{}}, d
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
	rests, err := board.RestsOf(t.Context(), d.store, boarded(d.conf))
	if r, ok := rests.Soonest("sandbox", d.conf.Accounts["sandbox"].Lanes); !ok || r.Why != "20/s" || err != nil {
		t.Errorf("%+v, %v", r, err)
	}
	wider := d.conf.Accounts["sandbox"]
	wider.Limits.Windows = nil
	d.conf.Accounts["sandbox"] = wider
	if able, err := w.able(t.Context()); err != nil || len(able) != 1 {
		t.Errorf("%v, %v", able, err)
	}
}

// A worker lives for months and carries many issues: it keeps the files of none.
func TestTheFilesOfAnIssueGoWithIt(t *testing.T) {
	w, d := atWork(t)
	t.Setenv("TMPDIR", t.TempDir())
	k := ledger.Key{Campaign: "news", Issue: "main"}
	if err := d.Start(t.Context(), k, "li"); err != nil {
		t.Fatal(err)
	}
	w.accounts = nil // nothing is due for it
	first, err := w.packed(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.packed(t.Context(), k)
	if err != nil || first != second {
		t.Fatal("it was thawed twice", err)
	}
	w.putBack(first)
	if err := d.store.Discard(t.Context(), shelfWork, k.String()); err != nil {
		t.Fatal(err)
	}
	for _, left := range []int{1, 0} {
		if _, err := w.Due(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(first.dir); len(w.thawed) != left || (err == nil) != (left == 1) {
			t.Errorf("with %d slices: %d thawed, %v", left, len(w.thawed), err)
		}
		if left == 1 {
			w.putBack(second)
		}
	}
}

func TestWhatADeadProcessLeftIsSweptAndWhatALivingOneHasStays(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	var living scratch
	dir, err := living.folder()
	if err != nil {
		t.Fatal(err)
	}
	dead := filepath.Join(tmp, scratchName+"DEAD")
	put(t, filepath.Join(dead, "1", "letter.md"), "Dear all")
	put(t, dead+locked, "")
	put(t, filepath.Join(tmp, "hongyan-else", "letter.md"), "Dear all")
	sweep()
	if exists(dead) || exists(dead+locked) || !exists(dir) || !exists(filepath.Join(tmp, "hongyan-else")) {
		t.Error(os.ReadDir(tmp))
	}
	if err := living.close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) != 1 {
		t.Error(left, err)
	}
}

// What a machine lacks is no fault of the account or the issue, and asking again and
// again does not bring it about.
func TestWhatCannotBeDoneHereIsLeftAloneHereForLongerEachTime(t *testing.T) {
	t.Parallel()
	w, d := atWork(t)
	k := ledger.Key{Campaign: "news", Issue: "main"}
	if err := d.Start(t.Context(), k, "li"); err != nil {
		t.Fatal(err)
	}
	lane := burden{lane: postgres.Whole("sandbox")}
	for _, b := range []burden{lane, {issue: k}} {
		for range 2 {
			if err := w.shun(t.Context(), b, errors.New("no secret, no room")); err != nil {
				t.Fatal(err)
			}
		}
		now := time.Now()
		if !w.shuns(b, now.Add(55*time.Second)) || w.shuns(b, now.Add(65*time.Second)) {
			t.Errorf("%+v", w.shy)
		}
		if due, err := w.Due(t.Context()); err != nil || len(due) != 0 {
			t.Errorf("%v, %v", due, err)
		}
		if err := w.Pump(t.Context(), crew.Due{Account: "sandbox"}); err != nil || !w.shuns(b, now) {
			t.Error("it was tried again", err)
		}
		told, err := board.Troubles(t.Context(), d.store)
		if err != nil || len(told) != 1 || told[0].Why != "no secret, no room" || (told[0].Account == "") == (told[0].Issue == "") {
			t.Errorf("%+v, %v", told, err)
		}
		other := &worker{house: d.house, books: w.books, accounts: w.accounts}
		if due, err := other.Due(t.Context()); err != nil || len(due) != 1 {
			t.Errorf("another worker: %v, %v", due, err)
		}
		if err := w.accept(t.Context(), b); err != nil || w.shuns(b, now) {
			t.Error("it is still left alone", err)
		}
		if told, err = board.Troubles(t.Context(), d.store); err != nil || len(told) > 0 {
			t.Errorf("%+v, %v", told, err)
		}
	}
}

// The account is well, and so may be its next issue.
func TestAnIssueThatCannotBeUnpackedHereIsNoTroubleOfItsAccount(t *testing.T) {
	w, d := atWork(t)
	k := ledger.Key{Campaign: "news", Issue: "main"}
	if err := d.Start(t.Context(), k, "li"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "gone"))
	if err := w.Pump(t.Context(), crew.Due{Account: "sandbox"}); err != nil {
		t.Fatal(err)
	}
	if now := time.Now(); w.shuns(burden{lane: postgres.Whole("sandbox")}, now) || !w.shuns(burden{issue: k}, now) {
		t.Errorf("%+v", w.shy)
	}
	if paused, err := d.store.Paper(t.Context(), office.Pauses, k.String()); paused != nil || err != nil {
		t.Errorf("%s, %v", paused, err)
	}
}

// A container that is started anew has the name that it had.
func TestAWorkerThatStartsHasNoTroubleYet(t *testing.T) {
	t.Parallel()
	w, d := atWork(t)
	if err := w.shun(t.Context(), burden{lane: postgres.Whole("sandbox")}, errors.New("no secret")); err != nil {
		t.Fatal(err)
	}
	if told, err := board.Troubles(t.Context(), d.store); err != nil || len(told) != 1 {
		t.Errorf("%v, %v", told, err)
	}
	if err := board.Sweep(t.Context(), w.books, workerName()); err != nil {
		t.Fatal(err)
	}
	if told, err := board.Troubles(t.Context(), d.store); err != nil || len(told) != 0 {
		t.Errorf("%v, %v", told, err)
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
