package main

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/gofrs/flock"
)

// A scratch is this process's place for files that nobody needs after it, in the
// system's temporary folder. The lock beside it says that the process lives: the
// kernel drops it with the process, however that ends.
type scratch struct {
	mu   sync.Mutex // guards lock
	lock *flock.Flock
}

const (
	scratchName = "hongyan-scratch-"
	locked      = ".lock"
)

// folder makes a new one.
func (s *scratch) folder() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.lock == nil {
		lock := flock.New(filepath.Join(os.TempDir(), scratchName+rand.Text()[:12]+locked), flock.SetPermissions(0o600))
		mine, err := lock.TryLock()
		if err != nil {
			return "", err
		}
		if mine { // else somebody swept between its birth and its lock
			s.lock = lock
		}
	}
	dir := strings.TrimSuffix(s.lock.Path(), locked)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return os.MkdirTemp(dir, "")
}

// close removes all that is in it.
func (s *scratch) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock == nil {
		return nil
	}
	lock := s.lock
	s.lock = nil
	return wipe(lock)
}

// wipe removes what lies beside a lock that one has, then the lock.
func wipe(lock *flock.Flock) error {
	err := errors.Join(os.RemoveAll(strings.TrimSuffix(lock.Path(), locked)), lock.Unlock())
	if gone := os.Remove(lock.Path()); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// sweep removes what dead processes have left. What is somebody else's is theirs
// to sweep.
func sweep() {
	locks, _ := filepath.Glob(filepath.Join(os.TempDir(), scratchName+"*"+locked)) // only a bad pattern is an error
	for _, path := range locks {
		lock := flock.New(path, flock.SetPermissions(0o600))
		if ok, err := lock.TryLock(); ok && err == nil {
			_ = wipe(lock)
		}
	}
}
