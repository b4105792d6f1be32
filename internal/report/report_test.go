package report_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"iter"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// A shelf is a ledger that holds its entries in a slice.
type shelf []ledger.Entry

func (s shelf) Entries(ctx context.Context, _ ledger.Key, f ledger.Filter) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		for _, e := range s {
			if ctx.Err() != nil {
				yield(ledger.Entry{}, ctx.Err())
				return
			}
			if f.Match(e) && !yield(e, nil) {
				return
			}
		}
	}
}

func (s shelf) Totals(context.Context, ledger.Key) (ledger.Totals, error) {
	t := ledger.Totals{Rows: len(s)}
	for _, e := range s {
		t.Add(e.State, 1)
	}
	return t, nil
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

// autumn is an issue with a recipient in each state and cells of every kind.
func autumn() shelf {
	base := at("2026-11-23T01:00:00Z")
	s := shelf{
		{
			Address: "zhang@qq.com", State: ledger.Sent, Account: "qq", Attempts: 1, Code: 250, Reply: "Ok: queued as", MessageID: "<a@qq.com>",
			Begun: base, Ended: base.Add(2 * time.Second), Bytes: 4000, Fields: map[string]string{"姓名": "张三", "金额": "-5.20", "status": "老客户"},
		},
		{
			Address: "li@example.com", State: ledger.Refused, Account: "qq", Attempts: 1, Stage: "rcpt", Code: 550, Enhanced: "5.1.1",
			Reply: "The recipient <li@example.com> does\r\nnot exist \x1b[31m\u202Exe.exe", Class: "rcpt-perm", Rule: "qq-no-user",
			Fields: map[string]string{"姓名": "李四 \"小李\"", "金额": "=1+2", "备注": "两\n行"},
		},
		{
			Address: "wang@163.com", State: ledger.Deferred, Account: "qq", Attempts: 2, Stage: "mail", Code: 450, Reply: "频率过高", Due: base.Add(time.Hour),
			Fields: map[string]string{"姓名": "王五", "金额": "+8613800138000"},
		},
		{
			Address: "zhao@126.com", State: ledger.InDoubt, Account: "qq", Attempts: 1, Begun: base.Add(9 * time.Second), Bytes: 4100,
			Fields: map[string]string{"姓名": "赵六"},
		},
		{State: ledger.Skipped, Reply: "\"not an address\" is no address", Fields: map[string]string{"邮箱": "not an address", "姓名": "<b>孙</b>"}},
		{Address: "zhou@qq.com", State: ledger.Suppressed, Reply: "unsubscribed", Fields: map[string]string{"姓名": "周八"}},
		{Address: "wu@qq.com", State: ledger.Queued, Fields: map[string]string{"姓名": "@吴"}},
	}
	for i := range s {
		s[i].ID, s[i].Line = int64(i+1), i+2
		if s[i].Address != "" {
			s[i].Fields["邮箱"] = s[i].Address
		}
	}
	return s
}

func options() report.Options {
	return report.Options{
		Columns: []string{"邮箱", "姓名", "金额", "status", "备注"}, Email: "邮箱", Lang: "zh_CN.UTF-8",
		Now: at("2026-11-23T09:30:00+08:00").In(time.FixedZone("CST", 8*3600)),
	}
}

var key = ledger.Key{Campaign: "autumn", Issue: "2026-11-23T09:00"}

func write(t *testing.T, s report.Source, o report.Options) report.Paths {
	t.Helper()
	p, err := report.Write(t.Context(), s, key, filepath.Join(t.TempDir(), "autumn"), o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTheFourFiles(t *testing.T) {
	t.Parallel()
	p := write(t, autumn(), options())
	for _, path := range []string{p.CSV, p.JSONL, p.HTML, p.Failed} {
		name := strings.TrimPrefix(filepath.Base(path), "2026-11-23T09-00")
		golden(t, "autumn"+name, read(t, path))
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
}

func TestThePageInEnglish(t *testing.T) {
	t.Parallel()
	o := options()
	o.Lang = "en"
	golden(t, "autumn.en.html", read(t, write(t, autumn(), o).HTML))
}

func TestASingleRowIsOneRow(t *testing.T) {
	t.Parallel()
	o := options()
	o.Lang = "en"
	if page := read(t, write(t, autumn()[:1], o).HTML); !strings.Contains(page, "<b>1</b>row<") {
		t.Error("the page does not say 1 row")
	}
}

func TestASingleAttemptIsOneAttempt(t *testing.T) {
	t.Parallel()
	s := autumn()[:1]
	s[0].State, s[0].Code, s[0].Enhanced, s[0].Reply = ledger.Refused, 0, "", ledger.GivenUp(1, "no")
	o := options()
	o.Lang = "en"
	if page := read(t, write(t, s, o).HTML); !strings.Contains(page, "given up after 1 attempt: no<") {
		t.Error("the page does not say 1 attempt")
	}
}

// The page is for people; the tables, which programs read too, have what the
// ledger has.
func TestWhatHongyanItselfSaidIsInTheLanguageOfThePage(t *testing.T) {
	t.Parallel()
	day := at("2026-11-23T01:00:00Z")
	s := autumn()[:3]
	by := ledger.Suppression{Source: ledger.Unsubscribe, At: day, Reason: "tōo  many\x1b"}
	s[0].State, s[0].Rule, s[0].Code, s[0].Reply = ledger.Suppressed, "unsubscribe", 0, by.Why()
	s[1] = s[1].Abandoned()
	s[1].Code, s[1].Enhanced = 0, ""
	given, broken := s[2], s[2]
	given.State, given.Code, given.Enhanced, given.Reply = ledger.Refused, 450, "4.2.0", ledger.GivenUp(12, "later\x1b")
	broken.State, broken.Code, broken.Enhanced, broken.Reply = ledger.Deferred, 0, "", ledger.BrokenDown
	s = append(s, given, broken)
	by.Reason = ""
	s[2].State, s[2].Rule, s[2].Code, s[2].Reply = ledger.Suppressed, "unsubscribe", 0, by.Why()
	o := options()
	p := write(t, s, o)
	page := read(t, p.HTML)
	for _, want := range []string{"退订（2026-11-23）：tōo  many\\u001b<", "退订（2026-11-23）<", "交出邮件时程序中断：服务器可能已全部收到<", "450 4.2.0 尝试 12 次后放弃：later\\u001b<", "正文交完之前程序出错<"} {
		if n := strings.Count(page, want); n != 2 { // as a reason, and in its row
			t.Errorf("the page has %q %d times:\n%s", want, n, page)
		}
	}
	o.Lang = "en"
	english := read(t, write(t, s, o).HTML)
	for _, want := range []string{"unsubscribe on 2026-11-23", ledger.AbandonedWhy, "given up after 12 attempts: later", ledger.BrokenDown} {
		if !strings.Contains(english, want) || !strings.Contains(read(t, p.CSV), want) || !strings.Contains(read(t, p.JSONL), want) {
			t.Errorf("the English page or a table has no %q", want)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s", name, got)
	}
}

// Another reader than the one that we had in mind must read back what went in.
func TestPythonReadsTheTableBack(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here")
	}
	cells := []string{"", "张三", "a,b;c\td", "\"", "\"\"quoted\"\"", "two\r\nlines\nand\rthree", " blank ", "-5", "emoji 👨‍👩‍👧", "line sep", "'", "e=mc²", strings.Repeat("长", 70000)}
	s := autumn()[:1]
	s[0].Fields = map[string]string{}
	o := report.Options{}
	for i, cell := range cells {
		name := strings.Repeat("x", i+1)
		o.Columns = append(o.Columns, name)
		s[0].Fields[name] = cell
	}
	p := write(t, s, o)
	cmd := exec.CommandContext(t.Context(), python, "-c", `import csv,json,sys
csv.field_size_limit(1<<30)
print(json.dumps(list(csv.reader(open(sys.argv[1], newline="", encoding="utf-8-sig"), strict=True))))`, p.CSV)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	if err := json.Unmarshal(out, &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 || !slices.Equal(rows[1][9:], cells) {
		t.Errorf("%d rows, got %.300q", len(rows), rows)
	}
}

func TestNoCellIsAFormula(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"=1+1": "'=1+1", "+1+1": "'+1+1", "-1+1": "'-1+1", "@SUM(A1)": "'@SUM(A1)", "=cmd|' /C calc'!A0": "'=cmd|' /C calc'!A0",
		"\t=1": "'\t=1", "\r=1": "'\r=1", "\x00=1": "'\x00=1", "＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠a": "'＠a",
		"  =1": "'  =1", "\u00a0=1": "'\u00a0=1", "\u200b=1": "'\u200b=1", "\ufeff=1": "'\ufeff=1", "\n=1": "'\n=1", "\x00": "'\x00", "\t": "'\t",
		"-5": "-5", "-5.25": "-5.25", "+8613800138000": "+8613800138000", "-": "'-", "-.5": "'-.5", "-1.2.3": "'-1.2.3", "+86 138": "'+86 138",
		"-1e5": "'-1e5", "a=b": "a=b", "张三": "张三", "": "", "5-3": "5-3", "'=1": "'=1", "−5": "−5",
	} {
		s := autumn()[1:2]
		s[0].Fields = map[string]string{"c": cell}
		p := write(t, s, report.Options{Columns: []string{"c"}})
		for _, path := range []string{p.CSV, p.Failed} {
			if got := read(t, path); !strings.Contains(got, `,"`+want+`"`) {
				t.Errorf("%q: got %q", cell, got)
			}
		}
	}
}

func TestNamesOfColumnsStayDistinct(t *testing.T) {
	t.Parallel()
	p := write(t, shelf{}, report.Options{Columns: []string{"Status", "status_list", "email", "error", "城市"}})
	if got := read(t, p.CSV); !strings.HasSuffix(got, `"sent_at","Status_list","status_list_list","email","error","城市"`+"\r\n") {
		t.Errorf("got %s", got)
	}
	// A list of the failed that failed again keeps its shape.
	if got := read(t, p.Failed); got != "\uFEFF"+`"email","Status","status_list","城市","error"`+"\r\n" {
		t.Errorf("got %s", got)
	}
}

func TestColumnsAreTakenFromTheEntriesWhenNobodyTellsThem(t *testing.T) {
	t.Parallel()
	s := make(shelf, 1500)
	for i := range s {
		s[i] = ledger.Entry{ID: int64(i + 1), Line: i + 2, State: ledger.Queued, Fields: map[string]string{"b": "x", "a": "y"}}
	}
	s[7].Fields["c"] = "z"
	lines := strings.Split(read(t, write(t, s, report.Options{}).CSV), "\r\n")
	if !strings.HasSuffix(lines[0], `"sent_at","a","b","c"`) || len(lines) != 1502 || !strings.HasPrefix(lines[1500], `"1501",`) {
		t.Errorf("%d lines, %s … %s", len(lines), lines[0], lines[1500])
	}
}

// Feeding an entry in doubt back could mail it twice; a queued one waits its
// turn; a suppressed one does not want it.
func TestOnlyThoseWhoCertainlyGotNothingAreFedBack(t *testing.T) {
	t.Parallel()
	got := read(t, write(t, autumn(), options()).Failed)
	for _, e := range autumn() {
		want := slices.Contains([]ledger.State{ledger.Refused, ledger.Deferred, ledger.Skipped}, e.State)
		if strings.Contains(got, e.Fields["邮箱"]) != want {
			t.Errorf("%s %s: in failed.csv: %v", e.State, e.Fields["邮箱"], !want)
		}
	}
}

type broken struct{ shelf }

var errDisk = errors.New("the disk is gone")

func (b broken) Entries(ctx context.Context, k ledger.Key, f ledger.Filter) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		for e := range b.shelf.Entries(ctx, k, f) {
			if !yield(e, nil) {
				return
			}
		}
		yield(ledger.Entry{}, errDisk)
	}
}

func TestAReportThatFailsLeavesTheLastOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := report.Write(t.Context(), autumn(), key, dir, options()); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, dir)
	if _, err := report.Write(t.Context(), broken{autumn()[:2]}, key, dir, options()); !errors.Is(err, errDisk) {
		t.Errorf("got %v", err)
	}
	if !maps.Equal(before, snapshot(t, dir)) {
		t.Errorf("got %v", slices.Sorted(maps.Keys(snapshot(t, dir))))
	}
}

