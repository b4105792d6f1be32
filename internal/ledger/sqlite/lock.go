package sqlite

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// Held says that another process has the ledger.
type Held struct {
	Path  string    // of the lock file
	PID   int       // 0 when it did not get round to saying so
	Since time.Time // zero likewise
}

func (h *Held) Error() string {
	if h.PID == 0 {
		return fmt.Sprintf("%s: held by another process", h.Path)
	}
	return fmt.Sprintf("%s: held by process %d since %s", h.Path, h.PID, h.Since.Local().Format(time.DateTime))
}

// A lock keeps other processes out for as long as this one lives: the kernel
// drops it with the process. The file stays, since removing it would let two
// in; what it says is for people only.
type lock struct{ *flock.Flock }

func acquire(path string) (*lock, error) {
	l := &lock{flock.New(path, flock.SetPermissions(0o600))}
	ok, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the ledger: %w", err)
	}
	if !ok {
		return nil, holder(path)
	}
	said := fmt.Sprintf("pid %d since %s\n", os.Getpid(), time.Now().UTC().Format(time.RFC3339))
	if err := os.WriteFile(path, []byte(said), 0o600); err != nil {
		_ = l.Unlock() // the write's error says more
		return nil, fmt.Errorf("lock the ledger: %w", err)
	}
	return l, nil
}

func holder(path string) *Held {
	h := &Held{Path: path}
	said, err := os.ReadFile(path)
	if err != nil {
		return h
	}
	var since string
	if _, err := fmt.Sscanf(strings.TrimSpace(string(said)), "pid %d since %s", &h.PID, &since); err != nil {
		return &Held{Path: path}
	}
	h.Since, _ = time.Parse(time.RFC3339, since) // zero when it is not one
	return h
}

func (l *lock) release() error {
	if !l.Locked() {
		return nil
	}
	if err := os.Truncate(l.Path(), 0); err != nil {
		return err
	}
	return l.Unlock()
}
