package report

import (
	"bufio"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"
)

// A set is the four files while they are written: under a name of their own
// until all are complete. They are not synced: a report lost in a power cut is
// written again from the ledger.
type set struct {
	csv, jsonl, html, failed *draft
}

func openSet(root *os.Root, base string) (*set, error) {
	s := &set{}
	for _, f := range []struct {
		to  **draft
		ext string
	}{{&s.csv, ".csv"}, {&s.jsonl, ".jsonl"}, {&s.html, ".html"}, {&s.failed, ".failed.csv"}} {
		d, err := openDraft(root, base+f.ext)
		if err != nil {
			return nil, errors.Join(err, s.discard())
		}
		*f.to = d
	}
	return s, nil
}

func (s *set) drafts() []*draft { return []*draft{s.csv, s.jsonl, s.html, s.failed} }

// keep gives the files their names.
func (s *set) keep() error {
	for _, d := range s.drafts() {
		if err := errors.Join(d.Flush(), d.file.Close()); err != nil {
			return errors.Join(err, s.discard())
		}
	}
	for _, d := range s.drafts() {
		if err := d.root.Rename(d.temp, d.name); err != nil {
			return errors.Join(err, s.discard())
		}
	}
	return nil
}

// discard removes what is left under other names.
func (s *set) discard() error {
	var errs []error
	for _, d := range s.drafts() {
		if d == nil {
			continue
		}
		if err := d.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			errs = append(errs, err)
		}
		if err := d.root.Remove(d.temp); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

type draft struct {
	*bufio.Writer
	root       *os.Root
	file       *os.File
	name, temp string
}

func openDraft(root *os.Root, name string) (*draft, error) {
	if err := sweep(root, name); err != nil {
		return nil, err
	}
	temp := "." + name + "." + rand.Text()[:8]
	f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &draft{Writer: bufio.NewWriterSize(f, 64<<10), root: root, file: f, name: name, temp: temp}, nil
}

// sweep removes what a writer that was killed left behind. Two may write the
// same report (a run and a command), so what is young is left alone.
func sweep(root *os.Root, name string) error {
	dir, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	for _, d := range dir {
		info, err := d.Info()
		if err != nil || !strings.HasPrefix(d.Name(), "."+name+".") || time.Since(info.ModTime()) < time.Hour {
			continue
		}
		if err := root.Remove(d.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