func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range entries {
		out[e.Name()] = read(t, filepath.Join(dir, e.Name()))
	}
	return out
}

func TestWhatAKilledWriterLeftIsSwept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old, young := filepath.Join(dir, ".main.csv.OLD"), filepath.Join(dir, ".main.csv.YOUNG")
	for _, path := range []string{old, young} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(old, time.Time{}, time.Now().Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := report.Write(t.Context(), autumn(), ledger.Key{Campaign: "a", Issue: "main"}, dir, options()); err != nil {
		t.Fatal(err)
	}
	got := snapshot(t, dir)
	if _, ok := got[filepath.Base(old)]; ok {
		t.Error("the old one is still there")
	}
	if _, ok := got[filepath.Base(young)]; !ok {
		t.Error("the young one may be another's work")
	}
}

func TestNoIssueNameLeavesTheFolder(t *testing.T) {
	t.Parallel()
	names := map[string]string{}
	for issue, want := range map[string]string{
		"main": "main", "2026-11-23T09:00": "2026-11-23T09-00", "第12期": "第12期",
		"../../etc/passwd": "_..-..-etc-passwd~", "": "_~", ".": "_.~", "..": "_..~", `a\b:c*?`: "a-b-c--~", "a\x00b": "a-b~",
		"a:b": "a-b~", "a-b": "a-b", "main.failed": "main.failed~", "a\xffb": "a-b~",
		strings.Repeat("期", 100): strings.Repeat("期", 66) + "~",
	} {
		got := report.Name(issue)
		if !strings.HasSuffix(want, "~") && got != want || !strings.HasPrefix(got, want) || len(got) > len(want)+8 {
			t.Errorf("%q: got %q, want %q", issue, got, want)
		}
		if other := names[got]; other != "" {
			t.Errorf("%q and %q are both called %q", issue, other, got)
		}
		names[got] = issue
	}
}

