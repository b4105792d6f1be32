// Package watch keeps an eye on a folder of campaigns while the program runs:
// new and changed files are taken up, and of a faulty one the last good text
// stays.
//
// The room must never open what a campaign names but to see that it is there,
// and never know what campaigns are watched for.
package watch

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"hongyan/internal/campaign"
	"hongyan/internal/fault"
)

// An Entry is one file of the folder.
type Entry struct {
	File   string
	Good   *campaign.Campaign // as it was last read without a fault; nil: never
	Source []byte             // the text of Good
	Faults fault.Faults       // of the file as it is now
}

// A Folder is a folder of campaigns: its files ending in .yaml or .yml, but for
// a config.yaml; not those below. It is safe for concurrent use.
type Folder struct {
	dir string

	mu      sync.Mutex
	entries []Entry         // by file; guarded by mu
	gone    map[string]bool // files that were not there at the last look; owned by Look
}

// New returns a folder that nobody has looked at yet.
func New(dir string) *Folder { return &Folder{dir: dir, gone: map[string]bool{}} }

// Entries returns the files as they were at the last look, by name.
func (f *Folder) Entries() []Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.entries)
}

const (
	// quiet is for how long nothing may change before the folder is looked at:
	// editors write a file in several steps.
	quiet = 100 * time.Millisecond
	// absent is after how long a file that has gone is believed to be: some
	// editors take it away and put a new one in its place.
	absent = time.Second
	// every is how often the folder is looked at though nothing was heard:
	// network file systems tell nobody what another machine writes.
	every = 10 * time.Second
)

// Run looks at the folder now and whenever it changes, until ctx ends, and calls
// changed after each look that found something else than before. A folder that
// is not there is waited for.
func (f *Folder) Run(ctx context.Context, changed func()) error {
	ear, err := fsnotify.NewWatcher()
	if err != nil { // the machine hears no more: looking will do
		ear = &fsnotify.Watcher{}
	} else {
		defer ear.Close()
	}
	look := time.NewTimer(0)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case event := <-ear.Events:
			if isCampaign(event.Name) || event.Op.Has(fsnotify.Rename) {
				look.Reset(quiet)
			}
		case <-ear.Errors: // something was missed
			look.Reset(quiet)
		case <-look.C:
			if err == nil {
				_ = ear.Add(f.dir) // again each time: it may have been made anew
			}
			if f.Look() {
				changed()
			}
			look.Reset(f.patience())
		}
	}
}

// patience is how long the next look may wait.
func (f *Folder) patience() time.Duration {
	if len(f.gone) > 0 {
		return absent
	}
	return every
}

// Look reads the folder and reports whether something is not as it was. It is
// for one goroutine at a time.
func (f *Folder) Look() bool {
	before := f.Entries()
	var now []Entry
	gone := map[string]bool{}
	names := f.files()
	for _, old := range before {
		if !slices.Contains(names, old.File) && !f.gone[old.File] {
			gone[old.File] = true // believed at the next look
			now = append(now, old)
		}
	}
	for _, name := range names {
		i := slices.IndexFunc(before, func(e Entry) bool { return e.File == name })
		old := Entry{File: name}
		if i >= 0 {
			old = before[i]
		}
		now = append(now, old.read())
	}
	slices.SortFunc(now, func(a, b Entry) int { return strings.Compare(a.File, b.File) })
	twins(now)
	f.mu.Lock()
	f.entries, f.gone = now, gone
	f.mu.Unlock()
	return !slices.EqualFunc(before, now, same)
}

func (f *Folder) files() []string {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if isCampaign(e.Name()) {
			out = append(out, filepath.Join(f.dir, e.Name()))
		}
	}
	return out
}

func isCampaign(name string) bool {
	base, ext := filepath.Base(name), filepath.Ext(name)
	return base != "config.yaml" && (ext == ".yaml" || ext == ".yml") && !strings.HasPrefix(base, ".")
}

// read is the entry as its file is now.
func (e Entry) read() Entry {
	e.Faults = nil
	src, err := os.ReadFile(e.File)
	if err != nil {
		if pathError, ok := errors.AsType[*fs.PathError](err); ok {
			err = pathError.Err
		}
		e.Faults = fault.Faults{fault.At(e.File, 0, "the campaign cannot be read: %s", err.Error())}
		return e
	}
	camp, err := campaign.Parse(e.File, src)
	if faults, ok := errors.AsType[fault.Faults](err); ok {
		e.Faults = faults
		return e
	}
	if e.Faults = camp.Check(); len(e.Faults) == 0 {
		e.Good, e.Source = camp, src
	}
	return e
}

// twins finds files whose campaigns have one name: nobody could tell their
// issues apart. The first keeps it.
func twins(entries []Entry) {
	owner := map[string]string{}
	for i, e := range entries {
		if e.Good == nil {
			continue
		}
		first, taken := owner[e.Good.Name]
		if !taken {
			owner[e.Good.Name] = e.File
			continue
		}
		entries[i].Faults = append(slices.Clone(e.Faults),
			fault.At(e.File, e.Good.Lines["name"], "the name %s is that of %s already", e.Good.Name, first))
		entries[i].Good, entries[i].Source = nil, nil
	}
}

func same(a, b Entry) bool {
	return a.File == b.File && bytes.Equal(a.Source, b.Source) && a.Faults.Error() == b.Faults.Error()
}
