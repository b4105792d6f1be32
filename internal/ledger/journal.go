package ledger

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// An Act is something that a person did.
type Act struct {
	ID    int64 // given by the store, ascending
	At    time.Time
	By    string // who
	What  string // one word of the trade: "suppress", "lift", "pause" …
	Key          // the issue it was about, if it was about one
	About string // the account, address, file … it was about, if any
	Note  string // the rest, in words; see [Bounded]
}

// Check refuses an act of nobody, of nothing or at no time.
func (a Act) Check() error {
	if a.By == "" || a.What == "" || a.At.IsZero() {
		return fmt.Errorf("an act is something that somebody did, at some time")
	}
	return nil
}

// A Journal is the log of acts. Nothing in it is ever changed or removed.
type Journal interface {
	// Note writes an act down; its ID is not heeded.
	Note(ctx context.Context, a Act) error

	// Acts streams acts in the opposite order of their noting: those before
	// the act of the given ID, or from the end when it is 0; at most limit of
	// them, or all when it is 0.
	Acts(ctx context.Context, before int64, limit int) iter.Seq2[Act, error]
}
