// Package intake is how a store takes in a list, or hands out pages, of any
// length in little memory: the next chunk is read while the one before is
// written, and what was met is remembered in a few bits.
//
// It must never know a table.
package intake

import "iter"

// Ahead runs seq one step ahead of who takes from it: while a value is in use,
// the next one is made, and no more.
func Ahead[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	type step struct {
		value T
		err   error
	}
	return func(yield func(T, error) bool) {
		steps, left := make(chan step), make(chan struct{})
		go func() {
			defer close(steps)
			for value, err := range seq {
				select {
				case steps <- step{value, err}:
				case <-left:
					return
				}
			}
		}()
		defer func() {
			close(left)
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

// first is the length of the first chunk, which is small so that the first mail
// leaves early.
const first = 250

// Chunks gathers rows into chunks of lines, read ahead. A chunk is the taker's
// until it asks for the next one. A list that breaks off has a last chunk too,
// with the error.
func Chunks[R, L any](rows iter.Seq2[R, error], length int, line func(R) (L, error)) iter.Seq2[[]L, error] {
	return Ahead(func(yield func([]L, error) bool) {
		filling, other := make([]L, 0, length), make([]L, 0, length)
		full := min(first, length)
		for row, err := range rows {
			var l L
			if err == nil {
				l, err = line(row)
			}
			if err != nil {
				yield(filling, err)
				return
			}
			if filling = append(filling, l); len(filling) < full {
				continue
			}
			if !yield(filling, nil) {
				return
			}
			filling, other, full = other[:0], filling, length
		}
		yield(filling, nil)
	})
}
