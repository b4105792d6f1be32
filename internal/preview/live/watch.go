package live

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// quiet is for how long nothing may change before the files are looked at:
// editors and spreadsheets write a file in several steps.
const quiet = 100 * time.Millisecond

// A watch tells when one of some files changes. It watches their folders,
// because editors put a new file in the old one's place.
type watch struct {
	notify  *fsnotify.Watcher
	files   map[string]bool // that count, whether they are there or not
	folders map[string]bool // in which every file counts
	watched map[string]bool // folders that are watched for either
}

func newWatch() (*watch, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	return &watch{notify: notify, watched: map[string]bool{}}, nil
}

func (w *watch) close() { _ = w.notify.Close() } // nothing is lost

// follow makes the watch one for these files and folders.
func (w *watch) follow(paths []string) error {
	w.files, w.folders = map[string]bool{}, map[string]bool{}
	wanted := map[string]bool{}
	for _, path := range paths {
		path, err := filepath.Abs(path)
		if err != nil {
			return fmt.Errorf("watch files: %w", err)
		}
		w.want(path, wanted)
		if real, err := filepath.EvalSymlinks(path); err == nil && real != path {
			w.want(real, wanted)
		}
	}
	for dir := range w.watched {
		if !wanted[dir] {
			delete(w.watched, dir)
			_ = w.notify.Remove(dir) // it may be gone by itself
		}
	}
	for dir := range wanted {
		// A folder that was removed and made anew has to be added anew.
		if err := w.notify.Add(dir); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return fmt.Errorf("watch %s: %w", dir, err)
		}
		w.watched[dir] = true
	}
	return nil
}

// want notes a path, and the folder to watch for it: its own, or the nearest
// that is there.
func (w *watch) want(path string, wanted map[string]bool) {
	if isFolder(path) {
		w.folders[path], wanted[path] = true, true
	}
	for {
		w.files[path] = true
		dir := filepath.Dir(path)
		if isFolder(dir) || dir == path {
			wanted[dir] = true
			return
		}
		path = dir
	}
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// changedSince tells whether a file, or what is in a folder, is younger than a
// time, less the coarseness of file times.
func (w *watch) changedSince(t time.Time) bool {
	t = t.Add(-20 * time.Millisecond)
	for _, paths := range []map[string]bool{w.files, w.watched} {
		for path := range paths {
			if info, err := os.Stat(path); err == nil && info.ModTime().After(t) {
				return true
			}
		}
	}
	return false
}

// next waits until something has changed and then nothing did for a while.
func (w *watch) next(ctx context.Context) error {
	var settled <-chan time.Time // nil: nothing has changed yet
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case event := <-w.notify.Events:
			if w.counts(event) {
				settled = time.After(quiet)
			}
		case err := <-w.notify.Errors:
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				return fmt.Errorf("watch files: %w", err)
			}
			settled = time.After(quiet) // too much happened to be told one by one
		case <-settled:
			return nil
		}
	}
}

func (w *watch) counts(event fsnotify.Event) bool {
	name := filepath.Clean(event.Name)
	if w.files[name] {
		return true
	}
	base := filepath.Base(name)
	passing := strings.HasPrefix(base, ".") || strings.HasSuffix(base, "~") || event.Op == fsnotify.Chmod
	return !passing && w.folders[filepath.Dir(name)]
}
