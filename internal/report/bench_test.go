package report_test

import (
	"testing"

	"hongyan/internal/report"
)

// One operation is a report of 10,000 entries, an eighth in each state.
func BenchmarkWrite(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		if _, err := report.Write(b.Context(), endless{10_000, func() {}}, key, dir, report.Options{Columns: []string{"name"}}); err != nil {
			b.Fatal(err)
		}
	}
}
