// Package archive freezes the files that an issue is made of, so that machines
// without a disk in common make the very same mails: each file lies compressed
// under the hash of its contents, once for all issues, and a manifest says which
// files an issue has and where they stood. Both lie on shelves of the ledger.
//
// The room must never know what the files mean.
package archive

import (
	"bytes"
	"cmp"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A Shelf keeps papers; a ledger has one. See ledger.Shelf.
type Shelf interface {
	Put(ctx context.Context, shelf, name string, body []byte) error
	PutNew(ctx context.Context, shelf, name string, body []byte) (bool, error)
	Paper(ctx context.Context, shelf, name string) ([]byte, error)
}

// The shelves of an archive.
const (
	manifests = "manifest" // issue → Manifest
	files     = "file"     // sha256 in hex → compressed contents
)

// What one issue may bring along, in bytes before compression.
const (
	MaxFile = 64 << 20
	MaxAll  = 1 << 30
)

// A Manifest is what an issue is made of. All paths are slash-separated and
// relative to one folder, which holds them all.
type Manifest struct {
	Campaign    string            // the campaign file
	Templates   string            // the folder of layouts and partials; "" if there is none
	Attachments string            // the folder that attachments come from; "" if there are none
	Columns     []string          // of the list
	Theme       map[string]string // of the configuration
	Parcels     map[string]string // attachments that lie in a storage: file → key
	Files       []File            // by name
}

// A File is one file as it was frozen.
type File struct {
	Name string
	Sum  string // sha256 in hex
	Size int64  // bytes
}

// ErrNone means that nothing was frozen under that name.
var ErrNone = errors.New("nothing is archived")

// An Excess is a file, or all of an issue's, that is too large to be archived.
type Excess struct {
	File string // "" for all together
	Size int64
}

func (e *Excess) Error() string {
	if e.File == "" {
		return fmt.Sprintf("the issue's files are %d MiB, more than the %d MiB that can be archived", e.Size>>20, MaxAll>>20)
	}
	return fmt.Sprintf("%s is %d MiB, more than the %d MiB that can be archived", e.File, e.Size>>20, MaxFile>>20)
}

// Pack freezes an issue: the files that m names, read from the folder root, and
// then m itself under name. What is there already is not written again. Files
// come back with sum and size. An earlier manifest of that name is replaced.
func Pack(ctx context.Context, shelf Shelf, name string, root *os.Root, m Manifest) (Manifest, error) {
	slices.SortFunc(m.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	m.Files = slices.CompactFunc(m.Files, func(a, b File) bool { return a.Name == b.Name })
	var all int64
	for i := range m.Files {
		if err := pack(ctx, shelf, root, &m.Files[i]); err != nil {
			return m, err
		}
		if all += m.Files[i].Size; all > MaxAll {
			return m, &Excess{Size: all}
		}
	}
	body, err := json.Marshal(m)
	if err != nil {
		return m, err
	}
	return m, shelf.Put(ctx, manifests, name, body)
}

func pack(ctx context.Context, shelf Shelf, root *os.Root, f *File) error {
	name := filepath.FromSlash(f.Name)
	info, err := root.Stat(name) // before Open, which waits at a named pipe
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file", f.Name)
	case info.Size() > MaxFile:
		return &Excess{File: f.Name, Size: info.Size()}
	}
	file, err := root.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, MaxFile))
	if err != nil {
		return err
	}
	f.Size = int64(len(data))
	f.Sum, err = Keep(ctx, shelf, data)
	return err
}

// Keep archives the contents of one file, under the sum that it returns.
func Keep(ctx context.Context, shelf Shelf, data []byte) (sum string, err error) {
	body, err := compress(data)
	if err != nil {
		return "", err
	}
	hashed := sha256.Sum256(data)
	sum = hex.EncodeToString(hashed[:])
	_, err = shelf.PutNew(ctx, files, sum, body)
	return sum, err
}

// Stamp tells one packing of an issue from another; nil if it was never packed.
func Stamp(ctx context.Context, shelf Shelf, name string) ([]byte, error) {
	return shelf.Paper(ctx, manifests, name)
}

// Read returns the manifest of an issue; [ErrNone] if there is none.
func Read(ctx context.Context, shelf Shelf, name string) (m Manifest, err error) {
	body, err := Stamp(ctx, shelf, name)
	if err != nil {
		return m, err
	}
	if body == nil {
		return m, fmt.Errorf("%s: %w", name, ErrNone)
	}
	return m, json.Unmarshal(body, &m)
}

// Unpack writes the files and folders of a manifest below the folder dir, which
// must be empty. A file that is not what it was is an error, and nobody is to use the folder.
func Unpack(ctx context.Context, shelf Shelf, m Manifest, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range m.Files {
		if err := unpack(ctx, shelf, root, f); err != nil {
			return fmt.Errorf("archived %s: %w", f.Name, err)
		}
	}
	for _, folder := range []string{m.Templates, m.Attachments} { // there also when nothing came from them
		if err := root.MkdirAll(filepath.FromSlash(cmp.Or(folder, ".")), 0o700); err != nil {
			return err
		}
	}
	return nil
}

func unpack(ctx context.Context, shelf Shelf, root *os.Root, f File) error {
	data, err := Kept(ctx, shelf, f.Sum)
	if err != nil {
		return err
	}
	name := filepath.FromSlash(f.Name)
	if err := root.MkdirAll(filepath.FromSlash(path.Dir(f.Name)), 0o700); err != nil {
		return err
	}
	return root.WriteFile(name, data, 0o600)
}

// Kept returns the contents that were archived under a sum; [ErrNone] if there are none.
func Kept(ctx context.Context, shelf Shelf, sum string) ([]byte, error) {
	body, err := shelf.Paper(ctx, files, sum)
	if err != nil {
		return nil, err
	}
	if body == nil {
		return nil, ErrNone
	}
	data, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(body)), MaxFile+1))
	if err != nil {
		return nil, err
	}
	if hashed := sha256.Sum256(data); hex.EncodeToString(hashed[:]) != sum {
		return nil, errors.New("it is not what it was")
	}
	return data, nil
}

func compress(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

// Common returns the deepest folder that holds all paths, which must be
// absolute, and the paths as seen from there, slash-separated.
func Common(paths []string) (folder string, names []string) {
	if len(paths) == 0 {
		return "", nil
	}
	folder = filepath.Dir(paths[0])
	for _, p := range paths[1:] {
		for !within(folder, p) && folder != filepath.Dir(folder) {
			folder = filepath.Dir(folder)
		}
	}
	for _, p := range paths {
		name, err := filepath.Rel(folder, p)
		if err != nil {
			name = p // another volume: it cannot be opened below folder, and its opener says so
		}
		names = append(names, filepath.ToSlash(name))
	}
	return folder, names
}

func within(folder, path string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rel)
}
