package report_test

import (
	"maps"
	"testing"

	"hongyan/internal/ledger"
	"hongyan/internal/list"
	"hongyan/internal/report"
)

// The list of the failed is a list: its rows read as they did the first time.
func TestTheFailedAreAListAgain(t *testing.T) {
	t.Parallel()
	l, err := list.Open(write(t, autumn(), options()).Failed, list.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a := l.Assumed(); a.EmailColumn != "邮箱" || a.Encoding != "UTF-8" || a.Delimiter != "," {
		t.Errorf("assumed %+v", a)
	}
	var got []list.Recipient
	for r, err := range l.Recipients() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	if len(got) != 3 {
		t.Fatalf("got %d recipients: %+v", len(got), got)
	}
	want := []map[string]string{
		{"邮箱": "li@example.com", "姓名": `李四 "小李"`, "金额": "=1+2", "status": "", "备注": "两\n行"},
		{"邮箱": "wang@163.com", "姓名": "王五", "金额": "+8613800138000", "status": "", "备注": ""},
		{"邮箱": "not an address", "姓名": "<b>孙</b>", "金额": "", "status": "", "备注": ""},
	}
	for i, r := range got {
		delete(r.Fields, "error")
		if !maps.Equal(r.Fields, want[i]) {
			t.Errorf("got %q, want %q", r.Fields, want[i])
		}
	}
	if got[0].Address != "li@example.com" || got[0].Fault != nil || got[2].Fault == nil {
		t.Errorf("got %+v", got)
	}
}

// A second round of failures has the columns of the first.
func TestTheFailedOfTheFailedKeepTheirColumns(t *testing.T) {
	t.Parallel()
	first := write(t, autumn(), options()).Failed
	l, err := list.Open(first, list.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var again shelf
	for r, err := range l.Recipients() {
		if err != nil {
			t.Fatal(err)
		}
		again = append(again, ledger.Entry{ID: int64(r.Line), Line: r.Line, Address: r.Address, State: ledger.Skipped, Fields: r.Fields})
	}
	o := report.Options{Columns: l.Columns(), Email: l.Assumed().EmailColumn}
	second := read(t, write(t, again, o).Failed)
	head := "\uFEFF\"邮箱\",\"姓名\",\"金额\",\"status\",\"备注\",\"error\"\r\n"
	if second[:len(head)] != head {
		t.Errorf("got %s", second)
	}
}
