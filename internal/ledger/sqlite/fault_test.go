package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/sqlite"
)

// TestMain lets the test binary also be the process that is killed, and one
// that writes beside the line. The race
// detector slows SQLite down tenfold, hence few random walks, unless the
// command line asks for more.
func TestMain(m *testing.M) {
	if dir := os.Getenv("HONGYAN_TEST_VICTIM"); dir != "" {
		fmt.Println("victim:", victim(dir))
		os.Exit(1)
	}
	if name, dir, ok := strings.Cut(os.Getenv("HONGYAN_TEST_CLERK"), ":"); ok {
		if err := besideTheLine(name, dir); err != nil {
			fmt.Println("clerk:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if err := flag.Set("rapid.checks", "8"); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestNoMemoryNoMail(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(*testing.T, *sqlite.Store){
		"FullDisk":     func(t *testing.T, s *sqlite.Store) { pragma(t, s, "max_page_count = 1") },
		"ReadOnlyFile": func(t *testing.T, s *sqlite.Store) { pragma(t, s, "query_only = 1") },
		"TableGone":    func(t *testing.T, s *sqlite.Store) { pragma(t, s, "writable_schema = reset; DROP TABLE answer") },
		"Closed": func(t *testing.T, s *sqlite.Store) {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			s := open(t, dir)
			planned(t, s, 600)
			send(t, s, 10, 1)
			got := claim(t, s, 500)
			harm(t, s)
			recorded, err := untilItFails(t, s, got)
			if !errors.Is(err, ledger.ErrBroken) {
				t.Fatalf("after %d: got %v", recorded, err)
			}
			for _, err := range []error{
				s.Record(t.Context(), intent(got[len(got)-1])),
				s.Hold(t.Context(), ledger.Hold{Account: "qq"}),
			} {
				if !errors.Is(err, ledger.ErrBroken) {
					t.Errorf("after the failure: got %v", err)
				}
			}
			if name != "TableGone" {
				nothingForgotten(t, s, dir, 10+recorded)
			}
		})
	}
}

// TestALedgerThatWasTakenAwayIsNotWritten: what goes into a file without a name is
// forgotten with its last user, and then everybody would be mailed again.
func TestALedgerThatWasTakenAwayIsNotWritten(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(dir string) error{
		"Removed": os.RemoveAll,
		"Moved":   func(dir string) error { return os.Rename(dir, dir+".old") },
		"Replaced": func(dir string) error {
			file := filepath.Join(dir, sqlite.File)
			return errors.Join(os.Remove(file), os.WriteFile(file, nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(folder(t), "state")
			s := open(t, dir)
			planned(t, s, 10)
			got := claim(t, s, 1)[0]
			if err := harm(dir); err != nil {
				t.Fatal(err)
			}
			err := s.Record(t.Context(), intent(got))
			if !errors.Is(err, ledger.ErrBroken) || !strings.Contains(err.Error(), "was removed or replaced") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func pragma(t *testing.T, s *sqlite.Store, p string) {
	t.Helper()
	if err := s.Sabotage("PRAGMA " + p); err != nil {
		t.Fatal(err)
	}
}

// untilItFails records whole mails and returns how many stand.
func untilItFails(t *testing.T, s *sqlite.Store, entries []ledger.Entry) (int, error) {
	for i, e := range entries {
		o := taken(e)
		o.Reply = strings.Repeat("long ", 400) // so that the disk fills up
		if err := s.Record(t.Context(), intent(e)); err != nil {
			return i, err
		}
		if err := s.Record(t.Context(), o); err != nil {
			return i, err
		}
	}
	return len(entries), nil
}

// nothingForgotten opens the ledger anew: all that was sent is sent, and at
// most the mail under way is in doubt.
func nothingForgotten(t *testing.T, s *sqlite.Store, dir string, sent int) {
	t.Helper()
	continueWith(t, &s, dir)
	totals, err := s.Totals(t.Context(), key)
	if err != nil || totals.Sent != sent || totals.InDoubt > 1 || totals.Sending != 0 {
		t.Errorf("%d were sent; the ledger says %+v, %v", sent, totals, err)
	}
	sound(t, s)
}

// TestAFullDiskEndsEnqueue as it ends everything that writes.
func TestAFullDiskEndsEnqueue(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := open(t, dir)
	planned(t, s, 1000)
	pragma(t, s, "max_page_count = 1")
	if _, err := s.Enqueue(t.Context(), key, rows(0, 10_000)); !errors.Is(err, ledger.ErrBroken) {
		t.Errorf("got %v", err)
	}
	continueWith(t, &s, dir)
	done, err := s.Enqueue(t.Context(), key, rows(0, 2000))
	if err != nil || done.Added+done.Known != 2000 || done.Known < 1000 {
		t.Errorf("the next start: %+v, %v", done, err)
	}
}

func TestAReadOnlyFileIsSaidToBeSo(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Skip("root may write any file")
	}
	dir := folder(t)
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, sqlite.File), 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), dir); !errors.Is(err, os.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

// TestKillNineForgetsNothing kills a process that records in a loop and says
// on a pipe what Record has returned. The ledger must know all of that, and at
// most one thing more: what the pipe had no time for.
func TestKillNineForgetsNothing(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := open(t, dir)
	planned(t, s, 3000)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	said := map[int64]string{}
	for round := range 6 {
		kill(t, dir, 25*(round+1), said)
		s := open(t, dir)
		compare(t, s, said)
		if round == 5 {
			sound(t, s)
		}
		must(t, s.Close())
	}
}

func sound(t *testing.T, s *sqlite.Store) {
	t.Helper()
	for f, err := range s.Verify(t.Context()) {
		t.Error(f, err)
	}
}

// kill starts a victim, hears n words of it, kills it and hears the rest.
func kill(t *testing.T, dir string, n int, said map[int64]string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), "HONGYAN_TEST_VICTIM="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for i := 0; lines.Scan(); i++ {
		if i == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		var id int64
		var word string
		if _, err := fmt.Sscanf(lines.Text()+" ", "%d %s .", &id, &word); err == nil {
			said[id] = word
		} else if strings.HasPrefix(lines.Text(), "victim:") {
			t.Fatal(lines.Text())
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the victim lives")
	}
}

// victim sends forever, through four lanes, and says each thing that is durable.
func victim(dir string) error {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, dir)
	if err != nil {
		return err
	}
	failed := make(chan error)
	for range 4 {
		go func() {
			for {
				got, err := s.Claim(ctx, key, "qq", 5, time.Now())
				if err != nil || len(got) == 0 {
					failed <- fmt.Errorf("nothing to claim: %w", err)
				}
				for _, e := range got {
					if err := s.Record(ctx, intent(e)); err != nil {
						failed <- err
					}
					fmt.Printf("%d sending .\n", e.ID)
					if err := s.Record(ctx, taken(e)); err != nil {
						failed <- err
					}
					fmt.Printf("%d sent .\n", e.ID)
				}
			}
		}()
	}
	return <-failed
}

// compare holds what was said against what is remembered.
func compare(t *testing.T, s *sqlite.Store, said map[int64]string) {
	t.Helper()
	more := 0
	for e, err := range s.Entries(t.Context(), key, ledger.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		switch word := said[e.ID]; {
		case e.State == ledger.Sending:
			t.Errorf("%d is still sending", e.ID)
		case word == "sent" && e.State != ledger.Sent:
			t.Errorf("%d was sent, but is %s", e.ID, e.State)
		case word == "sending" && e.State == ledger.Queued:
			t.Errorf("%d was being sent, but is queued again", e.ID)
		case word == "" && e.State != ledger.Queued:
			more++
			said[e.ID] = "sending"
		case e.State == ledger.InDoubt && (e.Account != "qq" || e.Begun.IsZero()):
			t.Errorf("%d is in doubt without evidence: %+v", e.ID, e)
		}
	}
	if more > 4 {
		t.Errorf("%d entries of four lanes have moved without a word", more)
	}
}

// TestVerifySaysWhatIsWrongWhere spoils a sound ledger in every way that
// Verify knows, one at a time.
func TestVerifySaysWhatIsWrongWhere(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := open(t, dir)
	planned(t, s, 8)
	for i, e := range claim(t, s, 7) {
		if i == 0 {
			continue
		}
		must(t, s.Record(t.Context(), intent(e)))
		switch i {
		case 2:
			must(t, s.Record(t.Context(), taken(e)))
		case 3:
			must(t, s.Record(t.Context(), ledger.Outcome{ID: e.ID, State: ledger.Deferred, Account: "qq", At: time.Now(), Due: time.Now()}))
		}
	}
	must(t, s.Close())
	for _, c := range []struct{ spoil, want string }{
		{`UPDATE delivery SET state = 9 WHERE id & 255 = 3`, "line 4: entry 1.3: its state is none that the ledger knows"},
		{`UPDATE delivery SET state = 9 WHERE id & 255 = 3`, "welcome/main: the books do not balance: 8 rows, but 2 queued"},
		{`UPDATE delivery SET account = 0 WHERE id & 255 = 2`, "line 3: entry 1.2: it is sending, but nobody's"},
		{`UPDATE delivery SET begun = 0 WHERE id & 255 = 3`, "it has an outcome without an intent"},
		{`UPDATE delivery SET account = 1 WHERE id & 255 = 1`, "line 2: entry 1.1: it is untouched, but was attempted"},
		{`UPDATE delivery SET account = 77 WHERE id & 255 = 3`, "it was attempted by no account"},
		{`UPDATE delivery SET attempts = -1 WHERE id & 255 = 3`, "its attempts are fewer than none"},
		{`UPDATE delivery SET due = 0 WHERE id & 255 = 4`, "line 5: entry 1.4: it is deferred, but to no time"},
		{`DELETE FROM due`, "it is deferred, but will not come due"},
		{`INSERT INTO due VALUES (1, 1, 5, 1 << 32 | 1)`, "entry 1.1: it will come due, but is not deferred"},
		{`DELETE FROM recipient WHERE id & 255 = 3`, "entry 1.3: it has a state, but no recipient"},
		{`DELETE FROM delivery WHERE id & 255 = 1`, "line 2: entry 1.1: it has a recipient, but no state"},
		{`DELETE FROM address WHERE id & 255 = 1`, "line 2: entry 1.1: its address is not on the roll"},
		{`INSERT INTO address VALUES (1, 'ghost@example.com', 1 << 32 | 99)`, "entry 1.99: the roll has an address that nobody has"},
		{`DELETE FROM issue`, "it belongs to no issue"},
		{`INSERT INTO answer (id) VALUES (1 << 32 | 99)`, "entry 1.99: it has an answer, but no state"},
		{`INSERT INTO attempt VALUES (1 << 32 | 99, 1, 1, 0, 0, '', '', 0, '', '', '', '', 0, '', 0)`, "it has a history, but no state"},
		{`INSERT INTO suppression VALUES ('Li@example.com', '', 'manual', '', 'li', 1)`, "a suppression is of no address, or of one that is not folded"},
		{`INSERT INTO suppression VALUES ('li@example.com', '', 'whim', '', 'li', 1)`, "a suppression is of no known source"},
		{`INSERT INTO act VALUES (1, 0, 'li', 'lift', '', '', '', '')`, "an act is nobody's, nothing, or of no time"},
	} {
		if said := spoiled(t, dir, c.spoil); !strings.Contains(said, c.want) {
			t.Errorf("%s:\nwant %s\ngot\n%s", c.spoil, c.want, said)
		}
	}
	if said := spoiled(t, dir, `SELECT 1`); said != "" {
		t.Errorf("a sound ledger: %s", said)
	}
}

// spoiled returns what Verify says of a copy that was tampered with.
func spoiled(t *testing.T, dir, spoil string) string {
	t.Helper()
	dir = copyOf(t, dir)
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.File))
	must(t, err)
	_, err = db.ExecContext(t.Context(), spoil)
	must(t, err)
	must(t, db.Close())
	r, err := sqlite.OpenReader(t.Context(), dir)
	must(t, err)
	defer r.Close()
	var said strings.Builder
	for f, err := range r.Verify(t.Context()) {
		must(t, err)
		fmt.Fprintln(&said, f)
	}
	return said.String()
}

func TestADamagedFileIsSaidToBeSo(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := open(t, dir)
	planned(t, s, 2000)
	must(t, s.Close())
	f, err := os.OpenFile(filepath.Join(dir, sqlite.File), os.O_RDWR, 0)
	must(t, err)
	_, err = f.WriteAt(make([]byte, 4096), 60*4096)
	must(t, errors.Join(err, f.Close()))
	r, err := sqlite.OpenReader(t.Context(), dir)
	must(t, err)
	defer r.Close()
	for f, err := range r.Verify(t.Context()) {
		if err == nil && strings.Contains(f.What, "the file is damaged: ") {
			return
		}
	}
	t.Error("nothing was found")
}

func TestALedgerOfAnotherVersionIsRefused(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	must(t, open(t, dir).Close())
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.File))
	must(t, err)
	_, err = db.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)`)
	must(t, err)
	must(t, db.Close())
	for _, open := range []func() error{
		func() error { _, err := sqlite.Open(t.Context(), dir); return err },
		func() error { _, err := sqlite.OpenReader(t.Context(), dir); return err },
	} {
		if err := open(); err == nil || !strings.Contains(err.Error(), "made by a newer hongyan") {
			t.Errorf("got %v", err)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
