package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/ledgertest"
	"hongyan/internal/ledger/sqlite"
)

func TestSQLiteKeepsThePromise(t *testing.T) {
	t.Parallel()
	ledgertest.Run(t, func(t *testing.T) ledgertest.Open {
		dir := folder(t)
		return func() ledger.Store {
			s, err := sqlite.Open(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	})
}

// folder is on a disk of memory where there is one: nothing here pulls the
// plug, so nothing could tell whether a sync was worth its time.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "ledger")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestASecondProcessIsToldWhoHoldsTheLedger(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := open(t, dir)
	_, err := sqlite.Open(t.Context(), dir)
	held, ok := errors.AsType[*sqlite.Held](err)
	if !ok || held.PID != os.Getpid() || time.Since(held.Since) > time.Minute {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(err.Error(), "held by process ") {
		t.Errorf("it says %q", err)
	}
	if err := s.Announce("http://127.0.0.1:8090/"); err != nil {
		t.Fatal(err)
	}
	_, err = sqlite.Open(t.Context(), dir)
	if held, ok := errors.AsType[*sqlite.Held](err); !ok || held.At != "http://127.0.0.1:8090/" || held.PID != os.Getpid() || time.Since(held.Since) > time.Minute {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

// Windows keeps others from the part of a file that is locked, also its owner by
// another handle.
func TestWhoHoldsTheLedgerIsSaidBesideTheLock(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	open(t, dir)
	if info, err := os.Stat(filepath.Join(dir, "ledger.lock")); err != nil || info.Size() != 0 {
		t.Errorf("the lock was written: %v, %v", info, err)
	}
	said, err := os.ReadFile(filepath.Join(dir, "ledger.holder"))
	if err != nil || !strings.HasPrefix(string(said), fmt.Sprintf("pid %d since ", os.Getpid())) {
		t.Errorf("%q, %v", said, err)
	}
}

func TestTheLedgerIsItsOwnersOnly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(folder(t), "new", "state")
	s := open(t, dir)
	planned(t, s, 10)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v, %v", info.Mode(), err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestAFolderMayHaveAnyName(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(folder(t), "状态 100%?mode=memory#x&y")
	s := open(t, dir)
	planned(t, s, 3)
	if _, err := os.Stat(filepath.Join(dir, sqlite.File)); err != nil {
		t.Error(err)
	}
}

func TestAReaderReadsWhileTheLedgerIsWritten(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	if _, err := sqlite.OpenReader(t.Context(), dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before there is a ledger: %v", err)
	}
	s := open(t, dir)
	planned(t, s, 300)
	r, err := sqlite.OpenReader(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	send(t, s, 50, 4)
	totals, err := r.Totals(t.Context(), key)
	if err != nil || totals.Sent != 50 || totals.Queued != 250 {
		t.Errorf("it reads %+v, %v", totals, err)
	}
	for f, err := range r.Verify(t.Context()) {
		t.Error(f, err)
	}
}

func TestAReaderReadsWhatADeadProcessLeft(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := open(t, dir)
	planned(t, s, 10)
	send(t, s, 5, 1)
	dead := copyOf(t, dir)
	r, err := sqlite.OpenReader(t.Context(), dead)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if totals, err := r.Totals(t.Context(), key); err != nil || totals.Sent != 5 {
		t.Errorf("it reads %+v, %v", totals, err)
	}
}

func TestWhatADeadProcessWasSendingIsShownAsADoubt(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := open(t, dir)
	planned(t, s, 10)
	for _, e := range claim(t, s, 2) {
		if err := s.Record(t.Context(), intent(e)); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		dir             string
		sending, doubts int
	}{
		"while it lives":      {dir, 2, 0},
		"after it":            {copyOf(t, dir), 0, 2},
		"without its lock":    {copyOf(t, dir, "ledger.lock"), 0, 2},
		"put down by opening": {recovered(t, copyOf(t, dir)), 0, 2},
	} {
		r, err := sqlite.OpenReader(t.Context(), c.dir)
		if err != nil {
			t.Fatal(err)
		}
		totals, err := r.Totals(t.Context(), key)
		if err != nil || totals.Sending != c.sending || totals.InDoubt != c.doubts || totals.Check() != nil {
			t.Errorf("%s: %+v, %v", name, totals, err)
		}
		moments, err := r.Timeline(t.Context(), key, time.Hour)
		if err != nil || len(moments) == 0 || moments[0].Sending != c.sending || moments[0].InDoubt != c.doubts {
			t.Errorf("%s: %+v, %v", name, moments, err)
		}
		for state, want := range map[ledger.State]int{ledger.Sending: c.sending, ledger.InDoubt: c.doubts} {
			n := 0
			for e, err := range r.Entries(t.Context(), key, ledger.Filter{States: []ledger.State{state}, Text: "@example.com"}) {
				if err != nil || e.State != state || state == ledger.InDoubt && (e.Reply != ledger.AbandonedWhy || e.Stage != ledger.AbandonedAt) {
					t.Errorf("%s: %+v, %v", name, e, err)
				}
				n++
			}
			if n != want {
				t.Errorf("%s: %d are listed as %s, want %d", name, n, state, want)
			}
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// recovered opens the ledger of a dead process and closes it.
func recovered(t *testing.T, dir string) string {
	t.Helper()
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestALookKeepsNobodyOut has others look, over and over, whether the ledger is free.
func TestALookKeepsNobodyOut(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	recovered(t, dir)
	ctx, stop := context.WithCancel(t.Context())
	var lookers sync.WaitGroup
	for range 2 {
		lookers.Go(func() {
			for ctx.Err() == nil {
				r, err := sqlite.OpenReader(t.Context(), dir)
				if err != nil {
					t.Error(err)
					return
				}
				_ = r.Close() // nothing hangs on it
			}
		})
	}
	for range 20 {
		recovered(t, dir)
	}
	stop()
	lookers.Wait()
}

// copyOf takes the files as a dead process would leave them, without some.
func copyOf(t *testing.T, dir string, without ...string) string {
	t.Helper()
	to := folder(t)
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for _, name := range without {
		if err := os.Remove(filepath.Join(to, name)); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func TestWhatWasSendingIsCounted(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := open(t, dir)
	planned(t, s, 10)
	for _, want := range []int{0, 3, 0} {
		if s.InDoubt() != want {
			t.Errorf("%d in doubt at the start, want %d", s.InDoubt(), want)
		}
		if want == 0 {
			for _, e := range claim(t, s, 3) {
				if err := s.Record(t.Context(), intent(e)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if want == 3 { // nothing is sent between this start and the next
			continueWith(t, &s, dir)
			continue
		}
		continueWith(t, &s, dir)
	}
}

func continueWith(t *testing.T, s **sqlite.Store, dir string) {
	t.Helper()
	if err := (*s).Close(); err != nil {
		t.Fatal(err)
	}
	*s = open(t, dir)
}

func claim(t *testing.T, s *sqlite.Store, n int) []ledger.Entry {
	t.Helper()
	got, err := s.Claim(t.Context(), key, "qq", n, time.Now())
	if err != nil || len(got) != n {
		t.Fatalf("%d claimed, %v", len(got), err)
	}
	return got
}

// TestTheRollIsWholeHoweverAPassEnds breaks a list off between two batches of
// addresses; the next pass knows those that were entered and those that were not.
func TestTheRollIsWholeHoweverAPassEnds(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := open(t, dir)
	s.Batch(300)
	_, err := s.Plan(t.Context(), key, ledger.Plan{At: time.Now()})
	must(t, err)
	breakdown := errors.New("the stick was pulled")
	_, err = s.Enqueue(t.Context(), key, func(yield func(ledger.Row, error) bool) {
		for row := range rows(0, 3000) {
			if !yield(row, nil) {
				return
			}
		}
		yield(ledger.Row{}, breakdown)
	})
	if !errors.Is(err, breakdown) {
		t.Fatalf("got %v", err)
	}
	continueWith(t, &s, dir)
	s.Batch(300)
	sound(t, s)
	done, err := s.Enqueue(t.Context(), key, func(yield func(ledger.Row, error) bool) {
		for row := range rows(1000, 4000) { // not as the list was: nothing meets in order
			if !yield(row, nil) {
				return
			}
		}
		rows(3900, 4000)(yield)
	})
	if err != nil || done.Known != 2000 || done.Added != 1000 || done.Duplicates != 100 {
		t.Errorf("the next pass: %d known, %d added, %d duplicates, %v", done.Known, done.Added, done.Duplicates, err)
	}
	sound(t, s)
}

// TestWhomAnEarlierReleaseEnteredInTwoSpellingsKeepsBoth: the books balance, and
// no third spelling makes a third entry.
func TestWhomAnEarlierReleaseEnteredInTwoSpellingsKeepsBoth(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := open(t, dir)
	planned(t, s, 3)
	must(t, s.Sabotage(`UPDATE recipient SET address = 'Ann@example.com' WHERE id & 4294967295 = 1;
		UPDATE recipient SET address = 'ann@example.com' WHERE id & 4294967295 = 2;
		UPDATE recipient SET address = 'Bob@example.com' WHERE id & 4294967295 = 3;
		DELETE FROM address;
		INSERT INTO address (issue, address, id) SELECT id >> 32, address, id FROM recipient WHERE id & 4294967295 < 3;
		UPDATE issue SET indexed = 2;
		DELETE FROM goose_db_version WHERE version_id = 3`))
	continueWith(t, &s, dir)
	sound(t, s)
	done, err := s.Enqueue(t.Context(), key, func(yield func(ledger.Row, error) bool) {
		_ = yield(ledger.Row{Line: 2, Address: "ANN@example.com"}, nil) && yield(ledger.Row{Line: 3, Address: "bob@example.com"}, nil)
	})
	if err != nil || done.Added != 0 || done.Known != 2 {
		t.Errorf("%+v, %v", done, err)
	}
	sound(t, s)
}

// TestAnAddressHasOneEntry whatever the code above the tables believes.
func TestAnAddressHasOneEntry(t *testing.T) {
	t.Parallel()
	s := open(t, folder(t))
	planned(t, s, 3)
	if err := s.Sabotage(`INSERT INTO address (issue, address, id) SELECT issue, address, id + 1 FROM address`); err == nil {
		t.Error("the table took an address twice")
	}
}
