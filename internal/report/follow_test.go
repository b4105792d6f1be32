package report_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/report"
)

// A slow ledger takes its time to count, and notes when it was asked.
type slow struct {
	shelf
	takes time.Duration
	asked *[]time.Duration
	fails func(n int) error
	begin time.Time
}

func (s slow) Totals(ctx context.Context, k ledger.Key) (ledger.Totals, error) {
	*s.asked = append(*s.asked, time.Since(s.begin))
	if s.fails != nil {
		if err := s.fails(len(*s.asked)); err != nil {
			return ledger.Totals{}, err
		}
	}
	<-time.After(s.takes)
	return s.shelf.Totals(ctx, k)
}

func follow(t *testing.T, s slow, stop time.Duration) (asked []time.Duration, err error) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s.asked, s.begin = &asked, time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), stop)
		defer cancel()
		err = report.NewWriter(s, key, dir, options()).Run(ctx)
	})
	return asked, err
}

func TestAQuickReportIsRewrittenEveryTenSeconds(t *testing.T) {
	t.Parallel()
	asked, err := follow(t, slow{shelf: autumn()}, 22*time.Second)
	want := []time.Duration{10 * time.Second, 20 * time.Second, 22 * time.Second}
	if err != nil || !slices.Equal(asked, want) {
		t.Errorf("written at %v, %v", asked, err)
	}
}

func TestASlowReportRestsFiftyTimesAsLong(t *testing.T) {
	t.Parallel()
	asked, err := follow(t, slow{shelf: autumn(), takes: time.Second}, 110*time.Second)
	want := []time.Duration{10 * time.Second, 61 * time.Second, 110 * time.Second}
	if err != nil || !slices.Equal(asked, want) {
		t.Errorf("written at %v, %v", asked, err)
	}
}

func TestAFailedWritingIsMadeGoodByALaterOne(t *testing.T) {
	t.Parallel()
	first := func(n int) error {
		if n == 1 {
			return errDisk
		}
		return nil
	}
	if asked, err := follow(t, slow{shelf: autumn(), fails: first}, 11*time.Second); err != nil || len(asked) != 2 {
		t.Errorf("written at %v, %v", asked, err)
	}
	always := func(int) error { return errDisk }
	if _, err := follow(t, slow{shelf: autumn(), fails: always}, 11*time.Second); !errors.Is(err, errDisk) {
		t.Errorf("got %v", err)
	}
}
