package ledger

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// An Event is what Record writes down: an [Intent] or an [Outcome].
type Event interface {
	// Check says what is malformed about the event.
	Check() error
	event()
}

// An Intent says that the body is about to leave. It counts as an attempt.
// When it follows an earlier attempt, that one is kept as history.
type Intent struct {
	ID        int64
	Account   string
	MessageID string
	At        time.Time
}

// An Outcome says how it ended.
//
// Without an intent before it (trouble before any body) an outcome that is
// refused or deferred is an attempt of its own, begun at At, unless it is
// Free. After an intent, Free takes the attempt back from the count, though
// not from the account's history, since the server did see it.
type Outcome struct {
	ID      int64
	State   State
	Account string // required for Refused and Deferred: the recipient stays with it
	At      time.Time
	Due     time.Time // required for Deferred, zero otherwise
	Free    bool      // not the recipient's fault: no attempt is counted

	Stage    string
	Code     int
	Enhanced string
	Reply    string // the answer's text, or why it was skipped; see [Bounded]
	Class    string
	Rule     string
	Bytes    int64
}

func (Intent) event()  {}
func (Outcome) event() {}

// Check refuses an intent of nobody or at no time.
func (i Intent) Check() error {
	if i.Account == "" || i.At.IsZero() {
		return fmt.Errorf("intent of entry %s: account and time are required", Label(i.ID))
	}
	return nil
}

// Check refuses an outcome that ends nothing, or that no one could follow up.
func (o Outcome) Check() error {
	switch {
	case o.State == Sending || o.State.From() == nil:
		return fmt.Errorf("outcome of entry %s: %q is not an outcome", Label(o.ID), o.State)
	case o.At.IsZero():
		return fmt.Errorf("outcome of entry %s: time is required", Label(o.ID))
	case (o.State == Refused || o.State == Deferred) && o.Account == "":
		return fmt.Errorf("outcome of entry %s: %s requires an account", Label(o.ID), o.State)
	case (o.State == Deferred) == o.Due.IsZero():
		return fmt.Errorf("outcome of entry %s: due belongs to deferred, and to nothing else", Label(o.ID))
	}
	return nil
}

// MaxReply is how much of an answer, a reason or a note is kept, in bytes.
const MaxReply = 2 << 10

// Bounded returns as much of a text as a ledger keeps: valid UTF-8
// of at most [MaxReply] bytes. Stores apply it.
func Bounded(reply string) string {
	reply = strings.ToValidUTF8(reply, "\uFFFD")
	if len(reply) <= MaxReply {
		return reply
	}
	end := MaxReply
	for !utf8.RuneStart(reply[end]) {
		end--
	}
	return reply[:end]
}

// A Settlement is a person's word about entries in doubt.
type Settlement struct {
	IDs []int64 // nil: all that are in doubt
	To  State   // Sent; or Deferred: due at once, to be sent again by its account
	At  time.Time
	By  string // who says so; kept with the entry
}

// Check refuses a settlement to any other state, or by nobody.
func (s Settlement) Check() error {
	if s.To != Sent && s.To != Deferred {
		return fmt.Errorf("a doubt is settled as %s or %s, not as %q", Sent, Deferred, s.To)
	}
	if s.At.IsZero() || s.By == "" {
		return fmt.Errorf("a doubt is settled by somebody, at some time")
	}
	return nil
}

// A Reopening is a person's word that refused entries be tried again.
type Reopening struct {
	Classes []string // refused with any of these; nil: whatever the class
	IDs     []int64  // any of these entries; nil: whichever
	At      time.Time
	By      string // who says so; kept with the entry
}

// Check refuses a reopening by nobody, and one of everything: that is never
// what somebody meant.
func (r Reopening) Check() error {
	switch {
	case r.At.IsZero() || r.By == "":
		return fmt.Errorf("a refusal is reopened by somebody, at some time")
	case r.Classes == nil && r.IDs == nil:
		return fmt.Errorf("a reopening says which classes or which entries")
	}
	return nil
}

// Match reports whether r is about the entry.
func (r Reopening) Match(e Entry) bool {
	return e.State == Refused && (r.Classes == nil || slices.Contains(r.Classes, e.Class)) &&
		(r.IDs == nil || slices.Contains(r.IDs, e.ID))
}
