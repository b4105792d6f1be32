package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"

	"hongyan/internal/archive"
	"hongyan/internal/ledger"
	"hongyan/internal/report"
)

// This file shows what has changed since an issue began: texts line by line,
// the list by its recipients, other files by their fingerprints.

const (
	maxKept  = 256 << 10 // bytes of a text that is kept to be compared
	maxShown = 24        // lines of a difference
	maxNamed = 5         // recipients of each kind
)

// A change is an input of an issue that is not what it was; the fingerprint of
// one that was not there, or is not there any more, is "".
type change struct{ name, before, now string }

func (c change) String() string {
	switch {
	case c.before == "":
		return "  + " + c.name
	case c.now == "":
		return "  - " + c.name
	}
	return fmt.Sprintf("  ~ %s (%.8s → %.8s)", c.name, c.before, c.now)
}

// difference lists the inputs that are not what they were.
func difference(before, now map[string]string) (changes []change) {
	names := maps.Clone(before)
	if names == nil {
		names = map[string]string{}
	}
	maps.Copy(names, now)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if before[name] != now[name] {
			changes = append(changes, change{name, before[name], now[name]})
		}
	}
	return changes
}

// keepTexts archives the texts that the edition is made of, so that a later
// change of them can be shown.
func (e *edition) keepTexts(ctx context.Context, shelf archive.Shelf) error {
	for _, file := range e.sources(e.camp.Attachments) {
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

// describe says in lines what a change consists of, as far as that is known.
func (h *house) describe(ctx context.Context, e *edition, c change) ([]string, error) {
	if c.before == "" || c.now == "" {
		return nil, nil
	}
	if c.name == e.named(e.camp.Recipients.File) {
		return h.listChanges(ctx, e)
	}
	before, err := archive.Kept(ctx, h.store, c.before)
	if errors.Is(err, archive.ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	now, err := readText(filepath.Join(e.camp.Dir, filepath.FromSlash(c.name)))
	if err != nil || now == nil {
		return nil, err
	}
	return h.door.textChanges(before, now), nil
}

// textChanges are the lines that went and came.
func (d *door) textChanges(before, now []byte) (out []string) {
	for line := range strings.Lines(string(diff.Diff("before", before, "now", now))) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(line, "--- before") || strings.HasPrefix(line, "+++ now") || !strings.HasPrefix(line, "-") && !strings.HasPrefix(line, "+") {
			continue
		}
		out = append(out, "      "+report.Printable(line))
	}
	if more := len(out) - maxShown; more > 0 {
		out = append(out[:maxShown], "      "+d.say("… and %d more", more))
	}
	return out
}

// listChanges compares the list with the rows in the ledger: who is new, whose
// fields are others, and how many are gone.
func (h *house) listChanges(ctx context.Context, e *edition) ([]string, error) {
	seed, known := maphash.MakeSeed(), map[uint64]uint64{}
	for entry, err := range h.store.Entries(ctx, e.key, ledger.Filter{}) {
		if err != nil {
			return nil, err
		}
		known[maphash.String(seed, rowName(entry.Line, entry.Address))] = fieldsSum(seed, entry.Fields)
	}
	var fresh, other tallied
	seen := map[uint64]bool{}
	for r, err := range e.list.Recipients() {
		if err != nil {
			return nil, err
		}
		name := maphash.String(seed, rowName(r.Line, r.Address))
		if seen[name] {
			continue // it stands twice
		}
		seen[name] = true
		sum, there := known[name]
		switch {
		case !there:
			fresh.add(r.Line, r.Address)
		case sum != fieldsSum(seed, r.Fields):
			other.add(r.Line, r.Address)
		}
		delete(known, name)
	}
	var out []string
	for _, part := range []struct {
		n        int
		sentence string
	}{{fresh.n, h.door.say("%d new: %s", fresh.n, fresh.names())}, {other.n, h.door.say("%d with other fields (what was entered stays): %s", other.n, other.names())}, {len(known), h.door.say("%d gone", len(known))}} {
		if part.n > 0 {
			out = append(out, "      "+part.sentence)
		}
	}
	return out, nil
}

// departed counts whom the ledger is still to send to and the list does not name
// any more, once what is in doubt is settled as the flag says.
func (h *house) departed(ctx context.Context, e *edition, doubts string) (int, error) {
	seed, open := maphash.MakeSeed(), map[uint64]struct{}{}
	left := ledger.Filter{States: []ledger.State{ledger.Queued, ledger.Deferred}}
	if doubts == "resend" {
		left.States = append(left.States, ledger.InDoubt)
	}
	for entry, err := range h.store.Entries(ctx, e.key, left) {
		if err != nil {
			return 0, err
		}
		open[maphash.String(seed, rowName(entry.Line, entry.Address))] = struct{}{}
	}
	for r, err := range e.list.Recipients() {
		if err != nil {
			return 0, err
		}
		delete(open, maphash.String(seed, rowName(r.Line, r.Address)))
	}
	return len(open), nil
}

// rowName is what makes a row the one it is: its address, or else its line.
func rowName(line int, address string) string {
	if address == "" {
		return fmt.Sprint(line)
	}
	return ledger.Folded(address)
}

func fieldsSum(seed maphash.Seed, fields map[string]string) uint64 {
	text, _ := json.Marshal(fields) // sorted by name; a map of strings is always text
	return maphash.Bytes(seed, text)
}

// A tallied counts rows and names the first of them.
type tallied struct {
	n     int
	first []string
}

func (t *tallied) add(line int, address string) {
	if t.n++; t.n <= maxNamed {
		t.first = append(t.first, ledger.Entry{Line: line, Address: address}.String())
	}
}

func (t *tallied) names() string {
	names := strings.Join(t.first, "; ")
	if t.n > len(t.first) {
		names += " …"
	}
	return names
}
