package ledger

import (
	"fmt"
	"strings"
	"time"
)

// Totals counts an issue's entries. Rows is counted on its own, from the
// recipients, so that [Totals.Check] says something.
type Totals struct {
	Rows                                   int
	Queued, Sending, Sent, Refused         int
	Deferred, InDoubt, Skipped, Suppressed int
}

// Of returns the count of one state.
func (t *Totals) Of(s State) int {
	if n := t.at(s); n != nil {
		return *n
	}
	return 0
}

// Add counts n entries more in state s, without touching Rows.
// It reports whether there is such a state.
func (t *Totals) Add(s State, n int) bool {
	p := t.at(s)
	if p != nil {
		*p += n
	}
	return p != nil
}

func (t *Totals) at(s State) *int {
	switch s {
	case Queued:
		return &t.Queued
	case Sending:
		return &t.Sending
	case Sent:
		return &t.Sent
	case Refused:
		return &t.Refused
	case Deferred:
		return &t.Deferred
	case InDoubt:
		return &t.InDoubt
	case Skipped:
		return &t.Skipped
	case Suppressed:
		return &t.Suppressed
	}
	return nil
}

// Settled returns how many entries need nothing more.
func (t *Totals) Settled() int { return t.Sent + t.Refused + t.Skipped + t.Suppressed }

// Open returns how many entries still wait for something.
func (t *Totals) Open() int { return t.Queued + t.Sending + t.Deferred + t.InDoubt }

// Check is the accounting identity: every row is in exactly one state.
func (t *Totals) Check() error {
	if t.Rows == t.Settled()+t.Open() {
		return nil
	}
	parts := make([]string, 0, len(States()))
	for _, s := range States() {
		parts = append(parts, fmt.Sprintf("%d %s", t.Of(s), s))
	}
	return fmt.Errorf("the books do not balance: %d rows, but %s", t.Rows, strings.Join(parts, " + "))
}

// An Issue is one line of the list of all issues.
type Issue struct {
	Key
	Plan           // as frozen; First is never set
	Last time.Time // the last intent or outcome, zero when there was none
	Totals
}

// A Finding is something that is wrong with the ledger.
type Finding struct {
	Key         // zero when it concerns the whole ledger
	ID   int64  // zero when it concerns the whole issue
	Line int    // of the entry, zero when not known
	What string // in a sentence
}

func (f Finding) String() string {
	var b strings.Builder
	if f.Key != (Key{}) {
		fmt.Fprintf(&b, "%s: ", f.Key)
	}
	if f.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", f.Line)
	}
	if f.ID > 0 {
		fmt.Fprintf(&b, "entry %s: ", Label(f.ID))
	}
	return b.String() + f.What
}
