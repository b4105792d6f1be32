package lint_test

import (
	"fmt"
	"testing"

	"hongyan/internal/fault"
	"hongyan/internal/lint"
)

// warned is a finding at a line of the template, 0 if it stands nowhere there.
func warned(line int, format string, args ...any) lint.Finding {
	return lint.Finding{Rule: "hole-value", Severity: lint.Warning, File: "t.md", Line: line, What: fault.Text{Format: format, Args: args}}
}

func placed(findings []lint.Finding) (out string) {
	for _, f := range findings {
		out += fmt.Sprintf("%s:%d: %s\n", f.File, f.Line, f.What)
	}
	return out
}

func TestWhatAllMailsHaveIsToldAsTheTemplates(t *testing.T) {
	t.Parallel()
	var tally lint.Tally
	for row := 2; row < 100; row++ {
		tally.Add(row, []lint.Finding{warned(3, "vague"), warned(0, "feature %s", "a"), warned(0, "feature %s", "b")})
	}
	if got, want := placed(tally.Findings("l.csv")), "t.md:3: vague\nt.md:0: feature a\nt.md:0: feature b\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestWhatSomeMailsHaveIsToldWithTheFirstRow(t *testing.T) {
	t.Parallel()
	var tally lint.Tally
	tally.Add(2, nil)
	tally.Add(3, []lint.Finding{warned(0, "reads %q", "None"), warned(7, "no target")})
	tally.Add(5, []lint.Finding{warned(0, "reads %q", "None"), warned(0, "reads %q", "NaN"), warned(8, "shouts")})
	tally.Add(9, []lint.Finding{warned(7, "no target"), warned(7, "no target")})
	want := `l.csv:3: reads "None" (and 1 more)
l.csv:5: reads "NaN"
t.md:7: no target (line 3 of the list, and 1 more)
t.md:8: shouts (line 5 of the list)
`
	if got := placed(tally.Findings("l.csv")); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestAHundredThousandRowsAreFewFindings(t *testing.T) {
	t.Parallel()
	var tally lint.Tally
	tally.Add(2, nil)
	for row := 3; row < 100_003; row++ {
		tally.Add(row, []lint.Finding{warned(0, "http://example.com/%d is not encrypted", row)})
	}
	want := `l.csv:3: http://example.com/3 is not encrypted
l.csv:4: http://example.com/4 is not encrypted
l.csv:5: http://example.com/5 is not encrypted
l.csv:6: there is more of this kind (and 99996 more)
`
	if got := placed(tally.Findings("l.csv")); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
