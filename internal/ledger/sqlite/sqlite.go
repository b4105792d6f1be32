// Package sqlite keeps the ledger in one SQLite file of the state folder, for
// one process at a time. It owns the tables, the single writer with its group
// commit, and the claims of the running process.
//
// It must never know what a state means: the state machine is package
// ledger's, and the statements here only ask it.
package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // registers the driver

	"hongyan/internal/ledger"
)

// File is the name of the ledger in the state folder.
const File = "ledger.db"

// A Store is a ledger that is being written. See [ledger.Store].
type Store struct {
	*Reader
	hand // has the one writer
	lock *lock

	queue *queue
	tally *tally

	mu    sync.Mutex
	desks map[int64]*desk // by issue

	inDoubt int
	batch   int // addresses gathered before they are entered on the roll
}

// Open opens the ledger in the folder dir, makes both if they are missing, and
// keeps every other process out until Close: while somebody else has it, the
// error is a [*Held]. Attempts that a dead process left open become in-doubt.
func Open(ctx context.Context, dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	l, err := acquire(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, err
	}
	s := &Store{lock: l, hand: hand{none: &nobody{}}, queue: newQueue(), tally: newTally(), desks: map[int64]*desk{}, batch: batch}
	if err := s.open(ctx, dir); err != nil {
		_ = s.Close() // the reason for giving up is the better error
		return nil, fmt.Errorf("ledger %s: %w", filepath.Join(dir, File), err)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, dir string) error {
	file := filepath.Join(dir, File)
	if err := touch(file); err != nil {
		return err
	}
	var err error
	if s.writer, err = connect(ctx, file); err != nil {
		return err
	}
	s.writer.strange = s.tally.strange
	if s.Reader, err = openReader(ctx, file, "rw"); err != nil {
		return err
	}
	return s.recover()
}

// connect brings the tables up to date and returns the one who writes.
func connect(ctx context.Context, file string) (*writer, error) {
	source, err := address(file, "rw", writing())
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", source)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := migrate(ctx, db); err != nil {
		return nil, err
	}
	born, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	conn, err := db.Driver().Open(source)
	if err != nil {
		return nil, err
	}
	return newWriter(conn, place{file, born}), nil
}

// touch makes the file readable to its owner only; SQLite gives the files it
// puts beside it the same mode.
func touch(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// The settings of a connection, in the order in which they are made.
//
// synchronous=FULL, never NORMAL: a power cut could take back an intent whose
// mail has left, and that mail would be sent twice.
//
// A writer that waits for another process meets transactions of milliseconds,
// unless that process is being debugged or starved; a minute is for that.
func writing() []string {
	return []string{"busy_timeout(60000)", "journal_mode(wal)", "synchronous(full)", "cache_size(-1000)"}
}

func reading() []string {
	return []string{"busy_timeout(10000)", "query_only(1)", "cache_size(-250)"}
}

// dial opens a pool of at most n connections; mode is ro or rw, which both
// want the file to be there.
func dial(file string, n int, mode string, pragmas []string) (*sql.DB, error) {
	source, err := address(file, mode, pragmas)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", source)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// address is a file and how it is opened, as the driver wants to be told.
func address(file, mode string, pragmas []string) (string, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	path := filepath.ToSlash(abs)
	if path[0] != '/' { // C:/…
		path = "/" + path
	}
	q := url.Values{"_pragma": pragmas, "_txlock": {"immediate"}, "mode": {mode}}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String(), nil
}

// recover turns what a dead process was sending into doubts, and makes the
// ledger's key at its birth.
func (s *Store) recover() error {
	return s.writer.write(func(t *tx) {
		var left []int64
		var id int64
		t.each([]any{&id}, func() bool { left = append(left, id); return true }, `UPDATE delivery SET state = ?1
			WHERE state = ?2 AND id IN (
			SELECT d.id FROM issue CROSS JOIN delivery d ON d.id BETWEEN issue.id << 32 AND (issue.id << 32) + 4294967295
			WHERE issue.live = 1 AND d.state = ?2) RETURNING id`, inDoubt, sending)
		for _, id := range left {
			t.exec(`INSERT OR REPLACE INTO answer (id, stage, reply) VALUES (?1, ?2, ?3)`, id, ledger.AbandonedAt, ledger.AbandonedWhy)
		}
		s.inDoubt = len(left)
		t.exec(`UPDATE issue SET live = 0 WHERE live = 1`)
		t.exec(`INSERT INTO install (key) SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM install)`, newKey())
	})
}

func newKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return key
}

// InDoubt returns how many attempts were found open and became in-doubt when
// the store was opened.
func (s *Store) InDoubt() int { return s.inDoubt }

// Key returns the ledger's own key. See [ledger.Store].
func (r *Reader) Key(ctx context.Context) ([]byte, error) {
	var key []byte
	err := r.db.QueryRowContext(ctx, `SELECT key FROM install`).Scan(&key)
	return key, wrap("read the ledger's key", err)
}

// Close waits for the write under way, puts the ledger down and lets others in.
func (s *Store) Close() error {
	var errs [3]error
	if s.writer != nil {
		errs[0] = s.writer.close()
	}
	if s.Reader != nil {
		errs[1] = s.Reader.Close()
	}
	errs[2] = s.lock.release()
	for _, err := range errs {
		if err != nil {
			return fmt.Errorf("close the ledger: %w", err)
		}
	}
	return nil
}

// desk returns the claims on an issue.
func (s *Store) desk(issue int64) *desk {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.desks[issue]
	if d == nil {
		d = &desk{cursor: first(issue), claimed: map[int64]ledger.State{}}
		s.desks[issue] = d
	}
	return d
}
