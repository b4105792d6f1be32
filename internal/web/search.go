package web

import (
	"context"
	"slices"
	"time"

	"hongyan/internal/ledger"
)

// A search looks through an issue stretch by stretch and gives the page what it
// has after a while, so that a page takes no longer of a large issue than of a
// small one, nor a core from the sending. The person, or the page's script where
// nobody was found yet, goes on from there.
const (
	stretch = 8192 // recipients
	enough  = 25 * time.Millisecond
)

// What was found is a page of recipients.
type found struct {
	Rows []ledger.Entry
	More int64 // where the next page begins; 0 = there is none
	Line int   // before which the list was looked through, when that took long enough; 0 otherwise
}

// recipients finds a page of them; at a time it stops looking, but not before it
// has come on by a stretch.
func (s *Server) recipients(ctx context.Context, v issueView, until time.Time) (found, error) {
	f := ledger.Filter{Text: v.Text, After: v.After}
	if slices.Contains(ledger.States(), v.State) {
		f.States = []ledger.State{v.State}
	}
	for out := (found{}); ; f.After += f.Reach {
		next, err := s.next(ctx, v.Key, f.After)
		if err != nil || next.ID == 0 {
			return out, err
		}
		f.After = next.ID - 1
		if f.Reach > 0 && !time.Now().Before(until) {
			out.More, out.Line = f.After, next.Line
			return out, nil
		}
		f.Reach, f.Limit = stretch, perPage+1-len(out.Rows)
		for e, err := range s.Books.Entries(ctx, v.Key, f) {
			if err != nil {
				return found{}, err
			}
			out.Rows = append(out.Rows, e)
		}
		if len(out.Rows) > perPage {
			out.Rows, out.More = out.Rows[:perPage], out.Rows[perPage-1].ID
			return out, nil
		}
	}
}

// next is the first recipient after a number; one without a number if there is none.
func (s *Server) next(ctx context.Context, k ledger.Key, after int64) (ledger.Entry, error) {
	for e, err := range s.Books.Entries(ctx, k, ledger.Filter{After: after, Limit: 1}) {
		return e, err
	}
	return ledger.Entry{}, nil
}
