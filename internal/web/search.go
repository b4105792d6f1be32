package web

import (
	"context"
	"time"

	"hongyan/internal/ledger"
)

// A search looks through an issue stretch by stretch and gives back what it has
// after a while, so that a page, or a program's answer, takes no longer of a large
// issue than of a small one, nor a core from the sending. The person or the
// program, or the page's script where nobody was found yet, goes on from there.
const (
	stretch = 8192 // recipients
	enough  = 25 * time.Millisecond
)

// A Search is for those recipients of an issue whom the filter lets pass, up to its
// limit; how far it reaches is for the search to say.
type Search struct {
	Books  Books
	Key    ledger.Key
	Filter ledger.Filter
}

// Found is what a search has come to.
type Found struct {
	Rows []ledger.Entry
	More int64 // after whom the next search goes on; 0 = there is nobody more
	Line int   // before which the list was looked through, when that took long enough; 0 otherwise
}

// Find finds the first of them.
func (s Search) Find(ctx context.Context) (Found, error) {
	return s.find(ctx, time.Now().Add(enough))
}

// find stops looking at a time, but not before it has come on by a stretch.
func (s Search) find(ctx context.Context, until time.Time) (Found, error) {
	f := s.Filter
	for out := (Found{}); ; f.After += f.Reach {
		next, err := s.next(ctx, f.After)
		if err != nil || next.ID == 0 {
			return out, err
		}
		f.After = next.ID - 1
		if f.Reach > 0 && !time.Now().Before(until) {
			out.More, out.Line = f.After, next.Line
			return out, nil
		}
		f.Reach, f.Limit = stretch, s.Filter.Limit+1-len(out.Rows)
		for e, err := range s.Books.Entries(ctx, s.Key, f) {
			if err != nil {
				return Found{}, err
			}
			out.Rows = append(out.Rows, e)
		}
		if most := s.Filter.Limit; len(out.Rows) > most {
			out.Rows, out.More = out.Rows[:most], out.Rows[most-1].ID
			return out, nil
		}
	}
}

// next is the first recipient after a number; one without a number if there is none.
func (s Search) next(ctx context.Context, after int64) (ledger.Entry, error) {
	for e, err := range s.Books.Entries(ctx, s.Key, ledger.Filter{After: after, Limit: 1}) {
		return e, err
	}
	return ledger.Entry{}, nil
}
