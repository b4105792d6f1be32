// Package ledger is the memory of the house: what happened to each recipient
// of each issue, written down before and after it is done. It owns the words
// ([State], [Entry], [Intent], [Outcome], [Totals]) and the promise that every
// store keeps ([Store]); the stores live in rooms of their own, and
// ledgertest checks each sentence of the promise.
//
// It must never know mail, sockets, files of the user, or what an answer
// means: it is told, and it remembers.
package ledger

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"
)

// A Key names one issue (edition) of one campaign. Together with a recipient's
// address it is what nobody is mailed twice under.
type Key struct{ Campaign, Issue string }

func (k Key) String() string { return k.Campaign + "/" + k.Issue }

// What a store answers when it cannot do what was asked.
var (
	// ErrUnknown means that the ledger has no such issue.
	ErrUnknown = errors.New("the ledger knows no such issue")
	// ErrTaken is what a [Taken] matches: the entry is not in a state that
	// the event may leave.
	ErrTaken = errors.New("not ours to change")
	// ErrBroken means that the ledger could not be written, now or earlier.
	// Nothing more is recorded until it is opened anew: no memory, no mail.
	ErrBroken = errors.New("the ledger cannot be written")
	// ErrAway means that a ledger that others share cannot be reached now. No
	// intent is recorded meanwhile; outcomes are kept in hand until it is back.
	ErrAway = errors.New("the ledger cannot be reached")
	// ErrElsewhere means that another process has the account, or that ours was
	// silent for so long that another may have it: nothing of it may be sent.
	ErrElsewhere = errors.New("another worker has the account")
)

// Taken names the entries of a [Line.Record] whose state did not allow the
// event; the other events of that call are recorded. It is an [ErrTaken].
type Taken struct{ IDs []int64 }

func (t *Taken) Error() string {
	var b strings.Builder
	b.WriteString("entry")
	for _, id := range t.IDs {
		b.WriteByte(' ')
		b.WriteString(Label(id))
	}
	return b.String() + ": " + ErrTaken.Error()
}

// Is makes errors.Is(err, ErrTaken) true.
func (t *Taken) Is(target error) bool { return target == ErrTaken }

// A Planner writes the plan of an issue down: what it is made of and whom it
// goes to.
type Planner interface {
	// Plan freezes p at the first start of an issue and returns it with First
	// set. At every later start it changes nothing and returns what was
	// frozen, so that the caller can compare.
	Plan(ctx context.Context, k Key, p Plan) (Plan, error)

	// Refreeze replaces the frozen digests and time by those of p; the caller
	// has shown the difference and it was accepted. The issue is incomplete
	// again until an Enqueue has finished.
	Refreeze(ctx context.Context, k Key, p Plan) error

	// Enqueue writes down everybody the list names. It is idempotent by
	// (campaign, issue, address), addresses compared as [Folded] and kept as
	// they were first written:
	//
	//   - A new address becomes queued, or skipped when its row says why.
	//   - A known address is left alone, whatever its state; only its line
	//     follows the list.
	//   - A known address that is skipped is replaced by what its row says
	//     now: it was cured by editing, or it has another fault.
	//   - An address that this pass has already seen is a duplicate: it is
	//     counted and otherwise ignored.
	//   - A row without an address must say why it is skipped. It is known by
	//     its line; such entries of earlier passes that this pass has not
	//     seen disappear when it has finished.
	//
	// Rows are read and written in chunks, so that Claim offers the first
	// while the last are still being read. An error of rows, a row without
	// address and reason, or an ended ctx ends the pass: chunks already
	// written stay, the issue stays incomplete, and the next Enqueue goes on.
	// Only one Enqueue of an issue runs at a time. The issue must be planned.
	Enqueue(ctx context.Context, k Key, rows iter.Seq2[Row, error]) (Enqueued, error)
}

