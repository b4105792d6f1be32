package report

import (
	"context"
	"time"

	"hongyan/internal/ledger"
)

// A Writer keeps a report up to date while a run goes on, so that a run that
// is killed leaves a usable one.
type Writer struct {
	source  Source
	key     ledger.Key
	dir     string
	options Options
}

// NewWriter returns a writer of the report that [Write] would write. Of
// options.Now only the zone is heeded.
func NewWriter(s Source, k ledger.Key, dir string, o Options) *Writer {
	return &Writer{source: s, key: k, dir: dir, options: o}
}

// Run writes the report again and again until ctx ends, and then a last time.
// Before each writing it rests for 10 s and for 50 times what the last one took,
// so that it costs the run a fiftieth of a core at most. A writing that failed is
// made good by a later one: only the last one's error is returned.
func (w *Writer) Run(ctx context.Context) error {
	var took time.Duration
	for rest(ctx, max(10*time.Second, 50*took)) {
		begun := time.Now()
		_, _ = w.write(ctx) // the last one, below, is the one whose error counts
		took = time.Since(begun)
	}
	_, err := w.write(context.WithoutCancel(ctx))
	return err
}

func (w *Writer) write(ctx context.Context) (Paths, error) {
	o := w.options
	o.Now = time.Now().In(o.Now.Location())
	return Write(ctx, w.source, w.key, w.dir, o)
}

// rest reports whether ctx has not ended meanwhile.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
	return ctx.Err() == nil
}
