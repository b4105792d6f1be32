package list_test

import (
	"slices"
	"strings"
	"testing"

	"hongyan/internal/list"
)

func TestSlipsComeBeforeWhatIsMerelyGoodToKnow(t *testing.T) {
	t.Parallel()
	src := "email\nx@qq.con\n" + strings.Repeat("mailto:a@qq.com\n", 2*list.Shown) + "y@gmial.com\n"
	s, err := open(t, file(t, src), list.Options{}).Survey()
	if err != nil {
		t.Fatal(err)
	}
	if s.NoteCount != 2*list.Shown+2 || len(s.Notes) != list.Shown {
		t.Fatalf("%d notes, %d named", s.NoteCount, len(s.Notes))
	}
	for i, want := range []string{"qq.con: did you mean qq.com?", "gmial.com: did you mean gmail.com?"} {
		if got := s.Notes[i].Text.String(); got != want {
			t.Errorf("note %d: %s", i+1, got)
		}
	}
	if s.Notes[2].Line != 3 || s.Notes[list.Shown-1].Line != list.Shown {
		t.Errorf("then lines %d to %d", s.Notes[2].Line, s.Notes[list.Shown-1].Line)
	}
}

func TestEachAddressComesOnce(t *testing.T) {
	t.Parallel()
	l := open(t, file(t, "email,name\nli@example.com,a\nLI@example.com,b\nnobody,c\nnobody,d\nwang@example.com,e\n"), list.Options{})
	s, err := l.Survey()
	if err != nil {
		t.Fatal(err)
	}
	var lines []int
	for r, err := range l.Once(s) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, r.Line)
	}
	if !slices.Equal(lines, []int{2, 4, 5, 6}) {
		t.Errorf("lines %v", lines)
	}
}
