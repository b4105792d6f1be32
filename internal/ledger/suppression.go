package ledger

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// A Suppression says that an address gets no mail (any more).
type Suppression struct {
	List    string // the campaigns' list that it is about; "" = all lists
	Address string // see [Folded]
	Source  Source
	Reason  string // in words; may be empty; see [Bounded]
	By      string // who did it
	At      time.Time
}

// A Source is how a suppression came about.
type Source string

// The sources.
const (
	Unsubscribe Source = "unsubscribe" // the recipient asked for it
	Bounce      Source = "bounce"      // a server says that there is no such mailbox
	Manual      Source = "manual"      // somebody of ours typed it in
	Import      Source = "import"      // it came with a file of others
)

// Sources returns all sources.
func Sources() []Source { return []Source{Unsubscribe, Bounce, Manual, Import} }

// Check refuses a suppression of nobody, by nobody, at no time, or of an
// unknown source.
func (s Suppression) Check() error {
	switch {
	case Folded(s.Address) == "":
		return fmt.Errorf("a suppression is of an address")
	case !slices.Contains(Sources(), s.Source):
		return fmt.Errorf("suppression of %s: %q is no source", s.Address, s.Source)
	case s.By == "" || s.At.IsZero():
		return fmt.Errorf("suppression of %s: it is somebody's act, at some time", s.Address)
	}
	return nil
}

// Why is what is written down as the reply of a recipient whom s kept from a mail,
// whose rule is the source.
func (s Suppression) Why() string {
	said := string(s.Source) + on + s.At.Format(time.DateOnly)
	if s.Reason == "" {
		return said
	}
	return said + ": " + s.Reason
}

const on = " on "

// ReadWhy makes of a reply and its rule what [Suppression.Why] has told of the
// suppression, if it was that: the source, the day and the reason.
func ReadWhy(rule, reply string) (Suppression, bool) {
	s := Suppression{Source: Source(rule)}
	said, ours := strings.CutPrefix(reply, rule+on)
	if !ours || !slices.Contains(Sources(), s.Source) {
		return Suppression{}, false
	}
	day, reason, _ := strings.Cut(said, ": ")
	at, err := time.ParseInLocation(time.DateOnly, day, time.Local)
	s.At, s.Reason = at, reason
	return s, err == nil
}

// Folded is what an address is known by: who left, or has the mail, as
// Li@Example.com is not mailed as li@example.com. Stores apply it.
func Folded(address string) string { return strings.ToLower(strings.TrimSpace(address)) }

// A Suppressor remembers who is not to be mailed.
//
// Its methods, like those of a [Journal] and a [Shelf], may be called by many
// goroutines and, where the store is shared, by other processes while one of
// them works on the [Line]. A change is durable when it returns, and whoever
// asks after it sees it; a store may take a tenth of a second to see that another
// process has suppressed somebody.
type Suppressor interface {
	// Suppress writes suppressions down and returns how many are new. The
	// earlier one of a list and address stands, whatever the later one says.
	// A malformed one is an error before anything is written; many are written
	// in chunks, and an end of ctx between two leaves the rest out.
	Suppress(ctx context.Context, all ...Suppression) (added int, err error)

	// Unsuppress takes back the suppression of exactly that list ("": of all
	// lists) and address, and reports whether there was one.
	Unsuppress(ctx context.Context, list, address string) (bool, error)

	// Suppressed says whether mail of a list may not go to address: it returns
	// the suppression of that list, or else that of all lists.
	Suppressed(ctx context.Context, list, address string) (s Suppression, ok bool, err error)

	// Suppressions streams those that f lets pass, by address, then list.
	Suppressions(ctx context.Context, f SuppressionFilter) iter.Seq2[Suppression, error]
}

// A SuppressionFilter says which suppressions a reader wants; the zero one
// lets all pass.
type SuppressionFilter struct {
	List  *string     // of exactly this list; "" = those of all lists
	Text  string      // part of address or reason, ASCII case aside
	After Suppression // only those after this one: where the last page ended. Its Address and List count
	Limit int         // at most so many; 0 = no limit
}

// Match reports whether s passes, Limit aside.
func (f SuppressionFilter) Match(s Suppression) bool {
	if f.List != nil && s.List != *f.List || s.Compare(f.After) <= 0 {
		return false
	}
	text := lower(f.Text)
	return strings.Contains(lower(s.Address), text) || strings.Contains(lower(s.Reason), text)
}

// Compare orders suppressions by address, then list.
func (s Suppression) Compare(o Suppression) int {
	if c := strings.Compare(s.Address, o.Address); c != 0 {
		return c
	}
	return strings.Compare(s.List, o.List)
}
