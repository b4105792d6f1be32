package ledger

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Plan is what an issue was made of when it was first started.
type Plan struct {
	Digests map[string]string // input (list, template, layout …) → sha256 in hex
	At      time.Time         // when it was frozen

	First    bool // told by the store: this call froze it
	Complete bool // told by the store: an Enqueue has come to the end of the list
}

// A Row is one recipient as the list has it.
type Row struct {
	Line    int               // 1-based line or sheet row
	Address string            // addr-spec; "" only together with Skip
	Name    string            // display name
	Fields  map[string]string // every column by its header
	Skip    string            // not "": why this row cannot become a mail
}

// Enqueued tells what a pass over the list did.
// Rows = Added + Known + Cured + Duplicates.
type Enqueued struct {
	Rows       int         // rows read
	Added      int         // new, whether queued or skipped
	Known      int         // there from an earlier pass
	Cured      int         // skipped in an earlier pass, queued by this one
	Duplicates int         // seen twice in this pass
	Skipped    int         // rows of this pass that said Skip
	Listed     []Duplicate // the first 100 duplicates
}

// ListedDuplicates is how many duplicates [Enqueued] lists.
const ListedDuplicates = 100

// A Duplicate is a row whose address an earlier row already had.
type Duplicate struct {
	Address     string
	Line, First int // the row's own line, and that of the row that counts
}

// An Entry is one recipient of one issue, as enqueued, with what happened
// last. Times are UTC to the millisecond, zero when there was none.
type Entry struct {
	ID int64 // number of the issue << 32 | number in the issue: unique, ascending in list order
	Key
	Line    int
	Address string // "" for a skipped row without one
	Name    string
	Fields  map[string]string // not to be modified

	State     State
	Account   string    // that tried it first and keeps it; "" when untouched
	Attempts  int       // counted attempts
	MessageID string    // of the last intent
	Begun     time.Time // last intent
	Ended     time.Time // last outcome
	Due       time.Time // of a deferred entry

	Stage     string // where the last answer came: "rcpt", "dot" …
	Code      int    // its basic code
	Enhanced  string // its enhanced code
	Reply     string // its text; of a skipped entry the reason
	Class     string // what it was judged to be
	Rule      string // by which rule
	Bytes     int64  // of the body that had been handed over
	SettledBy string // who settled the doubt, or reopened the refusal
	SettledAt time.Time
}

// String names the entry as sentences begin: "line 57, li@example.com".
func (e Entry) String() string {
	if e.Address == "" {
		return fmt.Sprintf("line %d", e.Line)
	}
	return fmt.Sprintf("line %d, %s", e.Line, e.Address)
}

// AbandonedAt and AbandonedWhy are the evidence of a doubt that was left by a
// death: how far its attempt may have come, and all that is known of it.
const (
	AbandonedAt  = "dot"
	AbandonedWhy = "the program ended while the mail was being handed over: the server may have all of it"
)

// Abandoned is the entry as it stands when whoever was sending it is dead.
func (e Entry) Abandoned() Entry {
	e.State, e.Stage, e.Reply = InDoubt, AbandonedAt, AbandonedWhy
	return e
}

// Label names an entry to people when nothing better is at hand: "3.57" is the
// 57th of the third issue.
func Label(id int64) string { return fmt.Sprintf("%d.%d", id>>32, id&(1<<32-1)) }

// A Filter says which entries a reader wants; the zero Filter lets all pass.
type Filter struct {
	States  []State // any of these; none means all
	Account string  // that has it
	Text    string  // part of address, name or reply, ASCII case aside
	After   int64   // only entries with a greater ID: where the last page ended
	Reach   int64   // only the first so many numbers of the issue after that one; 0 = all
	Limit   int     // at most so many; 0 = no limit
}

// Match reports whether e passes, Limit aside.
func (f Filter) Match(e Entry) bool {
	if e.ID <= f.After || e.ID > f.Last(e.ID>>32<<32) || f.Account != "" && e.Account != f.Account {
		return false
	}
	if len(f.States) > 0 && !slices.Contains(f.States, e.State) {
		return false
	}
	text := lower(f.Text)
	return strings.Contains(lower(e.Address), text) ||
		strings.Contains(lower(e.Name), text) || strings.Contains(lower(e.Reply), text)
}

// Last is the greatest ID that can pass, of an issue whose IDs begin after none.
func (f Filter) Last(none int64) int64 {
	last := none + 1<<32 - 1
	if f.Reach == 0 {
		return last
	}
	return min(last, max(none, f.After)+f.Reach)
}

// lower folds ASCII only, as SQL's lower does.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
