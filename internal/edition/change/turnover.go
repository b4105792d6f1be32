package change

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
	"iter"
	"strings"

	"hongyan/internal/list"

	"hongyan/internal/ledger"
)

// A Turnover is how the list differs from the rows in the ledger.
type Turnover struct {
	New, Other Some // who is not in the ledger, and whose fields are others there
	Gone       int  // who is not on the list any more
}

// Rows compares a list with the entries.
func Rows(l *list.List, entries iter.Seq2[ledger.Entry, error]) (t Turnover, err error) {
	seed, known := maphash.MakeSeed(), map[uint64]uint64{}
	for entry, err := range entries {
		if err != nil {
			return t, err
		}
		known[maphash.String(seed, rowName(entry.Line, entry.Address))] = fieldsSum(seed, entry.Fields)
	}
	seen := map[uint64]bool{}
	for r, err := range l.Recipients() {
		if err != nil {
			return t, err
		}
		name := maphash.String(seed, rowName(r.Line, r.Address))
		if seen[name] {
			continue // it stands twice
		}
		seen[name] = true
		sum, there := known[name]
		switch {
		case !there:
			t.New.add(r.Line, r.Address)
		case sum != fieldsSum(seed, r.Fields):
			t.Other.add(r.Line, r.Address)
		}
		delete(known, name)
	}
	t.Gone = len(known)
	return t, nil
}

// Departed counts the entries that a list does not name any more.
func Departed(l *list.List, entries iter.Seq2[ledger.Entry, error]) (int, error) {
	seed, open := maphash.MakeSeed(), map[uint64]struct{}{}
	for entry, err := range entries {
		if err != nil {
			return 0, err
		}
		open[maphash.String(seed, rowName(entry.Line, entry.Address))] = struct{}{}
	}
	for r, err := range l.Recipients() {
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

// Some are rows of which the first are known by name.
type Some struct {
	N     int
	first []string
}

// maxNamed is how many are.
const maxNamed = 5

func (s *Some) add(line int, address string) {
	if s.N++; s.N <= maxNamed {
		s.first = append(s.first, ledger.Entry{Line: line, Address: address}.String())
	}
}

// String names them.
func (s Some) String() string {
	names := strings.Join(s.first, "; ")
	if s.N > len(s.first) {
		names += " …"
	}
	return names
}
