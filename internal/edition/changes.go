package edition

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"hongyan/internal/archive"
	"hongyan/internal/edition/change"
)

// Digests are the fingerprints of everything that the issue is made of, by name.
func (e *Edition) Digests() (map[string]string, error) {
	out := map[string]string{e.named(e.Campaign.File): change.Sum(e.written)}
	for name, value := range e.Fresh.Values {
		src, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		out["data:"+name] = change.Sum(src)
	}
	for _, file := range append(e.sources(e.Campaign.Attachments)[1:], e.Campaign.Recipients.File) {
		digest, err := change.Digest(file)
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

// IsList reports whether it is the list that has changed.
func (e *Edition) IsList(c change.Change) bool {
	return c.Before != "" && c.Now != "" && c.Name == e.named(e.Campaign.Recipients.File)
}

// KeepTexts archives the texts that the edition is made of, so that a later
// change of them can be shown.
func (e *Edition) KeepTexts(ctx context.Context, shelf archive.Shelf) error {
	for _, file := range e.sources(e.Campaign.Attachments) {
		text, err := change.Text(file)
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

// Texts is what a changed input said and what it says; nil where that is not known
// or no text.
func (e *Edition) Texts(ctx context.Context, shelf archive.Shelf, c change.Change) (before, now []byte, err error) {
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
	now, err = change.Text(filepath.Join(e.Campaign.Dir, filepath.FromSlash(c.Name)))
	return before, now, err
}
