package report_test

import (
	"strings"
	"testing"

	"hongyan/internal/ledger"
	"hongyan/internal/report"
)

func TestTheIdentityHasEveryState(t *testing.T) {
	t.Parallel()
	i := report.Summary(ledger.Totals{Rows: 1990, Sent: 1980, Refused: 7, InDoubt: 3})
	sum := 0
	for _, p := range i.Parts {
		sum += p.N
	}
	if len(i.Parts) != len(ledger.States()) || i.Rows != 1990 || sum != 1990 {
		t.Errorf("%+v", i)
	}
}

func TestTheTotalsOnATerminal(t *testing.T) {
	t.Parallel()
	words := map[string]string{"rows": "行", "sent": "已发送", "in-doubt": "存疑"}
	var b strings.Builder
	err := report.Table(&b, ledger.Totals{Rows: 1234567, Sent: 1234560, InDoubt: 7}, func(s string) string { return words[s] })
	want := "行      1,234,567\n" +
		"已发送  1,234,560  100.0%\n" +
		"存疑            7    0.0%\n"
	if err != nil || b.String() != want {
		t.Errorf("%v, got\n%s", err, b.String())
	}
}
