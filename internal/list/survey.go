package list

import (
	"hash/maphash"
	"iter"
	"slices"

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
	Notes          []Note // slips before what is merely good to know
	DuplicateCount int    // rows whose address stood in a row before
	Duplicates     []Duplicate
	HiddenRows     int
	Sample         Recipient // the first good row; zero if there is none

	slips int // how many of the notes are slips
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

// Survey reads the whole list and counts. It needs at most 16 bytes of memory a
// row, whatever is in it; two addresses are taken for one by chance in a million
// rows with a probability below 10⁻⁷, and only in what is shown. A list that has
// duplicates is read a second time, to tell where they stand.
func (l *List) Survey() (Survey, error) {
	var s Survey
	seen := newCrowd()
	for row, err := range l.chosen() {
		if err != nil {
			return Survey{}, err
		}
		r, ok := l.glance(row)
		if !ok {
			continue
		}
		if s.add(r); r.Fault != nil {
			continue
		}
		if seen.add(Key(r.Address)); s.Good == 1 {
			s.Sample, _ = l.recipient(row)
		}
	}
	if s.DuplicateCount = seen.count(); s.DuplicateCount > 0 {
		return s, l.duplicates(&s, seen)
	}
	return s, nil
}

func (s *Survey) add(r Recipient) {
	s.Rows++
	for _, text := range r.Notes {
		s.note(Note{r.Line, r.Address, text})
		if text.Format == hiddenNote {
			s.HiddenRows++
		}
	}
	if r.Fault == nil {
		s.Good++
		return
	}
	if s.FaultCount++; len(s.Faults) < Shown {
		s.Faults = append(s.Faults, r.Fault)
	}
}

func (s *Survey) note(n Note) {
	s.NoteCount++
	at := len(s.Notes)
	if n.Text.Format == slipNote {
		at = s.slips
		s.slips++
	}
	if at < Shown {
		s.Notes = slices.Insert(s.Notes, at, n)
		s.Notes = s.Notes[:min(len(s.Notes), Shown)]
	}
}

// duplicates names the first of them.
func (l *List) duplicates(s *Survey, seen *crowd) error {
	first := map[uint64]int{}
	for row, err := range l.chosen() {
		if err != nil {
			return err
		}
		r, ok := l.glance(row)
		if !ok || r.Fault != nil {
			continue
		}
		hash := seen.hash(Key(r.Address))
		if !seen.several(hash) {
			continue
		}
		line, known := first[hash]
		if !known {
			first[hash] = r.Line
			continue
		}
		s.Duplicates = append(s.Duplicates, Duplicate{r.Address, r.Line, line})
		if len(s.Duplicates) == Shown {
			return nil
		}
	}
	return nil
}

// Once is Recipients without those whose address stood in a good row before, as
// the survey of the list knows of them: each address gets one mail.
func (l *List) Once(s Survey) iter.Seq2[Recipient, error] {
	if s.DuplicateCount == 0 {
		return l.Recipients()
	}
	return func(yield func(Recipient, error) bool) {
		seed, seen := maphash.MakeSeed(), map[uint64]bool{}
		for r, err := range l.Recipients() {
			if err == nil && r.Fault == nil {
				hash := maphash.String(seed, Key(r.Address))
				if seen[hash] {
					continue
				}
				seen[hash] = true
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// A crowd remembers texts by their hashes, 8 bytes each, in drawers that fill up
// evenly: none has to be copied at once, and each is soon sorted.
type crowd struct {
	seed    maphash.Seed
	drawers [256][]uint64
}

func newCrowd() *crowd { return &crowd{seed: maphash.MakeSeed()} }

func (c *crowd) hash(text string) uint64 { return maphash.String(c.seed, text) }

func (c *crowd) add(text string) {
	hash := c.hash(text)
	c.drawers[hash>>56] = append(c.drawers[hash>>56], hash)
}

// count returns how many texts came that had been there before, and keeps only
// those, each once.
func (c *crowd) count() (again int) {
	for i, drawer := range c.drawers {
		slices.Sort(drawer)
		several := drawer[:0]
		for j, hash := range drawer {
			if j == 0 || drawer[j-1] != hash {
				continue
			}
			again++
			several = append(several, hash)
		}
		c.drawers[i] = slices.Compact(several)
	}
	return again
}

// several reports, once they are counted, whether a text came more than once.
func (c *crowd) several(hash uint64) bool {
	_, found := slices.BinarySearch(c.drawers[hash>>56], hash)
	return found
}
