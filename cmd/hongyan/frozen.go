package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"hongyan/internal/archive"
	"hongyan/internal/campaign"
	"hongyan/internal/config"
	"hongyan/internal/ledger"
	"hongyan/internal/message"
	"hongyan/internal/render"
)

// pack freezes the files that the edition is made of, the list aside, whose
// rows are in the ledger.
func (e *edition) pack(ctx context.Context, shelf archive.Shelf) error {
	files, err := e.everyFile(ctx)
	if err != nil {
		return err
	}
	library := e.templates()
	paths := slices.Clone(files)
	if library != "" {
		library, err = filepath.Abs(library)
		paths = append(paths, library)
	}
	if err != nil {
		return err
	}
	folder, names := archive.Common(paths)
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	m := archive.Manifest{Campaign: names[0], Columns: e.list.Columns(), Theme: e.conf.Theme, Parcels: e.parcels}
	if library != "" {
		m.Templates = names[len(files)]
	}
	for _, name := range names[:len(files)] {
		m.Files = append(m.Files, archive.File{Name: name})
	}
	_, err = archive.Pack(ctx, shelf, e.key.String(), root, m)
	return err
}

// everyFile lists the files of all mails, by absolute path, the campaign first.
func (e *edition) everyFile(ctx context.Context) ([]string, error) {
	files := e.sources(e.camp.Carried())
	if slices.ContainsFunc(e.camp.Carried(), campaign.Attachment.Templated) {
		own, err := e.ownFiles(ctx)
		if err != nil {
			return nil, err
		}
		files = append(files, own...)
	}
	var out []string
	for _, file := range files {
		abs, err := filepath.Abs(file)
		if err != nil {
			return nil, err
		}
		if exists(abs) { // what is not there ships with the program, or its row will be skipped
			out = append(out, abs)
		}
	}
	return out, nil
}

// ownFiles are the attachments of single recipients. A row whose attachment
// cannot be named brings none.
func (e *edition) ownFiles(ctx context.Context) ([]string, error) {
	own := map[string]bool{}
	for r, err := range e.list.Recipients() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		for i, a := range e.camp.Carried() {
			if file, err := e.attachments[i].File.Render(r.Fields); a.Templated() && err == nil {
				own[filepath.Join(e.camp.AttachmentsRoot, filepath.FromSlash(file))] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(own)), nil
}

// openFrozen opens an issue as it was packed, in an empty folder of its own. It
// has everything to make mails of the ledger's entries, and no list.
func (d *door) openFrozen(ctx context.Context, conf *config.Config, shelf archive.Shelf, key ledger.Key, dir string) (*edition, error) {
	m, err := archive.Read(ctx, shelf, key.String())
	if err != nil {
		return nil, err
	}
	if err := archive.Unpack(ctx, shelf, m, dir); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, filepath.FromSlash(m.Campaign))
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	camp, err := campaign.Parse(file, src)
	if err != nil {
		return nil, err
	}
	themed := *conf
	themed.Theme = m.Theme
	e := &edition{conf: &themed, camp: camp, key: key, written: src, parcels: m.Parcels}
	if err := e.takeFrozen(ctx, shelf); err != nil {
		return nil, err
	}
	if m.Templates != "" {
		e.library = filepath.Join(dir, filepath.FromSlash(m.Templates))
	}
	if err := e.thaw(m.Columns); err != nil {
		return nil, fmt.Errorf("archived issue %s: %w", key, err)
	}
	return e, nil
}

// thaw reads what read reads, without the list.
func (e *edition) thaw(columns []string) error {
	faults := e.chooseAccounts()
	names := e.names(columns)
	var err error
	if e.template, err = render.Parse(e.source(names)); err != nil {
		return errors.Join(faults.Err(), err)
	}
	if err := errors.Join(faults.Err(), e.readLines(names)); err != nil {
		return err
	}
	if len(e.camp.Carried()) > 0 {
		e.files, err = message.NewFiles(e.camp.AttachmentsRoot)
	}
	return err
}

// A thawed issue is one as it was packed, in a folder of its own.
type thawed struct {
	*edition
	dir string
}

func (h *house) thaw(ctx context.Context, shelf archive.Shelf, k ledger.Key) (*thawed, error) {
	dir, err := os.MkdirTemp("", "hongyan-issue-")
	if err != nil {
		return nil, err
	}
	e, err := h.door.openFrozen(ctx, h.conf, shelf, k, dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &thawed{e, dir}, nil
}

func (t *thawed) close() error {
	t.edition.close()
	return os.RemoveAll(t.dir)
}