// A hundred thousand entries are written without ever being held: the source
// makes them up as it goes, and the heap stays where it was.
func TestALongListTakesNoMoreMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds under -race")
	}
	const n = 100_000
	var most uint64
	source := endless{n, func() {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
	}}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	p := write(t, source, report.Options{Columns: []string{"name"}})
	if grown := int64(most) - int64(m.HeapAlloc); grown > 12<<20 {
		t.Errorf("the heap grew by %d KB", grown>>10)
	}
	if lines := strings.Count(read(t, p.CSV), "\r\n"); lines != n+1 {
		t.Errorf("%d lines", lines)
	}
	if info, err := os.Stat(p.HTML); err != nil || info.Size() > 2<<20 {
		t.Errorf("the page: %v, %v", info.Size(), err)
	}
}

type endless struct {
	n    int
	look func()
}

func (s endless) entry(i int) ledger.Entry {
	states := ledger.States()
	return ledger.Entry{
		ID: int64(i + 1), Line: i + 2, Address: "someone@example.com", State: states[i%len(states)], Code: 550,
		Reply: "The recipient may contain a non-existent account", Ended: at("2026-11-23T01:00:00Z").Add(time.Duration(i) * time.Second),
		Fields: map[string]string{"name": "张三"},
	}
}

func (s endless) Entries(context.Context, ledger.Key, ledger.Filter) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		for i := range s.n {
			if i%(s.n/8) == s.n/16 {
				s.look()
			}
			if !yield(s.entry(i), nil) {
				return
			}
		}
	}
}

func (s endless) Totals(context.Context, ledger.Key) (ledger.Totals, error) {
	t := ledger.Totals{Rows: s.n}
	for _, state := range ledger.States() {
		t.Add(state, s.n/8)
	}
	return t, nil
}

func TestForeignTextIsShownAndNotObeyed(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"550 no\r\nsuch\tuser": "550 no such user", "\x1b]0;title\a": `\u001b]0;title\u0007`, "a\u202Eb": `a\u202eb`, "a\u0085b\u2028c": `a\u0085b\u2028c`,
		"张三 👨‍👩‍👧": "张三 👨‍👩‍👧", "\xff": `\ufffd`, "": "", "a\u200bb\ufeff": `a\u200bb\ufeff`,
	} {
		if got := report.Printable(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
