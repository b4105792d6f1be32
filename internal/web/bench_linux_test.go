package web_test

import (
	"context"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/web/webtest"
)

// BenchmarkPagesDuringASend asks the pages that people leave open while mails
// leave as fast as the ledger takes them: of 100,000 recipients half are sent
// when it begins. Only the thread that makes the page is counted, not the sending.
func BenchmarkPagesDuringASend(b *testing.B) {
	o := under(b)
	issue := "/issues/weekly/2026-11-23T09:00"
	for _, page := range []struct{ name, path string }{
		{"overview", "/"},
		{"issue", issue},
		{"issue-over-time", issue + "/timeline"},
		{"issue-found", issue + "?q=reader99999"},
		{"issue-queued", issue + "?state=queued"},
		{"accounts", "/accounts"},
	} {
		b.Run(page.name, func(b *testing.B) {
			handler := handlerOf(b, o, false)
			defer sending(b, o)()
			var cost time.Duration
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for b.Loop() {
				before := spentHere(b)
				fetch(b, handler, page.path)
				cost += spentHere(b) - before
			}
			cost /= time.Duration(b.N)
			b.ReportMetric(float64(cost.Nanoseconds()), "ns/op")
			if cost > bound {
				b.Errorf("%s takes %s of a core, more than %s", page.name, cost, bound)
			}
		})
	}
}

// under is an office half-way through an issue of 100,000 recipients.
func under(b *testing.B) *webtest.Office {
	b.Helper()
	o := webtest.Open(b)
	o.Add(weekly(100_000))
	if err := o.Start(b.Context(), ledger.Key{Campaign: "weekly", Issue: "2026-11-23T09:00"}, "wang"); err != nil {
		b.Fatal(err)
	}
	for range 50 {
		if _, err := o.Step(b.Context(), 1000, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
	return o
}

// sending lets mails leave until stop is called, or all have left.
func sending(b *testing.B, o *webtest.Office) (stop func()) {
	b.Helper()
	ctx, end := context.WithCancel(b.Context())
	var line sync.WaitGroup
	line.Go(func() {
		for ctx.Err() == nil {
			n, err := o.Step(context.WithoutCancel(ctx), 20, time.Now())
			if err != nil {
				b.Error(err)
			}
			if err != nil || n == 0 {
				b.Log("all have left")
				return
			}
		}
	})
	return func() { end(); line.Wait() }
}

// rusageThread is RUSAGE_THREAD of getrusage(2), which package syscall leaves out.
const rusageThread = 1

func spentHere(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(rusageThread, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
