package edition

import (
	"cmp"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"hongyan/internal/campaign"
)

// named is a file as seen from the campaign's folder, wherever that lies.
func (e *Edition) named(file string) string {
	dir, err := filepath.Abs(e.Campaign.Dir)
	if err != nil {
		return file
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return file
	}
	rel, err := filepath.Rel(dir, abs)
	if err != nil {
		return file
	}
	return filepath.ToSlash(rel)
}

// sources are the files that all mails are made of, the campaign first, the list
// aside, with those of some attachments.
func (e *Edition) sources(attachments []campaign.Attachment) []string {
	files := append([]string{e.Campaign.File}, e.Template.Files()...)
	for _, a := range attachments {
		if !a.Templated() {
			files = append(files, filepath.Join(e.Campaign.AttachmentsRoot, a.File))
		}
	}
	return files
}

// Files are all files and folders whose change may change the mails.
func (e *Edition) Files() []string {
	return append(e.Template.Files(), Files(e.Campaign, e.settings)...)
}

// Files are those that a campaign names, whether or not they are there.
func Files(camp *campaign.Campaign, s Settings) []string {
	out := []string{camp.Recipients.File, camp.Template}
	for _, source := range camp.Data {
		if !source.Online() {
			out = append(out, cmp.Or(source.From, camp.File))
		}
	}
	if strings.ContainsAny(camp.Layout, `/\`) || strings.HasSuffix(camp.Layout, ".html") {
		out = append(out, camp.Layout)
	}
	for _, a := range camp.Attachments {
		file := filepath.Join(camp.AttachmentsRoot, a.File)
		if fixed, _, templated := strings.Cut(file, "{{"); templated {
			file = filepath.Dir(fixed)
		}
		out = append(out, file)
	}
	for _, root := range libraries(camp, s) {
		out = append(out, filepath.Join(root, "layouts"), filepath.Join(root, "partials"))
	}
	return out
}

// Authored is all that the author wrote: a link that stands in it is the same for
// everybody.
func (e *Edition) Authored() string {
	var b strings.Builder
	for _, file := range append([]string{e.Campaign.File}, e.Template.Files()...) {
		if src, err := os.ReadFile(file); err == nil && utf8.Valid(src) {
			b.Write(src)
			b.WriteByte('\n')
		}
	}
	b.WriteString(e.Fresh.Text())
	for _, value := range e.settings.Theme {
		b.WriteString(value + "\n")
	}
	return b.String()
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
