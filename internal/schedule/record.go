package schedule

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
)

// A Shelf is where slots are written down. It is [ledger.Shelf], as far as it
// is needed here. PutNew is what two processes are kept apart by: of those that
// put the same name, one is told true.
type Shelf interface {
	Papers
	Put(ctx context.Context, shelf, name string, body []byte) error
	PutNew(ctx context.Context, shelf, name string, body []byte) (bool, error)
	Paper(ctx context.Context, shelf, name string) ([]byte, error)
	Discard(ctx context.Context, shelf, name string) error
}

// Papers is what of a shelf is listed.
type Papers interface {
	Papers(ctx context.Context, shelf string) iter.Seq2[ledger.Paper, error]
}

// State is what became of a slot.
type State string

// A slot is starting from when it was taken until its issue is begun; then it
// is fired. It is skipped when there is nothing to send, and failed when its
// issue could not be begun.
const (
	Starting State = "starting"
	Fired    State = "fired"
	Skipped  State = "skipped"
	Failed   State = "failed"
)

// A Record is what became of a slot, and since when.
type Record struct {
	Slot  string     `json:"slot"`
	Due   time.Time  `json:"due"`
	State State      `json:"state"`
	Why   fault.Text `json:"why,omitzero"` // its values are texts
	At    time.Time  `json:"at"`
	Tries int        `json:"tries,omitempty"` // that have failed
	Again time.Time  `json:"again,omitzero"`  // when whoever sees it Starting may try
}

// A beginning is since when a campaign has its schedule: slots before it are
// nobody's.
type beginning struct {
	Schedule string    `json:"schedule"`
	Since    time.Time `json:"since"`
}

const beginnings = "schedule"

func shelfOf(campaign string) string { return "slot/" + campaign }

// Records yields what became of a campaign's slots, in the order of their names.
func Records(ctx context.Context, shelf Papers, campaign string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for paper, err := range shelf.Papers(ctx, shelfOf(campaign)) {
			var r Record
			if err == nil {
				r, err = parseRecord(paper.Body)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// Overdue returns since when the campaign has had a slot that is due and has not
// begun; the zero time: it has none. One that failed is overdue until something
// became of a later one.
func Overdue(ctx context.Context, shelf Papers, campaign string) (since time.Time, err error) {
	var last Record
	for r, err := range Records(ctx, shelf, campaign) {
		if err != nil {
			return since, err
		}
		if r.State == Starting && (since.IsZero() || r.Due.Before(since)) {
			since = r.Due
		}
		last = r
	}
	if since.IsZero() && last.State == Failed {
		since = last.Due
	}
	return since, nil
}

func parseRecord(body []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(body, &r); err != nil {
		return r, fmt.Errorf("what became of a slot: %w", err)
	}
	return r, nil
}

// Fire writes down that the issue of a slot is begun by hand; what was missed
// before it is made up for by that. It reports whether the slot was free.
func Fire(ctx context.Context, shelf Shelf, campaign string, slot Slot, why fault.Text) (bool, error) {
	now := moment(time.Now())
	return putNew(ctx, shelf, campaign, Record{Slot: slot.Name, Due: slot.At, State: Fired, Why: why, At: now})
}

func putNew(ctx context.Context, shelf Shelf, campaign string, r Record) (bool, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return false, err
	}
	return shelf.PutNew(ctx, shelfOf(campaign), r.Slot, body)
}

func put(ctx context.Context, shelf Shelf, campaign string, r Record) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return shelf.Put(ctx, shelfOf(campaign), r.Slot, body)
}

// takeOver reports whether a slot that may be tried again is ours to try: of
// several processes that see it at once, one is told so. Should that one die
// before it writes more, another may after a lease.
func takeOver(ctx context.Context, shelf Shelf, campaign string, r Record, now time.Time) (bool, error) {
	name := fmt.Sprintf("%s %d %d", r.Slot, r.Again.Unix(), now.Unix()/int64(lease/time.Second))
	body, err := now.MarshalText()
	if err != nil {
		return false, err
	}
	return shelf.PutNew(ctx, takenOver(campaign), name, body)
}

func takenOver(campaign string) string { return "slot-again/" + campaign }

// forget discards what was taken over so long ago that nobody asks any more.
func forget(ctx context.Context, shelf Shelf, campaign string, now time.Time) error {
	var old []string
	for paper, err := range shelf.Papers(ctx, takenOver(campaign)) {
		if err != nil {
			return err
		}
		var at time.Time
		if at.UnmarshalText(paper.Body) != nil || now.Sub(at) > 24*time.Hour {
			old = append(old, paper.Name)
		}
	}
	for _, name := range old {
		if err := shelf.Discard(ctx, takenOver(campaign), name); err != nil {
			return err
		}
	}
	return nil
}

// moment is a time as it is written down: without the clock that stands still
// while the machine sleeps.
func moment(t time.Time) time.Time { return t.Round(0).UTC() }
