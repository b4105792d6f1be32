package list_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"hongyan/internal/list"
)

const benchRows, benchFields = 20_000, 8

// table is a list of so many rows and eight columns.
func table(rows int) string {
	var b strings.Builder
	b.WriteString("邮箱,姓名,城市,公司,金额,日期,编号,备注\r\n")
	for i := range rows {
		fmt.Fprintf(&b, "user%d@example.com,张三丰,北京,鸿雁科技有限公司,%d.50,2026-11-23,%08d,\"请, 查收\"\r\n", i, i, i)
	}
	return b.String()
}

func benchmark(b *testing.B, path string, o list.Options) {
	b.Helper()
	l := open(b, path, o)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for r, err := range l.Recipients() {
			if err != nil || r.Fault != nil {
				b.Fatal(err, r.Fault)
			}
			n++
		}
		if n != benchRows {
			b.Fatal(n)
		}
	}
	perRow := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / benchRows
	b.ReportMetric(perRow/benchFields, "ns/field")
	b.ReportMetric(perRow, "ns/row")
}

func BenchmarkCSV(b *testing.B) { benchmark(b, file(b, table(benchRows)), list.Options{}) }

func BenchmarkCSVInGB18030(b *testing.B) {
	gbk, err := simplifiedchinese.GB18030.NewEncoder().String(table(benchRows))
	if err != nil {
		b.Fatal(err)
	}
	benchmark(b, file(b, gbk), list.Options{})
}

func BenchmarkCSVWhere(b *testing.B) {
	benchmark(b, file(b, table(benchRows)), list.Options{Where: `城市 == "北京"`})
}

func BenchmarkXLSX(b *testing.B) {
	f := excelize.NewFile()
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		b.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(strings.ReplaceAll(table(benchRows), `"请, 查收"`, "请查收")), "\r\n") {
		var cells []any
		for field := range strings.SplitSeq(line, ",") {
			cells = append(cells, field)
		}
		if err := w.SetRow(fmt.Sprintf("A%d", i+1), cells); err != nil {
			b.Fatal(err)
		}
	}
	path := b.TempDir() + "/list.xlsx"
	if w.Flush() != nil || f.SaveAs(path) != nil || f.Close() != nil {
		b.Fatal("the workbook cannot be saved")
	}
	benchmark(b, path, list.Options{})
}

func BenchmarkSurvey(b *testing.B) {
	l := open(b, file(b, table(benchRows)), list.Options{})
	for b.Loop() {
		if s, err := l.Survey(); err != nil || s.Good != benchRows {
			b.Fatal(s, err)
		}
	}
}

func BenchmarkParseAddress(b *testing.B) {
	for _, address := range []string{"zhang.san@qq.com", "li@some-company.com.cn", "张三 <a@b.cn>", "ａ＠ｑｑ．ｃｏｍ"} {
		b.Run(address, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, _, f := list.ParseAddress(address); f != nil {
					b.Fatal(f)
				}
			}
		})
	}
}
