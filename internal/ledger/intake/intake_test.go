package intake_test

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"

	"hongyan/internal/ledger/intake"
)

var errCut = errors.New("the list breaks off")

// list yields the numbers below n, then an error if there is one.
func list(n int, end error) iter.Seq2[int, error] {
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

func TestNoMoreThanOneStepIsMadeAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which also sees to it that nobody is left behind
		made, taken := 0, 0
		seq := func(yield func(int, error) bool) {
			for made < 100 {
				made++
				if !yield(made, nil) {
					return
				}
			}
		}
		for v := range intake.Ahead(seq) {
			taken++
			synctest.Wait()
			if v != taken || made != taken+1 {
				t.Fatalf("%d came as the %d-th, when %d were made", v, taken, made)
			}
			if taken == 7 {
				break
			}
		}
		if taken != 7 || made > 8 {
			t.Errorf("%d taken, %d made", taken, made)
		}
	})
}

func TestChunksHoldEveryRowOnce(t *testing.T) {
	for _, n := range []int{0, 1, 249, 250, 251, 1250, 1251, 4000} {
		for _, end := range []error{nil, errCut} {
			var got []string
			var err error
			sizes := []int{}
			for lines, failed := range intake.Chunks(list(n, end), 1000, func(i int) (string, error) { return strconv.Itoa(i), nil }) {
				got, err, sizes = append(got, lines...), failed, append(sizes, len(lines))
			}
			if len(got) != n || n > 0 && got[n-1] != strconv.Itoa(n-1) || !errors.Is(err, end) || !slices.IsSorted(sizes[:max(len(sizes)-1, 0)]) {
				t.Errorf("%d rows and %v: %d lines in %v, %v", n, end, len(got), sizes, err)
			}
		}
	}
}

func TestALineThatCannotBeMadeEndsTheList(t *testing.T) {
	var got []int
	var err error
	for lines, failed := range intake.Chunks(list(10, nil), 4, func(i int) (int, error) {
		if i == 6 {
			return 0, errCut
		}
		return i, nil
	}) {
		got, err = append(got, lines...), failed
	}
	if !slices.Equal(got, []int{0, 1, 2, 3, 4, 5}) || !errors.Is(err, errCut) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestWhatWasMetIsRemembered(t *testing.T) {
	var bits intake.Bits
	sieve := intake.NewSieve(1 << 16)
	for i := range 1000 {
		bits.Set(5<<32 | int64(3*i))
		sieve.Add(fmt.Sprintf("r%d@example.com", i))
	}
	strangers := 0
	for i := range 1000 {
		if id := 5<<32 | int64(3*i); !bits.Has(id) || bits.Has(id+1) {
			t.Errorf("entry %d", i)
		}
		if !sieve.Maybe(fmt.Sprintf("r%d@example.com", i)) {
			t.Errorf("address %d is forgotten", i)
		}
		if sieve.Maybe(fmt.Sprintf("s%d@example.com", i)) {
			strangers++
		}
	}
	if strangers > 20 {
		t.Errorf("%d of 1000 strangers are taken for known", strangers)
	}
	var none *intake.Sieve
	if none.Add("a@example.com"); !none.Maybe("b@example.com") {
		t.Error("a sieve that is not there let somebody pass for new")
	}
}
