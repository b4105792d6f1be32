package sqlite_test

import (
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/sqlite"
)

var key = ledger.Key{Campaign: "welcome", Issue: "main"}

// rows makes a list like those that people have: a dozen words a row.
func rows(from, to int) iter.Seq2[ledger.Row, error] {
	return func(yield func(ledger.Row, error) bool) {
		for i := from; i < to; i++ {
			n := i * 2654435761 % (1 << 32)
			row := ledger.Row{Line: i + 2, Address: fmt.Sprintf("user%08x@example.com", n), Name: "张三", Fields: map[string]string{
				"email": fmt.Sprintf("user%08x@example.com", n), "name": "张三", "city": "北京", "invoice": fmt.Sprint(i),
				"amount": "1,024.00", "company": "鸿雁科技有限公司", "note": "first order of the year", "lang": "zh",
			}}
			if !yield(row, nil) {
				return
			}
		}
	}
}

func open(tb testing.TB, dir string) *sqlite.Store {
	tb.Helper()
	s, err := sqlite.Open(tb.Context(), dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() }) // closed by the test already, as a rule
	return s
}

func planned(tb testing.TB, s *sqlite.Store, n int) {
	tb.Helper()
	if _, err := s.Plan(tb.Context(), key, ledger.Plan{At: time.Now()}); err != nil {
		tb.Fatal(err)
	}
	if _, err := s.Enqueue(tb.Context(), key, rows(0, n)); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkRecord counts mails, two transitions each, by how many callers
// share a commit.
func BenchmarkRecord(b *testing.B) {
	for _, lanes := range []int{1, 20, 100} {
		b.Run(fmt.Sprintf("lanes=%d", lanes), func(b *testing.B) {
			s := open(b, b.TempDir())
			planned(b, s, b.N+lanes*50)
			report := measure(b, 2*b.N, "transition")
			send(b, s, b.N, lanes)
			report()
		})
	}
}

// BenchmarkRecordGroup has one caller hand in a hundred mails at once.
func BenchmarkRecordGroup(b *testing.B) {
	s := open(b, b.TempDir())
	planned(b, s, b.N+100)
	report := measure(b, 2*b.N, "transition")
	for done := 0; done < b.N; {
		entries, err := s.Claim(b.Context(), key, "qq", 100, time.Now())
		if err != nil {
			b.Fatal(err)
		}
		var begin, end []ledger.Event
		for _, e := range entries {
			begin = append(begin, intent(e))
			end = append(end, taken(e))
		}
		if err := s.Record(b.Context(), begin...); err != nil {
			b.Fatal(err)
		}
		if err := s.Record(b.Context(), end...); err != nil {
			b.Fatal(err)
		}
		done += len(entries)
	}
	report()
}

// measure starts the clock and returns what stops it: how many a second, and
// the processor's time for each, which a busy machine does not blur.
func measure(b *testing.B, n int, what string) func() {
	b.Helper()
	before := cpu(b)
	b.ResetTimer()
	return func() {
		b.StopTimer()
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), what+"s/s")
		b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(n), "cpu-µs/"+what)
	}
}

// send takes n mails down lanes as a line does: the outcome of one mail and the
// intent of the next are one Record.
func send(tb testing.TB, s *sqlite.Store, n, lanes int) {
	var left atomic.Int64
	left.Store(int64(n))
	var wg sync.WaitGroup
	for range lanes {
		wg.Go(func() {
			var last []ledger.Event
			for left.Load() > 0 {
				entries, err := s.Claim(tb.Context(), key, "qq", 50, time.Now())
				if err != nil || len(entries) == 0 {
					tb.Error("nothing to claim", err)
					return
				}
				for i, e := range entries {
					if left.Add(-1) < 0 {
						for _, e := range entries[i:] {
							_ = s.Release(tb.Context(), e.ID)
						}
						break
					}
					if err := s.Record(tb.Context(), append(last, intent(e))...); err != nil {
						tb.Error(err)
						return
					}
					last = []ledger.Event{taken(e)}
				}
			}
			if err := s.Record(tb.Context(), last...); err != nil {
				tb.Error(err)
			}
		})
	}
	wg.Wait()
}

func intent(e ledger.Entry) ledger.Intent {
	return ledger.Intent{ID: e.ID, Account: "qq", MessageID: "abcdefghijklmnopqrstuvwxyz@example.com", At: time.Now()}
}

func taken(e ledger.Entry) ledger.Outcome {
	return ledger.Outcome{
		ID: e.ID, State: ledger.Sent, Account: "qq", At: time.Now(), Stage: "dot", Code: 250,
		Reply: "OK: queued as.", Bytes: 4096,
	}
}

func BenchmarkEnqueue(b *testing.B) {
	s := open(b, b.TempDir())
	report := measure(b, b.N, "row")
	planned(b, s, b.N)
	report()
}

// BenchmarkResume enqueues an unchanged list again.
func BenchmarkResume(b *testing.B) {
	s := open(b, b.TempDir())
	planned(b, s, b.N)
	report := measure(b, b.N, "row")
	planned(b, s, b.N)
	report()
}

// BenchmarkHalfDone is the next start of an issue of b.N entries, half of them
// sent: what it takes to open it, to claim the first, to count, to read.
func BenchmarkHalfDone(b *testing.B) {
	dir := b.TempDir()
	s := open(b, dir)
	planned(b, s, b.N)
	half := fmt.Sprint(1<<32 + b.N/2)
	send(b, s, 1, 1)
	if err := s.Sabotage(`UPDATE delivery SET state = 2, account = 1, attempts = 1, begun = 1795341600000, ended = 1795341600000,
		message_id = 'abcdefghijklmnopqrstuvwxyz@example.com' WHERE id <= ` + half); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	step := func(what string, f func() error) {
		start := time.Now()
		if err := f(); err != nil {
			b.Fatal(what, err)
		}
		b.ReportMetric(float64(time.Since(start).Milliseconds()), "ms-"+what)
	}
	step("open", func() error { s = open(b, dir); return nil })
	step("claim", func() error { _, err := s.Claim(b.Context(), key, "qq", 50, time.Now()); return err })
	step("due", func() error { _, _, err := s.NextDue(b.Context(), key, "qq"); return err })
	step("totals", func() error { _, err := s.Totals(b.Context(), key); return err })
	step("history", func() error { _, err := s.History(b.Context(), "qq", time.Now().Add(-24*time.Hour)); return err })
	step("entries", func() error {
		for _, err := range s.Entries(b.Context(), key, ledger.Filter{}) {
			if err != nil {
				return err
			}
		}
		return nil
	})
	step("verify", func() error {
		for f, err := range s.Verify(b.Context()) {
			return fmt.Errorf("%v, %w", f, err)
		}
		return nil
	})
}
