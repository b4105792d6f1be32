package proof

import (
	"cmp"
	"context"
	"iter"
	"runtime"
	"sync"
)

// InOrder does a work for each item, on all cores, and yields what came of it
// in the order of the items. The first error ends it.
func InOrder[A, B any](ctx context.Context, items iter.Seq2[A, error], work func(A) (B, error)) iter.Seq2[B, error] {
	type result struct {
		value B
		err   error
	}
	type job struct {
		item A
		err  error
		done chan result
	}
	return func(yield func(B, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var workers sync.WaitGroup
		defer workers.Wait()
		defer cancel()
		cores := runtime.GOMAXPROCS(0)
		jobs, queue := make(chan job), make(chan job, 8*cores) // the queue bounds what is ahead of the yield
		for range cores {
			workers.Go(func() {
				for j := range jobs {
					value, err := work(j.item)
					j.done <- result{value, err}
				}
			})
		}
		workers.Go(func() {
			defer close(queue)
			defer close(jobs)
			for item, err := range items {
				j := job{item, err, make(chan result, 1)}
				select {
				case queue <- j:
				case <-ctx.Done():
					return
				}
				if err != nil {
					return
				}
				jobs <- j
			}
		})
		for j := range queue {
			r := result{err: cmp.Or(j.err, context.Cause(ctx))}
			if r.err == nil {
				r = <-j.done
			}
			if !yield(r.value, r.err) || r.err != nil {
				return
			}
		}
		if ctx.Err() != nil {
			var none B
			yield(none, context.Cause(ctx))
		}
	}
}
