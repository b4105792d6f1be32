package postgres_test

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/ledger/postgres/postgrestest"
)

var bench = ledger.Key{Campaign: "bench", Issue: "main"}

func benched(b *testing.B, n int) (*postgrestest.Server, *postgres.Store) {
	b.Helper()
	server := postgrestest.Start(b, postgrestest.Durable(true))
	s, err := postgres.Open(b.Context(), server.Place(b), postgres.Options{Name: "bench", Works: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	if _, err := s.Plan(b.Context(), bench, ledger.Plan{At: time.Now()}); err != nil {
		b.Fatal(err)
	}
	if _, err := s.Enqueue(b.Context(), bench, crowd(n)); err != nil {
		b.Fatal(err)
	}
	return server, s
}

// crowd makes a list like those that there are: a dozen words a row.
func crowd(n int) iter.Seq2[ledger.Row, error] {
	return func(yield func(ledger.Row, error) bool) {
		for i := range n {
			address := fmt.Sprintf("user%08x@example.com", i*2654435761%(1<<32))
			if !yield(ledger.Row{Line: i + 2, Address: address, Name: "张三", Fields: map[string]string{
				"email": address, "name": "张三", "city": "北京", "invoice": fmt.Sprint(i), "amount": "1,024.00", "company": "鸿雁科技有限公司",
			}}, nil) {
				return
			}
		}
	}
}

// BenchmarkRecord counts mails, two transitions each, by how many callers share
// a commit, and what they cost the server: that depends less on who else is at
// work on the machine.
func BenchmarkRecord(b *testing.B) {
	for _, lanes := range []int{1, 4, 32, 100} {
		b.Run(fmt.Sprintf("lanes=%d", lanes), func(b *testing.B) {
			server, s := benched(b, b.N+lanes)
			before := server.Cost(b)
			b.ResetTimer()
			sendAll(b, s, b.N, lanes)
			b.StopTimer()
			b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "transitions/s")
			after := server.Cost(b)
			b.ReportMetric(float64((after.CPU-before.CPU).Microseconds())/float64(b.N), "server-µs/op")
			b.ReportMetric(float64(after.Commits-before.Commits)/float64(b.N), "commits/op")
		})
	}
}

// sendAll takes n mails down lanes as a line does.
func sendAll(b *testing.B, s *postgres.Store, n, lanes int) {
	var left atomic.Int64
	left.Store(int64(n))
	var wg sync.WaitGroup
	for range lanes {
		wg.Go(func() {
			for {
				entries, err := s.Claim(b.Context(), bench, "qq", 20, time.Now())
				if err != nil || len(entries) == 0 {
					return
				}
				for _, e := range entries {
					if err := sendOne(b.Context(), s, e); err != nil {
						b.Error(err)
						return
					}
					if left.Add(-1) <= 0 {
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

func sendOne(ctx context.Context, s *postgres.Store, e ledger.Entry) error {
	now := time.Now()
	if err := s.Record(ctx, ledger.Intent{ID: e.ID, Account: "qq", MessageID: "x@example.com", At: now}); err != nil {
		return err
	}
	return s.Record(ctx, ledger.Outcome{ID: e.ID, State: ledger.Sent, At: now, Stage: "dot", Code: 250, Reply: "OK"})
}

// BenchmarkEnqueue counts rows of a new issue.
func BenchmarkEnqueue(b *testing.B) {
	server, s := benched(b, 1)
	other := ledger.Key{Campaign: "bench", Issue: "other"}
	if _, err := s.Plan(b.Context(), other, ledger.Plan{At: time.Now()}); err != nil {
		b.Fatal(err)
	}
	before := server.Cost(b)
	b.ResetTimer()
	if _, err := s.Enqueue(b.Context(), other, crowd(b.N)); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64((server.Cost(b).CPU-before.CPU).Microseconds())/float64(b.N), "server-µs/op")
}
