package edition

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"hongyan/internal/archive"
	"hongyan/internal/campaign"
	"hongyan/internal/ledger"
	"hongyan/internal/render"
)

// Pack freezes the files that the edition is made of, the list aside, whose
// rows are in the ledger.
func (e *Edition) Pack(ctx context.Context, shelf archive.Shelf) error {
	files, err := e.everyFile(ctx)
	if err != nil {
		return err
	}
	m := archive.Manifest{Columns: e.List.Columns(), Theme: e.settings.Theme, Parcels: e.parcels}
	folders := []folder{{e.library(), &m.Templates}}
	if len(e.Campaign.Carried()) > 0 {
		folders = append(folders, folder{e.Campaign.AttachmentsRoot, &m.Attachments})
	}
	root, err := lay(&m, files, folders)
	if err != nil {
		return err
	}
	defer root.Close()
	_, err = archive.Pack(ctx, shelf, e.Key.String(), root, m)
	return err
}

// A folder is one that an edition takes files from, and where the manifest says so.
type folder struct {
	path string // "": it has none
	said *string
}

// lay names files, the campaign first, and folders in a manifest, and opens what
// holds them all.
func lay(m *archive.Manifest, files []string, folders []folder) (*os.Root, error) {
	folders = slices.DeleteFunc(folders, func(f folder) bool { return f.path == "" })
	paths := slices.Clone(files)
	for _, f := range folders {
		abs, err := filepath.Abs(f.path)
		if err != nil {
			return nil, err
		}
		paths = append(paths, abs)
	}
	common, names := archive.Common(paths)
	m.Campaign = names[0]
	for _, name := range names[:len(files)] {
		m.Files = append(m.Files, archive.File{Name: name})
	}
	for i, f := range folders {
		*f.said = names[len(files)+i]
	}
	return os.OpenRoot(common)
}

// everyFile lists the files of all mails, by absolute path, the campaign first.
func (e *Edition) everyFile(ctx context.Context) ([]string, error) {
	files := e.sources(e.Campaign.Carried())
	if slices.ContainsFunc(e.Campaign.Carried(), campaign.Attachment.Templated) {
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
		if exists(abs) { // what is not there ships with the program
			out = append(out, abs)
		}
	}
	return out, nil
}

// ownFiles are the attachments of single recipients. Which files those are the
// list says, so they are only what a mail may have; a row with any other will be
// skipped, and its file stays here.
func (e *Edition) ownFiles(ctx context.Context) ([]string, error) {
	own := map[string]bool{}
	for r, err := range e.List.Recipients() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		for i, a := range e.Campaign.Carried() {
			file, err := e.attachments[i].File.Render(r.Fields)
			if a.Templated() && err == nil && e.files.Fits(file) == nil {
				own[filepath.Join(e.Campaign.AttachmentsRoot, filepath.FromSlash(file))] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(own)), nil
}

// Thaw has an issue as it was packed, in an empty folder that is its own: all that
// makes mails of the ledger's entries, and no list. The theme is the issue's.
func Thaw(ctx context.Context, shelf archive.Shelf, k ledger.Key, dir string, s Settings) (*Edition, error) {
	m, err := archive.Read(ctx, shelf, k.String())
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
	s.Theme = m.Theme
	e := &Edition{Campaign: camp, Key: k, settings: s, written: src, parcels: m.Parcels}
	if err := e.takeFrozen(ctx, shelf); err != nil {
		return nil, err
	}
	library := ""
	if m.Templates != "" {
		library = filepath.Join(dir, filepath.FromSlash(m.Templates))
	}
	if m.Attachments != "" {
		camp.AttachmentsRoot = filepath.Join(dir, filepath.FromSlash(m.Attachments))
	}
	if err := e.thaw(m.Columns, library); err != nil {
		return nil, fmt.Errorf("archived issue %s: %w", k, err)
	}
	return e, nil
}

// thaw reads what read reads, without the list, and layouts from what was packed:
// this machine's own are not the issue's.
func (e *Edition) thaw(columns []string, library string) error {
	names := e.names(columns)
	source := e.source(names)
	source.Root = library
	var err error
	if e.Template, err = render.Parse(source); err != nil {
		return err
	}
	if err := e.readLines(names); err != nil {
		return err
	}
	return e.openFiles()
}
