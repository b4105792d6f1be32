package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"hongyan/internal/ledger"
)

// An Identity is the accounting identity of an issue: every row of the list is
// in exactly one state.
type Identity struct {
	Rows  int
	Parts []Part // every state, in the order in which they are shown
}

// A Part is how many rows are in a state.
type Part struct {
	State ledger.State
	N     int
}

// Summary returns the identity of what the ledger counted.
func Summary(t ledger.Totals) Identity {
	i := Identity{Rows: t.Rows}
	for _, s := range ledger.States() {
		i.Parts = append(i.Parts, Part{s, t.Of(s)})
	}
	return i
}

// Table writes the totals for a terminal: a line for the rows and one for each
// state that has any, with its share. The caller's label turns "rows" and the
// states into its reader's words.
func Table(w io.Writer, t ledger.Totals, label func(string) string) error {
	lines := [][3]string{{label("rows"), thousands(t.Rows), ""}}
	for _, p := range Summary(t).Parts {
		if p.N != 0 {
			lines = append(lines, [3]string{label(string(p.State)), thousands(p.N), share(p.N, t.Rows)})
		}
	}
	wide, long := 0, 0
	for _, l := range lines {
		wide, long = max(wide, columns(l[0])), max(long, len(l[1]))
	}
	var b strings.Builder
	for _, l := range lines {
		text := l[0] + strings.Repeat(" ", wide-columns(l[0])+2+long-len(l[1])) + l[1]
		b.WriteString(text + strings.TrimRight("  "+l[2], " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// columns is the width of a label: a hanzi takes two.
func columns(s string) (n int) {
	for _, r := range s {
		n++
		if r >= 0x1100 {
			n++
		}
	}
	return n
}

func share(n, of int) string {
	if of == 0 {
		return ""
	}
	return fmt.Sprintf("%5.1f%%", 100*float64(n)/float64(of))
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