// A Line is how recipients are worked on, one account lane beside the other.
// All methods may be called by many goroutines at once.
type Line interface {
	// Claim offers up to n entries that account may work on now: first those
	// deferred by this account that are due at now, the longest due first;
	// then untouched queued ones in list order. A deferred entry is offered
	// to no account but its own. A claimed entry is offered to nobody else
	// until an event of it was recorded or it is released. Claims end with
	// the process: they are a courtesy among lanes, while the guard against
	// two intents is Record. It returns nothing, without error, when nothing
	// is to be done now; NextDue says what to wait for.
	Claim(ctx context.Context, k Key, account string, n int, now time.Time) ([]Entry, error)

	// Record writes events down, in order, and returns when they are durable:
	// they survive kill -9 and a power cut. Callers that wait at the same
	// time share one commit. It does not heed the end of ctx, since an outcome
	// must be kept also when the run is being stopped.
	//
	// An event that the state of its entry does not allow (see [State.From])
	// is left out, and the error is a [*Taken] that names it; the rest of the
	// call stands, and so does the claim on that entry. A malformed event is an error before anything is written.
	// Any other error means that the ledger could not be written: none of the
	// call's events may be relied on, and every later Record fails at once
	// with [ErrBroken]. A store that processes share also says [ErrAway] and
	// [ErrElsewhere], of the call's intents only: its outcomes were kept.
	Record(ctx context.Context, events ...Event) error

	// Release gives claimed entries back untouched; they are offered again.
	Release(ctx context.Context, ids ...int64) error

	// NextDue says what a lane whose Claim came back empty may wait for: when
	// the earliest unclaimed deferred entry of account is due (zero: there is
	// none), and whether queued entries are left or may still come: claimed by
	// another lane, being enqueued, or of a plan that is not complete. When
	// both say no, the lane has nothing more to do.
	NextDue(ctx context.Context, k Key, account string) (due time.Time, more bool, err error)
}

// A Reader sees everything and changes nothing. It never holds up the Line.
type Reader interface {
	// Entries streams the issue's entries that f lets pass, in list order
	// (the order in which they were first enqueued). Each is as it was at some
	// moment of the call; memory does not grow with their number.
	Entries(ctx context.Context, k Key, f Filter) iter.Seq2[Entry, error]

	// Totals counts the issue's entries by state, all at one moment.
	Totals(ctx context.Context, k Key) (Totals, error)

	// Issues lists every issue with its totals, the latest planned first.
	Issues(ctx context.Context) ([]Issue, error)

	// Attempts returns the earlier attempts of an entry, the first one first;
	// the last attempt is the [Entry] itself. Of an entry that the ledger does
	// not know there are none.
	Attempts(ctx context.Context, id int64) ([]Attempt, error)

	// Timeline counts the issue's entries by the step of time in which their
	// last event fell and the state that they are in, the earliest step first;
	// steps without any are left out, and so are entries without an event.
	// step is at least a millisecond.
	Timeline(ctx context.Context, k Key, step time.Duration) ([]Moment, error)
}

// Accounts is what is remembered about accounts, over all issues.
type Accounts interface {
	// History returns when the attempts of account began since then, oldest
	// first, over all issues, repeated attempts included.
	History(ctx context.Context, account string, since time.Time) ([]time.Time, error)

	// Hold puts an account on hold, durably; an earlier hold is replaced.
	Hold(ctx context.Context, h Hold) error

	// Holds lists the holds that were not lifted, by account; whether one is
	// over is for the reader to say.
	Holds(ctx context.Context) ([]Hold, error)

	// Lift ends the hold of an account, if there is one. Who was to wait for its
	// end ([Hold.Keeps]) is due at once.
	Lift(ctx context.Context, account string) error

	// PutOffBy names the accounts by which recipients of an issue are deferred,
	// in their order.
	PutOffBy(ctx context.Context, k Key) ([]string, error)

	// Learn remembers what was learned about an account, in words that only
	// the learner reads.
	Learn(ctx context.Context, account string, learned []byte) error

	// Learned returns what Learn was last given for account, nil if nothing.
	Learned(ctx context.Context, account string) ([]byte, error)
}

// An Auditor settles doubts and checks the books.
type Auditor interface {
	// Settle decides entries that are in doubt, and only those, and returns
	// how many it decided. See [Settlement].
	Settle(ctx context.Context, k Key, s Settlement) (int, error)

	// Reopen makes refused entries deferred and due at once, by the account
	// that tried them, and returns how many. What was said of them stays as
	// evidence until the next attempt, and as history after it. See [Reopening].
	Reopen(ctx context.Context, k Key, r Reopening) (int, error)

	// Verify checks the ledger against itself and yields what is wrong,
	// where; nothing when all is well.
	Verify(ctx context.Context) iter.Seq2[Finding, error]
}

// A Store is a whole ledger. Readers should ask for less.
//
// Opening a store turns every entry found in sending into in-doubt, with its
// account, the time its attempt began, [AbandonedAt] and [AbandonedWhy] as
// evidence: whoever was sending it is dead, and its body may have left. In a store that processes share this is
// done for each account by whoever takes it over, or by its owner that leaves.
type Store interface {
	Planner
	Line
	Reader
	Accounts
	Auditor
	Suppressor
	Journal
	Shelf

	// Key returns the 32 random bytes that this ledger was born with; they
	// never change. Message-IDs are derived from them.
	Key(ctx context.Context) ([]byte, error)

	// Close ends the use of the store. Nothing can be read or written after it.
	Close() error
}
