package proof

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"
)

// count yields the numbers below n, then an error if there is one.
func count(n int, end error) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
		if end != nil {
			yield(0, end)
		}
	}
}

func TestWorkOnAllCoresComesInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		next := 0
		slowest := func(i int) (int, error) {
			time.Sleep(time.Duration(7-i%7) * time.Second)
			return i, nil
		}
		for got, err := range InOrder(t.Context(), count(1000, nil), slowest) {
			if err != nil || got != next {
				t.Fatalf("got %d, %v, want %d", got, err, next)
			}
			next++
		}
		if next != 1000 {
			t.Errorf("%d of 1000", next)
		}
	})
}

func TestTheFirstErrorEndsTheWork(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	keep := func(i int) (int, error) { return i, nil }
	fail := func(i int) (int, error) {
		if i == 40 {
			return 0, broken
		}
		return i, nil
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for name, c := range map[string]struct {
		of   iter.Seq2[int, error]
		want error
	}{
		"in the items": {InOrder(t.Context(), count(40, broken), keep), broken},
		"in the work":  {InOrder(t.Context(), count(1000, nil), fail), broken},
		"from outside": {InOrder(stopped, count(1000, nil), keep), context.Canceled},
		"at once":      {InOrder(t.Context(), count(0, broken), keep), broken},
	} {
		seen := 0
		var last error
		for _, err := range c.of {
			if last = err; err == nil {
				seen++
			}
		}
		if !errors.Is(last, c.want) || seen > 40 {
			t.Errorf("%s: %v after %d", name, last, seen)
		}
	}
	for i := range InOrder(t.Context(), count(1000, nil), keep) {
		if i == 10 {
			break
		}
	}
}
