package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

const lockFile = "ledger.lock"

// Held says that another process has the ledger.
type Held struct {
	Path  string    // of the lock file
	PID   int       // 0 when it did not get round to saying so
	Since time.Time // zero likewise
	At    string    // where it is at work, "" when it did not say; see Announce
}

func (h *Held) Error() string {
	if h.PID == 0 {
		return fmt.Sprintf("%s: held by another process", h.Path)
	}
	said := fmt.Sprintf("%s: held by process %d since %s", h.Path, h.PID, h.Since.Local().Format(time.DateTime))
	if h.At != "" {
		said += ", at " + h.At
	}
	return said
}

// A lock keeps other processes out for as long as this one lives: the kernel
// drops it with the process. The file stays, since removing it would let two
// in. What people are told of it is in a file beside it, since Windows lets
// nobody read or write the part of a file that somebody has locked.
type lock struct {
	*flock.Flock
	since time.Time
}

func acquire(path string) (*lock, error) {
	l := &lock{Flock: flock.New(path, flock.SetPermissions(0o600))}
	ctx, cancel := context.WithTimeout(context.Background(), glance)
	defer cancel()
	ok, err := l.TryLockContext(ctx, glance/10)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("lock the ledger: %w", err)
	}
	if !ok {
		return nil, holder(path)
	}
	l.since = time.Now()
	if err := l.say(""); err != nil {
		_ = l.Unlock() // the write's error says more
		return nil, err
	}
	return l, nil
}

// glance is longer than anybody takes who only looks whether a ledger is free.
const glance = 100 * time.Millisecond

// free reports whether nobody has the ledger in the folder dir. Whoever comes next
// puts down what was being sent as in doubt before anything else, so what is free
// for a moment is nobody's until then.
func free(dir string) bool {
	l := flock.New(filepath.Join(dir, lockFile), flock.SetFlag(os.O_RDONLY))
	ok, err := l.TryRLock()
	if err != nil {
		return errors.Is(err, os.ErrNotExist) // a copy
	}
	_ = l.Unlock() // as closing the file does
	return ok
}

// say tells who is kept out by whom.
func (l *lock) say(at string) error {
	said := strings.TrimSpace(fmt.Sprintf("pid %d since %s %s", os.Getpid(), l.since.UTC().Format(time.RFC3339), at)) + "\n"
	if err := os.WriteFile(words(l.Path()), []byte(said), 0o600); err != nil {
		return fmt.Errorf("lock the ledger: %w", err)
	}
	return nil
}

// words is where it is said who has a lock.
func words(path string) string { return strings.TrimSuffix(path, ".lock") + ".holder" }

// Announce tells whoever finds the ledger taken where it is at work: a URL.
func (s *Store) Announce(at string) error { return s.lock.say(at) }

func holder(path string) *Held {
	h := &Held{Path: path}
	said, err := os.ReadFile(words(path))
	if err != nil {
		return h
	}
	text, at, _ := strings.Cut(strings.TrimSpace(string(said)), "Z ") // the end of the time
	var since string
	if _, err := fmt.Sscanf(text, "pid %d since %s", &h.PID, &since); err != nil {
		return &Held{Path: path}
	}
	h.At, since = at, strings.TrimSuffix(since, "Z")+"Z"
	h.Since, _ = time.Parse(time.RFC3339, since) // zero when it is not one
	return h
}

func (l *lock) release() error {
	if !l.Locked() {
		return nil
	}
	if err := os.Truncate(words(l.Path()), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return l.Unlock()
}
