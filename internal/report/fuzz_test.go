package report_test

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"hongyan/internal/report"
)

// Whatever a cell holds, another reader finds the same number of cells, and
// none that a spreadsheet computes.
func FuzzCell(f *testing.F) {
	f.Add("=1", "张三\r\n\"x\",", "@")
	f.Add("\u200b+1\x00", "-5", "＝")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		s := autumn()[1:2]
		s[0].Reply, s[0].Fields = c, map[string]string{"a": a, "b": b}
		p := write(t, s, report.Options{Columns: []string{"a", "b"}})
		r := csv.NewReader(strings.NewReader(strings.TrimPrefix(read(t, p.CSV), "\uFEFF")))
		rows, err := r.ReadAll()
		if err != nil || len(rows) != 2 || len(rows[1]) != 11 {
			t.Fatalf("%q, %v", rows, err)
		}
		for i, cell := range rows[1] {
			first, _ := utf8.DecodeRuneInString(cell)
			if cell != "" && strings.ContainsRune("=@\t\r\x00＝＋－＠", first) {
				t.Errorf("cell %d is a formula: %q", i, cell)
			}
		}
		var line struct {
			Reply  string
			Fields map[string]string
		}
		valid := func(s string) string { return strings.Map(func(r rune) rune { return r }, s) }
		if err := json.Unmarshal([]byte(read(t, p.JSONL)), &line); err != nil || line.Reply != valid(c) ||
			line.Fields["a"] != valid(a) || line.Fields["b"] != valid(b) {
			t.Errorf("%+v, %v", line, err)
		}
		same := func(s string) string { return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n") }
		if got := strings.TrimPrefix(rows[1][9], "'"); got != strings.TrimPrefix(same(a), "'") {
			t.Errorf("got %q, want %q", got, same(a))
		}
	})
}
