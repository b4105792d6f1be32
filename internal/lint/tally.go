package lint

import (
	"slices"

	"hongyan/internal/fault"
)

// few is how many findings are told of a place that differ by their values only.
const few = 3

// A Tally gathers what was found in many mails: a slip of the template is told
// once and not once a mail, and so is what a thousand rows have in common. The
// zero Tally is ready; what it keeps depends on the template, not on how many
// mails there are.
type Tally struct {
	mails int
	spots map[spotKey]*spot
	order []*spot
}

// A spotKey is a place and what is wrong there, whatever the values.
type spotKey struct {
	rule, file string
	line       int
	format     string
}

// A spot has what was found at one place.
type spot struct {
	told   []told
	others told // how often it was anything else
}

// A told is a finding and the mails that have it.
type told struct {
	finding            Finding
	text               string
	mails, first, last int
}

func (t *told) seen(row int) {
	if t.mails == 0 {
		t.first = row
	}
	if t.mails == 0 || t.last != row {
		t.mails++
	}
	t.last = row
}

// Add takes what Check found in the mail of a row.
func (t *Tally) Add(row int, found []Finding) {
	t.mails++
	for _, f := range found {
		t.spot(f).add(row, f)
	}
}

func (t *Tally) spot(f Finding) *spot {
	key := spotKey{f.Rule, f.File, f.Line, f.What.Format}
	s := t.spots[key]
	if s == nil {
		if t.spots == nil {
			t.spots = map[spotKey]*spot{}
		}
		s = &spot{}
		t.spots[key], t.order = s, append(t.order, s)
	}
	return s
}

// add counts a finding. The first mail that has any at the spot tells all its own.
func (s *spot) add(row int, f Finding) {
	text := f.What.String()
	i := slices.IndexFunc(s.told, func(t told) bool { return t.text == text })
	if i < 0 && (len(s.told) < few || s.told[0].first == row) {
		i = len(s.told)
		s.told = append(s.told, told{finding: f, text: text})
	}
	if i < 0 {
		s.others.seen(row)
		return
	}
	s.told[i].seen(row)
}

// Findings returns each finding once, in the order in which they came. What
// only some mails have is told with the first row of the list, and stands
// there when it can be found nowhere in the template.
func (t *Tally) Findings(list string) (out []Finding) {
	for _, s := range t.order {
		for _, told := range s.told {
			out = append(out, t.placed(told, list))
		}
		if s.others.mails > 0 {
			rest := s.others
			rest.finding = s.told[0].finding
			rest.finding.What, rest.finding.Hint = fault.Textf("there is more of this kind"), fault.Text{}
			out = append(out, t.placed(rest, list))
		}
	}
	return out
}

func (t *Tally) placed(of told, list string) Finding {
	f, more := of.finding, of.mails-1
	switch {
	case of.mails == t.mails:
	case f.Line == 0 && more == 0:
		f.File, f.Line = list, of.first
	case f.Line == 0:
		f.File, f.Line = list, of.first
		f.What = fault.Textf("%s (and %d more)", f.What, more)
	case more == 0:
		f.What = fault.Textf("%s (line %d of the list)", f.What, of.first)
	default:
		f.What = fault.Textf("%s (line %d of the list, and %d more)", f.What, of.first, more)
	}
	return f
}
