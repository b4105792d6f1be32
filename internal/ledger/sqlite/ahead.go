package sqlite

import "iter"

// ahead runs seq one step ahead of who takes from it.
func ahead[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		next, stop := iter.Pull2(seq)
		defer stop()
		value, err, more := next()
		for on := true; on && more; {
			on = func() bool {
				coming := make(chan func(), 1)
				go func() {
					v, e, m := next()
					coming <- func() { value, err, more = v, e, m }
				}()
				defer func() { (<-coming)() }() // also when a test ends in there
				return yield(value, err)
			}()
		}
	}
}
