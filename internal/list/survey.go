package list

import (
	"hash/maphash"
	"math"

	"hongyan/internal/fault"
)

// Shown is how many faults, notes and duplicates a survey names; it counts all.
const Shown = 100

// Survey is what a whole list holds.
type Survey struct {
	Rows           int // chosen rows: Good and faulty ones
	Good           int // rows that can become a mail; duplicates are among them
	FaultCount     int
	Faults         []*fault.Fault
	NoteCount      int
	Notes          []Note
	DuplicateCount int // rows whose address stood in a row before
	Duplicates     []Duplicate
	HiddenRows     int
	Sample         Recipient // the first good row; zero if there is none
}

// Note is something to know about a row that is good.
type Note struct {
	Line    int
	Address string
	Text    fault.Text
}

// Duplicate is a row whose address stood in the row First already.
type Duplicate struct {
	Address     string
	Line, First int
}

// Survey reads the whole list and counts. It needs at most 32 bytes of memory a
// row, whatever is in it; two addresses are taken for one by chance in a million
// rows with a probability below 10⁻⁷, and only in what is shown.
func (l *List) Survey() (Survey, error) {
	var s Survey
	seen := newLines()
	for r, err := range l.Recipients() {
		if err != nil {
			return Survey{}, err
		}
		s.add(r, seen)
	}
	return s, nil
}

func (s *Survey) add(r Recipient, seen *lines) {
	s.Rows++
	for _, text := range r.Notes {
		if s.NoteCount++; len(s.Notes) < Shown {
			s.Notes = append(s.Notes, Note{r.Line, r.Address, text})
		}
		if text.Format == hiddenNote {
			s.HiddenRows++
		}
	}
	if r.Fault != nil {
		if s.FaultCount++; len(s.Faults) < Shown {
			s.Faults = append(s.Faults, r.Fault)
		}
		return
	}
	if s.Good++; s.Good == 1 {
		s.Sample = r
	}
	if first := seen.add(Key(r.Address), r.Line); first != 0 {
		if s.DuplicateCount++; len(s.Duplicates) < Shown {
			s.Duplicates = append(s.Duplicates, Duplicate{r.Address, r.Line, first})
		}
	}
}

// lines remembers on which line a text stood first, by its hash: a table with
// open addressing that is at most three quarters full, 12 bytes a place.
type lines struct {
	seed   maphash.Seed
	hashes []uint64 // 0: free
	first  []uint32
	used   int
}

func newLines() *lines {
	return &lines{seed: maphash.MakeSeed(), hashes: make([]uint64, 1024), first: make([]uint32, 1024)}
}

// add returns the line on which the text stood first, 0 if it is new.
func (t *lines) add(text string, line int) int {
	if t.used >= len(t.hashes)/4*3 {
		t.grow()
	}
	hash := max(maphash.String(t.seed, text), 1)
	at := t.find(hash)
	if t.hashes[at] == hash {
		return int(t.first[at])
	}
	t.used++
	t.hashes[at], t.first[at] = hash, uint32(min(line, math.MaxUint32)) //nolint:gosec // bounded
	return 0
}

// find returns the place of a hash, or the free one where it belongs.
func (t *lines) find(hash uint64) int {
	mask := uint64(len(t.hashes) - 1)
	at := hash & mask
	for t.hashes[at] != 0 && t.hashes[at] != hash {
		at = (at + 1) & mask
	}
	return int(at) //nolint:gosec // an index of a slice
}

func (t *lines) grow() {
	hashes, first := t.hashes, t.first
	t.hashes, t.first = make([]uint64, 2*len(hashes)), make([]uint32, 2*len(first))
	for i, hash := range hashes {
		if hash != 0 {
			at := t.find(hash)
			t.hashes[at], t.first[at] = hash, first[i]
		}
	}
}
