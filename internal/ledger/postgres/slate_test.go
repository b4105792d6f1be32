package postgres

import (
	"testing"
	"time"
)

func TestTheSlateClearsOnlyWhatItKnows(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	soon, late := begun.Add(moment-1), begun.Add(moment)
	at := func(s *slate, begun time.Time, revision int64, nobody bool, clean ...string) {
		c, _ := s.begin(begun)
		c.revision, c.nobody, c.clean = revision, nobody, clean
		s.note(c)
	}
	learn := func(s *slate, revision int64, nobody bool, clean ...string) { at(s, begun, revision, nobody, clean...) }
	for name, c := range map[string]struct {
		do      func(s *slate)
		address string
		at      time.Time
		clears  bool
	}{
		"nothing is known":               {func(*slate) {}, "li@x", soon, false},
		"it was looked up":               {func(s *slate) { learn(s, 1, false, "li@x") }, "li@x", soon, true},
		"it was not":                     {func(s *slate) { learn(s, 1, false, "li@x") }, "wang@x", soon, false},
		"that was a moment ago":          {func(s *slate) { learn(s, 1, false, "li@x") }, "li@x", late, false},
		"nobody is suppressed":           {func(s *slate) { learn(s, 1, true) }, "li@x", soon, true},
		"nobody was, a moment ago":       {func(s *slate) { learn(s, 1, true) }, "li@x", late, false},
		"another lane has looked up too": {func(s *slate) { learn(s, 1, false, "li@x"); learn(s, 1, false, "wang@x") }, "li@x", soon, true},
		"somebody has changed them":      {func(s *slate) { learn(s, 1, false, "li@x"); learn(s, 2, false) }, "li@x", soon, false},
		"there is somebody by now":       {func(s *slate) { learn(s, 1, true); learn(s, 2, false) }, "li@x", soon, false},
		"this process has changed them":  {func(s *slate) { learn(s, 1, false, "li@x"); s.changed() }, "li@x", soon, false},
		"it changed them while it was looked up": {func(s *slate) {
			c, _ := s.begin(begun)
			c.revision, c.clean = 1, []string{"li@x"}
			s.changed()
			s.note(c)
		}, "li@x", soon, false},
		"it was not asked for for long": {func(s *slate) { at(s, begun.Add(-2*lapse), 1, false, "li@x"); learn(s, 1, false) }, "li@x", soon, false},
		"it was asked for already":      {func(s *slate) { learn(s, 1, false, "li@x"); s.clears("li@x", soon) }, "li@x", soon, false},
	} {
		s := &slate{}
		c.do(s)
		if got := s.clears(c.address, c.at); got != c.clears {
			t.Errorf("%s: %t", name, got)
		}
	}
}
