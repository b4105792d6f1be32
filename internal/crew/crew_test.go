package crew

import (
	"context"
	"errors"
	"testing"

	"github.com/riverqueue/river"
)

// A floor is where every pump ends in the same way.
type floor struct{ err error }

func (f floor) Due(context.Context) ([]Due, error)    { return nil, nil }
func (f floor) Pump(_ context.Context, due Due) error { return f.err }

// What goes wrong at once would otherwise go wrong as often as the database can.
func TestAPumpThatFailedIsNotTriedAgainBeforeTheNextTick(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, errors.New("no secret")} {
		rung := false
		p := pumper{floor: floor{err}, again: func() { rung = true }}
		if got := p.Work(t.Context(), &river.Job[pump]{}); !errors.Is(got, err) || rung != (err == nil) {
			t.Errorf("%v: %v, %t", err, got, rung)
		}
	}
}
