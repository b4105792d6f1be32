package edition

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"hongyan/internal/archive"
	"hongyan/internal/campaign"
	"hongyan/internal/ledger"
)

// A Change is an input of an issue that is not what it was; the fingerprint of
// one that was not there, or is not there any more, is "".
type Change struct{ Name, Before, Now string }

func (c Change) String() string {
	switch {
	case c.Before == "":
		return "  + " + c.Name
	case c.Now == "":
		return "  - " + c.Name
	}
	return fmt.Sprintf("  ~ %s (%.8s → %.8s)", c.Name, c.Before, c.Now)
}

// Difference lists the inputs that are not what they were, by their digests.
func Difference(before, now map[string]string) (changes []Change) {
	names := maps.Clone(before)
	if names == nil {
		names = map[string]string{}
	}
	maps.Copy(names, now)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if before[name] != now[name] {
			changes = append(changes, Change{name, before[name], now[name]})
		}
	}
	return changes
}

// Digests are the fingerprints of everything that the issue is made of, by name.
func (e *Edition) Digests() (map[string]string, error) {
	out := map[string]string{e.named(e.Campaign.File): sum(e.written)}
	for name, value := range e.fresh.Values {
		src, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		out["data:"+name] = sum(src)
	}
	for _, file := range append(e.sources(e.Campaign.Attachments)[1:], e.Campaign.Recipients.File) {
		digest, err := digest(file)
		if errors.Is(err, os.ErrNotExist) {
			continue // part of the program, not of the user's files
		}
		if err != nil {
			return nil, err
		}
		out[e.named(file)] = digest
	}
	return out, nil
}

func sum(src []byte) string {
	sum := sha256.Sum256(src)
	return hex.EncodeToString(sum[:])
}

func digest(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read %s: %w", file, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

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

// Freeze keeps what the mails are made of beside files and list, when the issue is
// about to begin: data as they were read, and what the mails link to. key is the
// ledger's. It may be done again.
func (e *Edition) Freeze(ctx context.Context, shelf ledger.Shelf, key []byte) error {
	return errors.Join(e.freezeData(ctx, shelf), e.leaveParcels(ctx, key))
}

// IsList reports whether it is the list that has changed.
func (e *Edition) IsList(c Change) bool {
	return c.Before != "" && c.Now != "" && c.Name == e.named(e.Campaign.Recipients.File)
}

// KeepTexts archives the texts that the edition is made of, so that a later
// change of them can be shown.
func (e *Edition) KeepTexts(ctx context.Context, shelf archive.Shelf) error {
	for _, file := range e.sources(e.Campaign.Attachments) {
		text, err := readText(file)
		if err != nil {
			return err
		}
		if text == nil {
			continue
		}
		if _, err := archive.Keep(ctx, shelf, text); err != nil {
			return err
		}
	}
	return nil
}

// maxKept is how many bytes a text may have that is kept to be compared.
const maxKept = 256 << 10

// readText reads a file that people read; of any other, and of none, it returns nil.
func readText(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() > maxKept {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil || !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return nil, err
	}
	return text, nil
}

// Texts is what a changed input said and what it says; nil where that is not known
// or no text.
func (e *Edition) Texts(ctx context.Context, shelf archive.Shelf, c Change) (before, now []byte, err error) {
	if c.Before == "" || c.Now == "" {
		return nil, nil, nil
	}
	before, err = archive.Kept(ctx, shelf, c.Before)
	if errors.Is(err, archive.ErrNone) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	now, err = readText(filepath.Join(e.Campaign.Dir, filepath.FromSlash(c.Name)))
	return before, now, err
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
	b.WriteString(e.fresh.text())
	for _, value := range e.settings.Theme {
		b.WriteString(value + "\n")
	}
	return b.String()
}
