package drill_test

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/sqlite"
)

var key = ledger.Key{Campaign: "drill", Issue: "main"}

// to is the account that sends to a witness.
func to(w *witness, connections int) string {
	return fmt.Sprintf("provider: custom, host: 127.0.0.1, port: %s, tls: none, address: a@example.com, limits: {per_second: 100000, connections: %d}",
		w.port(), connections)
}

// read opens the ledger of the desk, which ends every attempt that was left
// open, and returns its books on the issue.
func (d desk) read(t *testing.T, taken map[string][]string) (books, ledger.Totals) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), d.state())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b := books{taken: taken}
	for e, err := range s.Entries(t.Context(), key, ledger.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		b.entries = append(b.entries, e)
	}
	for finding, err := range s.Verify(t.Context()) {
		t.Fatal("verify: ", finding, err)
	}
	totals, err := s.Totals(t.Context(), key)
	if err == nil {
		err = errors.Join(totals.Check(), b.audit().err())
	}
	if err != nil {
		t.Fatal(err)
	}
	return b, totals
}

// TestEveryFailingWriteEndsTheSending lets the i-th write of an outcome or
// intent fail, for each i, and all after it: the program ends with exit code 1,
// at most one mail a connection has left without its outcome on record, and
// after the cure everybody else has one mail.
func TestEveryFailingWriteEndsTheSending(t *testing.T) {
	t.Parallel()
	const recipients = 3
	for _, connections := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d connections", connections), func(t *testing.T) {
			t.Parallel()
			w := newWitness(t)
			for i := 0; ; i++ {
				w.turn(t, i%2 == 0)
				d := newDesk(t, to(w, connections), addresses(recipients)...)
				d.allow(t, i)
				code, said := d.do(t, "send", "--yes", "drill.yaml")
				if code == 0 && i >= 2*recipients {
					return // the disk outlasted the issue
				}
				if code != 1 || !strings.Contains(said, "the ledger cannot be written") {
					t.Fatalf("write %d failed: exit code %d:\n%s", i+1, code, said)
				}
				d.cured(t, w, connections, recipients)
			}
		})
	}
}

// allow makes a ledger that takes n more steps of deliveries and no more.
func (d desk) allow(t *testing.T, n int) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), d.state())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	d.alter(t, fmt.Sprintf(`
		CREATE TABLE allowance (n INTEGER NOT NULL);
		INSERT INTO allowance VALUES (%d);
		CREATE TRIGGER disk BEFORE UPDATE OF state ON delivery BEGIN
			UPDATE allowance SET n = n - 1;
			SELECT RAISE(ABORT, 'the disk is full') WHERE (SELECT n FROM allowance) < 0;
		END`, n))
}

// alter does something to the ledger behind its back.
func (d desk) alter(t *testing.T, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(d.state(), sqlite.File))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), statements)
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// cured gives the ledger its disk back and goes on.
func (d desk) cured(t *testing.T, w *witness, connections, recipients int) {
	t.Helper()
	d.alter(t, `DROP TRIGGER disk`)
	w.quiet()
	taken, err := w.taken()
	if err != nil {
		t.Fatal(err)
	}
	if _, totals := d.read(t, taken); totals.InDoubt > connections || len(taken)-totals.Sent > connections {
		t.Fatalf("%d were taken on %d connections, but the ledger says %+v", len(taken), connections, totals)
	}
	if code, said := d.do(t, "send", "--yes", "drill.yaml"); code != 0 && code != 3 {
		t.Fatalf("exit code %d:\n%s", code, said)
	}
	w.quiet()
	if taken, err = w.taken(); err != nil {
		t.Fatal(err)
	}
	if _, totals := d.read(t, taken); totals.Sent+totals.InDoubt != recipients {
		t.Fatalf("somebody was forgotten: %+v", totals)
	}
}
