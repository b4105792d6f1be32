package message

import (
	"container/list"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// maxFiles is the most bytes of files in one mail, before encoding: providers
// take mails of 25 to 50 MB.
const maxFiles = 50 << 20

// What Files keeps ready. A file asked for twice goes to many and is kept; one
// asked for once is probably one person's own.
const (
	keptOnce  = 32        // files asked for once
	keptBytes = 128 << 20 // of all, encoded
)

// Files opens what letters attach: regular files below one folder, through
// os.Root, so that no name from a list leads out of it. What was read is kept
// encoded: a file that goes to everybody is read and encoded once a run, one
// person's own makes place for the next. Safe for concurrent use.
type Files struct {
	root *os.Root // nil: nothing can be attached
	dir  string

	mu   sync.Mutex
	kept map[string]*list.Element // of *file
	used list.List                // latest first
}

// file is one file, read and encoded by the first who asks.
type file struct {
	key  string
	uses int  // under the lock of Files
	read bool // under the lock of Files

	once    sync.Once
	encoded []byte // base64 in lines of 76, the last without line end
	size    int    // before encoding
	err     error
}

// NewFiles opens the folder that attachments may come from.
func NewFiles(dir string) (*Files, error) {
	full, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(full)
	if err != nil {
		return nil, err
	}
	return &Files{root: root, dir: full, kept: map[string]*list.Element{}}, nil
}

// noFiles can hold images only.
func noFiles() *Files { return &Files{kept: map[string]*list.Element{}} }

// Close closes the folder; mails that were composed stay whole.
func (f *Files) Close() error {
	if f.root == nil {
		return nil
	}
	return f.root.Close()
}

// attached returns a file by its name below the folder.
func (f *Files) attached(name string) (*file, error) {
	part := "attachment " + name
	local, err := f.local(part, name)
	if err != nil {
		return nil, err
	}
	return f.get(part, local, f.root)
}

// Fits reports whether a mail may have the file of this name, unread.
func (f *Files) Fits(name string) error {
	part := "attachment " + name
	local, err := f.local(part, name)
	if err == nil {
		_, err = fits(part, local, f.root)
	}
	return err
}

// local is a name as the folder's root takes it.
func (f *Files) local(part, name string) (string, error) {
	if f.root == nil {
		return "", unfit(part, "there is no folder to take it from")
	}
	local := name
	if filepath.IsAbs(name) {
		rel, err := filepath.Rel(f.dir, name)
		if err != nil {
			return "", unfit(part, "lies outside %s", f.dir)
		}
		local = rel
	}
	if local = filepath.FromSlash(local); !filepath.IsLocal(local) {
		return "", unfit(part, "lies outside %s", f.dir)
	}
	return local, nil
}

// image returns a file of the template by its absolute path. The path comes
// from the template, never from the list.
func (f *Files) image(path string) (*file, error) {
	return f.get("image "+path, path, system{})
}

// folder is what both kinds of files are opened from.
type folder interface {
	Stat(name string) (fs.FileInfo, error)
	Open(name string) (*os.File, error)
}

type system struct{}

func (system) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }
func (system) Open(name string) (*os.File, error)    { return os.Open(name) }

func (f *Files) get(part, name string, from folder) (*file, error) {
	one := f.entry(name)
	one.once.Do(func() {
		one.size, one.encoded, one.err = read(part, name, from)
		f.settle(one)
	})
	return one, one.err
}

func (f *Files) entry(key string) *file {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e, ok := f.kept[key]; ok {
		f.used.MoveToFront(e)
		one := e.Value.(*file)
		one.uses++
		return one
	}
	one := &file{key: key, uses: 1}
	f.kept[key] = f.used.PushFront(one)
	return one
}

// settle makes room for a file that was read, or forgets it if that failed.
func (f *Files) settle(one *file) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one.err != nil {
		f.forget(f.kept[one.key])
		return
	}
	one.read = true
	once, total := 0, 0
	for e := f.used.Front(); e != nil; {
		each, next := e.Value.(*file), e.Next()
		if each.read { // one that is not is being read: it settles itself
			total += len(each.encoded)
			if each.uses == 1 {
				once++
			}
			if each != one && (total > keptBytes || each.uses == 1 && once > keptOnce) {
				f.forget(e)
				total -= len(each.encoded)
			}
		}
		e = next
	}
}

func (f *Files) forget(e *list.Element) {
	delete(f.kept, e.Value.(*file).key)
	f.used.Remove(e)
}

// fits finds a regular file of at most maxFiles bytes.
func fits(part, name string, from folder) (fs.FileInfo, error) {
	info, err := from.Stat(name) // before Open, which waits at a named pipe
	switch {
	case err != nil:
		return nil, &Unfit{Part: part, Why: "cannot be opened", Err: cause(err)}
	case !info.Mode().IsRegular():
		return nil, unfit(part, "is not a regular file")
	case info.Size() > maxFiles:
		return nil, unfit(part, "has %d MB, more than a mail may have (%d MB)", info.Size()>>20, maxFiles>>20)
	}
	return info, nil
}

// read reads and encodes a file that fits.
func read(part, name string, from folder) (size int, encoded []byte, err error) {
	info, err := fits(part, name, from)
	if err != nil {
		return 0, nil, err
	}
	file, err := from.Open(name)
	if err != nil {
		return 0, nil, &Unfit{Part: part, Why: "cannot be opened", Err: cause(err)}
	}
	defer file.Close()
	content := make([]byte, info.Size(), info.Size()+1)
	if _, err := io.ReadFull(file, content); err != nil {
		return 0, nil, &Unfit{Part: part, Why: "cannot be read", Err: cause(err)}
	}
	if n, _ := file.Read(content[len(content):cap(content)]); n > 0 {
		return 0, nil, unfit(part, "grew while it was read")
	}
	return len(content), appendBase64(nil, content), nil
}

// cause is the file system's word without the path, which is said already.
func cause(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}
