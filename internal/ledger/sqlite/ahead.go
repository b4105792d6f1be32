package sqlite

import "iter"

// ahead runs seq one step ahead of who takes from it: while a value is in use,
// the next one is made, and no more.
func ahead[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	type step struct {
		value T
		err   error
	}
	return func(yield func(T, error) bool) {
		steps, enough := make(chan step), make(chan struct{})
		go func() {
			defer close(steps)
			for value, err := range seq {
				select {
				case steps <- step{value, err}:
				case <-enough:
					return
				}
			}
		}()
		defer func() {
			close(enough)
			for range steps { // until seq has ended: nobody is left behind
			}
		}()
		for s := range steps {
			if !yield(s.value, s.err) {
				return
			}
		}
	}
}
