package edition

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"hongyan/internal/archive"
	"hongyan/internal/campaign"
	"hongyan/internal/edition/fresh"
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
	if e.Fresh, err = fresh.Thaw(ctx, camp, k.Issue, shelf); err != nil {
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
