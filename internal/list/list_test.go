package list_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"

	"hongyan/internal/fault"
	"hongyan/internal/list"
)

// file writes a list and returns its path.
func file(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func encoded(t *testing.T, e encoding.Encoding, text string) string {
	t.Helper()
	out, err := e.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func open(t testing.TB, path string, o list.Options) *list.List {
	t.Helper()
	l, err := list.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// read returns the recipients in short: "2 li@qq.com 北京" with the named fields.
func read(t testing.TB, l *list.List, fields ...string) string {
	t.Helper()
	var out []string
	for r, err := range l.Recipients() {
		if err != nil {
			out = append(out, "error "+short(err))
			break
		}
		var line strings.Builder
		line.WriteString(fmt.Sprintf("%d %s", r.Line, r.Address))
		for _, name := range fields {
			value, ok := r.Fields[name]
			if !ok {
				value = "-"
			}
			line.WriteString(fmt.Sprintf(" %q", value))
		}
		if r.Fault != nil {
			line.WriteString(" fault " + short(r.Fault))
		}
		out = append(out, line.String())
	}
	return strings.Join(out, "\n")
}

// short leaves the folder out of an error.
func short(err error) string {
	text := err.Error()
	for word := range strings.FieldsSeq(text) {
		if dir := filepath.Dir(word); filepath.IsAbs(dir) && dir != "/" {
			text = strings.ReplaceAll(text, dir+"/", "")
		}
	}
	return text
}

func want(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

const members = "邮箱,姓名,城市\r\nzhang@qq.com,张三,北京\r\nli@163.com,李四,\"上海\r\n浦东\"\r\n\r\nwang@example.com,王五,广州\r\n"

const membersRead = `2 zhang@qq.com "张三" "北京"
3 li@163.com "李四" "上海\n浦东"
6 wang@example.com "王五" "广州"`

func TestAListIsReadInTheEncodingItCameIn(t *testing.T) {
	t.Parallel()
	utf16le := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	utf16be := unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	for name, c := range map[string]struct {
		content  string
		o        list.Options
		encoding string
	}{
		"UTF-8":              {members, list.Options{}, "UTF-8"},
		"UTF-8 with BOM":     {"\ufeff" + members, list.Options{}, "UTF-8"},
		"UTF-8 told":         {"\ufeff" + members, list.Options{Encoding: "utf8"}, "UTF-8"},
		"GBK":                {encoded(t, simplifiedchinese.GBK, members), list.Options{}, "GB18030"},
		"GB18030":            {encoded(t, simplifiedchinese.GB18030, members), list.Options{}, "GB18030"},
		"GBK told":           {encoded(t, simplifiedchinese.GBK, members), list.Options{Encoding: "GBK"}, "GB18030"},
		"UTF-16LE":           {encoded(t, utf16le, members), list.Options{}, "UTF-16LE"},
		"UTF-16BE":           {encoded(t, utf16be, members), list.Options{}, "UTF-16BE"},
		"UTF-16BE as UTF-16": {encoded(t, utf16be, members), list.Options{Encoding: "utf-16"}, "UTF-16BE"},
		"UTF-16LE told":      {encoded(t, utf16le, members)[2:], list.Options{Encoding: "utf-16le"}, "UTF-16LE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := open(t, file(t, c.content), c.o)
			want(t, read(t, l, "姓名", "城市"), membersRead)
			if a := l.Assumed(); a.Encoding != c.encoding || a.EmailColumn != "邮箱" || a.EmailBy != "header" || a.Format != "CSV" {
				t.Errorf("assumed %+v", a)
			}
		})
	}
}

func TestAnOldEncodingMustBeTold(t *testing.T) {
	t.Parallel()
	big5 := encoded(t, traditionalchinese.Big5, "電郵,姓名\na@b.tw,陳大文\n")
	l := open(t, file(t, big5), list.Options{Encoding: "big5"})
	want(t, read(t, l, "姓名"), `2 a@b.tw "陳大文"`)
	sjis := encoded(t, japanese.ShiftJIS, "email,name\na@b.jp,田中\n")
	l = open(t, file(t, sjis), list.Options{Encoding: "Shift_JIS"})
	want(t, read(t, l, "name"), `2 a@b.jp "田中"`)
}

func TestAFewGBKBytesThatAreValidUTF8AreStillChinese(t *testing.T) {
	t.Parallel()
	// 联通 is the classic that editors got wrong: C1 AA CD A8 has the form of UTF-8.
	l := open(t, file(t, encoded(t, simplifiedchinese.GBK, "email,name\na@b.cn,联通\n")), list.Options{})
	want(t, read(t, l, "name"), `2 a@b.cn "联通"`)
	// C4 A3 in GBK is 模; as UTF-8 it is ģ.
	l = open(t, file(t, "email,name\na@b.cn,\xc4\xa3\n"), list.Options{})
	want(t, read(t, l, "name"), `2 a@b.cn "模"`)
}

func TestEuropeanUTF8IsNotTakenForChinese(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"José García", "Müller", "Иван Петров", "Ελένη"} {
		l := open(t, file(t, "email,name\na@b.cn,"+name+"\n"), list.Options{})
		want(t, read(t, l, "name"), fmt.Sprintf("2 a@b.cn %q", name))
	}
}

// padding is so many rows of ASCII, longer than what is looked at at once.
func padding(rows int) string {
	var b strings.Builder
	for i := range rows {
		fmt.Fprintf(&b, "user%d@example.com,plain\n", i)
	}
	return b.String()
}

func TestTheFirstCharacterBeyondASCIIDecidesHoweverLateItComes(t *testing.T) {
	t.Parallel()
	head := "email,name\n" + padding(6000)
	for _, e := range []encoding.Encoding{simplifiedchinese.GBK, encoding.Nop} {
		l := open(t, file(t, head+encoded(t, e, "a@b.cn,张三\n")), list.Options{Rows: "6002-"})
		want(t, read(t, l, "name"), `6002 a@b.cn "张三"`)
	}
}

func TestAnEncodingThatChangesIsAFaultAtItsLine(t *testing.T) {
	t.Parallel()
	head := "email,name\na@b.cn,张三丰\n" + padding(6000)
	gbk := encoded(t, simplifiedchinese.GBK, "b@b.cn,李四\n")
	l := open(t, file(t, head+gbk), list.Options{Rows: "1-3,6000-"})
	if got := read(t, l); !strings.Contains(got, "error list.csv:6003: this is not UTF-8") || !strings.Contains(got, "encoding:") {
		t.Errorf("got\n%s", got)
	}
	l = open(t, file(t, encoded(t, simplifiedchinese.GBK, head)+"b@b.cn,\xff\xff\n"), list.Options{Rows: "6000-"})
	if got := read(t, l); !strings.Contains(got, "error list.csv:6003: this is not GB18030") {
		t.Errorf("got\n%s", got)
	}
}

func TestADelimiterIsFoundByTheHeader(t *testing.T) {
	t.Parallel()
	for content, name := range map[string]string{
		"email;name\na@b.cn;x,y\n":               ";",
		"email\tname\na@b.cn\tx,y\n":             "tab",
		"email|name\na@b.cn|x,y\n":               "|",
		"email,name\na@b.cn,\"x,y\"\n":           ",",
		"\n\n\"email\",\"name\"\na@b.cn,\"x,y\"": ",",
		"sep=;\nemail;name\na@b.cn;x,y\n":        ";",
		"\"a;b;c\",email,name\n1,a@b.cn,\"x,y\"": ",",
		"\"a\nb\"|email|name\n1|a@b.cn|x,y":      "|",
	} {
		l := open(t, file(t, content), list.Options{})
		if got := l.Assumed().Delimiter; got != name {
			t.Errorf("%q: delimiter %q, want %q", content, got, name)
		}
		if got := read(t, l, "name"); !strings.HasSuffix(got, `a@b.cn "x,y"`) {
			t.Errorf("%q: got %s", content, got)
		}
	}
	l := open(t, file(t, "email#name\na@b.cn#x\n"), list.Options{Delimiter: "#"})
	want(t, read(t, l, "name"), `2 a@b.cn "x"`)
}

func TestARowThatSlippedIsAFaultAndNotLost(t *testing.T) {
	t.Parallel()
	l := open(t, file(t, "email,name,city\n"+
		"a@b.cn,short\n"+
		"b@b.cn,long,x,y\n"+
		"c@b.cn,blank tail,x,,\n"+
		",nobody,x\n"+
		"d@b.cn,5\" disk,x\n"+
		"e@b.cn,\"q\"q,x\n"+
		",,\n"+
		"no-address,n,x\n"+
		"f@b.cn,good,x\n"), list.Options{})
	want(t, read(t, l, "city"), `2 a@b.cn "-"
3  "x" fault list.csv:3: the row has 4 fields and the header 3
    a field that holds the delimiter or a line break must stand in quotes
4 c@b.cn "x"
5  "x" fault list.csv:5: there is no address
6  "-" fault list.csv:6: a quote stands in the wrong place (character 9 of the line)
    a field with a quote in it is written in quotes, with the quote doubled: "5"" disk"
7  "-" fault list.csv:7: a quote stands in the wrong place (character 10 of the line)
    a field with a quote in it is written in quotes, with the quote doubled: "5"" disk"
9  "x" fault list.csv:9: "no-address" is not an address: there is no @
10 f@b.cn "x"`)
}

func TestValuesAreDataAndStayAsTheyAre(t *testing.T) {
	t.Parallel()
	values := []string{"李四\nBcc: x@evil.cn", "{{.Env}}", "**b** [x](https://e.cn)", " spaced ", "=1+1", `"quoted"`, "00012"}
	var b strings.Builder
	b.WriteString("email,v\n")
	for _, v := range values {
		fmt.Fprintf(&b, "a@b.cn,\"%s\"\n", strings.ReplaceAll(v, `"`, `""`))
	}
	l := open(t, file(t, b.String()), list.Options{})
	i := 0
	for r, err := range l.Recipients() {
		if err != nil || r.Fault != nil {
			t.Fatal(err, r.Fault)
		}
		if r.Fields["v"] != values[i] {
			t.Errorf("got %q, want %q", r.Fields["v"], values[i])
		}
		i++
	}
	if i != len(values) {
		t.Errorf("%d rows", i)
	}
}

func TestTheLinesOfAnOldMacAreOneFault(t *testing.T) {
	t.Parallel()
	_, err := list.Open(file(t, "email,name\ra@b.cn,x\rc@d.cn,y\r"), list.Options{})
	if faults, _ := errors.AsType[fault.Faults](err); len(faults) != 1 {
		t.Errorf("got %v", err)
	}
}

func TestAFileThatIsNoListIsRefused(t *testing.T) {
	t.Parallel()
	gbk := encoded(t, simplifiedchinese.GBK, members)
	for name, c := range map[string]struct {
		content string
		o       list.Options
		want    string
	}{
		"empty":            {"", list.Options{}, "the list is empty"},
		"blank":            {"\n \n,,\n", list.Options{}, "the list is empty"},
		"no header":        {"zhang@qq.com,张三\n", list.Options{}, "list.csv:1: zhang@qq.com stands in the header\n    the first line must name the columns"},
		"blank name":       {"email,,x\n", list.Options{}, "list.csv:1: column B (2) of the header has no name"},
		"twice":            {"\nemail,x, x\n", list.Options{}, `list.csv:2: the header has the name "x" twice, in the columns B (2) and C (3)`},
		"two faults":       {"email,,x,x\n", list.Options{}, "no name\n    name the column, or delete it\nlist.csv:1: the header has the name"},
		"two e-mails":      {"email,邮箱,x\n", list.Options{}, "list.csv:1: several columns could hold the addresses: email, 邮箱"},
		"no e-mail":        {"name,city\nx,y\n", list.Options{}, "list.csv:1: no column of addresses is found among name, city"},
		"unknown e-mail":   {"邮箱地,name\n", list.Options{Email: "邮箱"}, "list.csv: the list has no column \"邮箱\"\n    did you mean \"邮箱地\"?"},
		"a title":          {"名单,,\n,,\n姓名,邮箱,城市\n张三,a@b.cn,北京\n", list.Options{}, "list.csv:1: this is not the header, which seems to stand in line 3\n    delete the lines above it"},
		"a bare title":     {"名单\n\n姓名,邮箱,城市\n张三,a@b.cn,北京\n", list.Options{}, "seems to stand in line 3"},
		"two headers":      {"联系人,,城市\n姓名,邮箱,\n张三,a@b.cn,北京\n", list.Options{}, "seems to stand in line 2"},
		"a told title":     {"名单,\n姓名,登记处\n张三,a@b.cn\n", list.Options{Email: "登记处"}, "list.csv:1: this is not the header, which seems to stand in line 2"},
		"a value":          {"邮箱,,x\na@b.cn,邮箱,y\n", list.Options{}, "list.csv:1: column B (2) of the header has no name\n    name the column, or delete it"},
		"a web page":       {"\ufeff\r\n<HTML xmlns:o=\"x\"><table><tr><td>email</td></tr></table></HTML>", list.Options{}, "list.csv: this is a web page or XML, whatever its name says\n    open it in a spreadsheet program"},
		"XML":              {"<?xml version=\"1.0\"?>\n<Workbook/>\n", list.Options{}, "this is a web page or XML"},
		"old Mac":          {"email,name\ra@b.cn,x\r", list.Options{}, "list.csv:1: the lines end in a bare CR"},
		"a sheet of CSV":   {members, list.Options{Sheet: "名单"}, "the list is CSV, which has no sheets"},
		"full-width comma": {"邮箱，姓名\na@b.cn，张三\n", list.Options{}, "list.csv:1: the header is parted by a full-width mark"},
		"old Excel":        {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1....", list.Options{}, "an old .xls file or one with a password"},
		"broken zip":       {"PK\x03\x04 and no more", list.Options{}, "the workbook cannot be read"},
		"NUL":              {"email,name\na@b.cn,x\x00y\n", list.Options{}, "list.csv:2: a NUL byte stands in the text"},
		"UTF-16 unmarked":  {encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "email\na@b.cn\n"), list.Options{}, "utf-16le"},
		"neither":          {"email,name\na@b.cn,\xff\xfe\xff\n", list.Options{}, "neither UTF-8 nor GB18030"},
		"wrong mark":       {"\ufeff" + members, list.Options{Encoding: "gbk"}, "begins with the mark of UTF-8"},
		"told wrong":       {gbk, list.Options{Encoding: "utf-8"}, "list.csv:1: this is not UTF-8"},
		"encoding unknown": {members, list.Options{Encoding: "gb18031"}, `did you mean "gb18030"?`},
		"delimiter":        {members, list.Options{Delimiter: "::"}, `the delimiter "::" is not one character`},
		"rows":             {members, list.Options{Rows: "3,x"}, `rows: "x" is neither`},
		"rows backwards":   {members, list.Options{Rows: "14-9"}, `rows: "14-9" runs backwards`},
		"where column":     {members, list.Options{Where: `城 == "北京"`}, "where: the list has no column \"城\"\n    did you mean \"城市\"?"},
		"where row column": {members, list.Options{Where: `row["城市 "] == "北京"`}, "did you mean \"城市\"?"},
		"where syntax":     {members, list.Options{Where: `城市 ==`}, "where: unexpected token EOF"},
		"where no bool":    {members, list.Options{Where: `城市`}, "where: expected bool, but got string"},
		"columns":          {strings.Repeat("x,", 1001) + "email\n", list.Options{}, "more than 1000 columns"},
		"endless row":      {"email,name\na@b.cn,\"" + strings.Repeat("x\n", 600_000), list.Options{}, "is longer than 1024 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := list.Open(file(t, c.content), c.o)
			if err == nil {
				t.Fatalf("opened: %+v", l.Assumed())
			}
			if _, ok := errors.AsType[fault.Faults](err); !ok {
				t.Errorf("this is no fault: %v", err)
			}
			if got := short(err); !strings.Contains(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestAListThatIsNotThereIsAFault(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"nowhere.csv": "there is no such file", t.TempDir(): "this is not a file"} {
		_, err := list.Open(path, list.Options{})
		if _, ok := errors.AsType[fault.Faults](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v", err)
		}
	}
}

func TestFaultsOfOptionsStandWhereTheOptionsStand(t *testing.T) {
	t.Parallel()
	o := list.Options{Rows: "x", Where: "y == ''", File: "c.yaml", Lines: map[string]int{"rows": 7, "where": 8}}
	_, err := list.Open(file(t, members), o)
	if err == nil || !strings.HasPrefix(err.Error(), "c.yaml:7: rows") || !strings.Contains(err.Error(), "\nc.yaml:8: where") {
		t.Errorf("got %v", err)
	}
}

func TestAQuoteNeverClosedEndsTheListWithAFault(t *testing.T) {
	t.Parallel()
	l := open(t, file(t, "email,name\n"+padding(200)+"a@b.cn,\"open\nb@b.cn,x\nc@b.cn,y\n"), list.Options{Rows: "200-"})
	got := read(t, l)
	if !strings.Contains(got, "201 user199@example.com\nerror list.csv:202: a quote is opened in this row and not closed well before line 20") {
		t.Errorf("got\n%s", got)
	}
}

func TestFieldsAndRowsHaveALimit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 64<<10)
	l := open(t, file(t, "email,a,b\na@b.cn,"+long+",1\nb@b.cn,"+long+"x,2\nc@b.cn,x,3\n"), list.Options{})
	want(t, read(t, l, "b"), `2 a@b.cn "1"
3  "2" fault list.csv:3: the field a is longer than 64 KiB
4 c@b.cn "3"`)
}

func TestTheColumnOfAddressesIsFoundByItsName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"email", "E-Mail", "EMAIL", "mail", "e-mail address", "Email_Address", "邮箱", "邮 箱", "电子邮箱", "邮件", "邮箱地址",
		"电子邮件", "邮件地址", "Email地址", "Ｅｍａｉｌ", "信箱", "邮箱：", "* 邮箱", "郵箱", "QQ邮箱", "邮箱（必填）", "Email (required)", "*邮箱 [必填]", "【必填】邮箱",
	} {
		l := open(t, file(t, "x,"+name+",y\n1,a@b.cn,c@d.cn\n"), list.Options{})
		if a := l.Assumed(); a.EmailBy != "header" || a.EmailColumn != strings.TrimSpace(name) {
			t.Errorf("%s: assumed %+v", name, a)
		}
	}
}

func TestTheColumnOfAddressesIsFoundByWhatStandsInIt(t *testing.T) {
	t.Parallel()
	l := open(t, file(t, "联系,姓名\na@b.cn,张三\n,李四\nc@d.cn,王五\n"), list.Options{})
	if a := l.Assumed(); a.EmailColumn != "联系" || a.EmailBy != "content" {
		t.Errorf("assumed %+v", a)
	}
	l = open(t, file(t, "email,other\na@b.cn,c@d.cn\n"), list.Options{Email: "other"})
	want(t, read(t, l), "2 c@d.cn")
}

func TestRowsAreChosenByTheirLine(t *testing.T) {
	t.Parallel()
	for rows, lines := range map[string]string{
		"": "2 3 6", "3": "3", "2-3": "2 3", "3-": "3 6", "-3": "2 3", " 2 , 6 ": "2 6", "２，６": "2 6", "4-5": "", "1": "", "6,2": "2 6",
	} {
		var got []string
		for r, err := range open(t, file(t, members), list.Options{Rows: rows}).Recipients() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(r.Line))
		}
		if strings.Join(got, " ") != lines {
			t.Errorf("rows %q: lines %v, want %s", rows, got, lines)
		}
	}
}

func TestRowsAreChosenByACondition(t *testing.T) {
	t.Parallel()
	content := "email,城市,年龄,first name,count\na@b.cn,北京,31,Li,1\nb@b.cn,上海,28,Wu,2\nc@b.cn,北京\nd@b.cn,北京,many,Xu,3\n"
	for where, want := range map[string]string{
		`城市 == "北京"`:                      "2 a@b.cn\n4 c@b.cn\n5 d@b.cn",
		`城市 in ["上海", "广州"]`:              "3 b@b.cn",
		`row["first name"] == "Wu"`:       "3 b@b.cn",
		`row["first name"] contains "u"`:  "3 b@b.cn\n5 d@b.cn",
		`count == "3"`:                    "5 d@b.cn",
		`年龄 == ""`:                        "4 c@b.cn",
		`email matches "^[ab]@"`:          "2 a@b.cn\n3 b@b.cn",
		`城市 == "北京" && float(count) >= 3`: "2 a@b.cn\n5 d@b.cn",
	} {
		got := read(t, open(t, file(t, content), list.Options{Where: where}))
		if strings.Contains(where, "float") {
			if !strings.Contains(got, "4  fault list.csv:4: where: invalid operation: float()") || !strings.HasSuffix(got, "5 d@b.cn") {
				t.Errorf("%s: got\n%s", where, got)
			}
			continue
		}
		if got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", where, got, want)
		}
	}
}

func TestARowOnWhichTheConditionFailsIsReported(t *testing.T) {
	t.Parallel()
	l := open(t, file(t, "email,age\na@b.cn,31\nb@b.cn,x\n"), list.Options{Where: "int(age) > 30"})
	want(t, read(t, l), "2 a@b.cn\n3  fault list.csv:3: where: invalid operation: int(x)")
}

func TestAListCanBeRangedOverAgain(t *testing.T) {
	t.Parallel()
	l := open(t, file(t, members), list.Options{})
	for range l.Recipients() {
		break
	}
	want(t, read(t, l, "姓名", "城市"), membersRead)
	want(t, read(t, l, "姓名", "城市"), membersRead)
	if got := fmt.Sprint(l.Columns()); got != "[邮箱 姓名 城市]" {
		t.Errorf("columns %s", got)
	}
}

func TestASurveyCountsWhatIsThere(t *testing.T) {
	t.Parallel()
	l := open(t, file(t, "email,name\nbad,1\nA@qq.com,2\na@qq.con,3\na@QQ.com,4\nａ@qq.com,5\n,6\n"), list.Options{})
	s, err := l.Survey()
	if err != nil {
		t.Fatal(err)
	}
	if s.Rows != 6 || s.Good != 4 || s.FaultCount != 2 || s.DuplicateCount != 2 || s.NoteCount != 2 || s.Sample.Line != 3 {
		t.Errorf("got %+v", s)
	}
	if got := fmt.Sprint(s.Duplicates); got != "[{a@qq.com 5 3} {a@qq.com 6 3}]" {
		t.Errorf("duplicates %s", got)
	}
	if s.Notes[0].Text.String() != "qq.con: did you mean qq.com?" || s.Notes[0].Line != 4 || s.Notes[1].Line != 6 {
		t.Errorf("notes %v", s.Notes)
	}
}

func TestASurveyNamesAHundredAndCountsAll(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("email\n")
	for range 5000 {
		b.WriteString("bad\na@qq.con\n")
	}
	s, err := open(t, file(t, b.String()), list.Options{}).Survey()
	if err != nil {
		t.Fatal(err)
	}
	if s.Rows != 10000 || s.FaultCount != 5000 || s.DuplicateCount != 4999 || s.NoteCount != 5000 {
		t.Errorf("got %d rows, %d faults, %d duplicates, %d notes", s.Rows, s.FaultCount, s.DuplicateCount, s.NoteCount)
	}
	if len(s.Faults) != list.Shown || len(s.Duplicates) != list.Shown || len(s.Notes) != list.Shown {
		t.Error("more or less than a hundred are named")
	}
}

func TestEachAddressOfAGreatListIsSeenOnce(t *testing.T) {
	t.Parallel()
	s, err := open(t, file(t, "email,name\n"+padding(20_000)+padding(10)), list.Options{}).Survey()
	if err != nil {
		t.Fatal(err)
	}
	if s.DuplicateCount != 10 || s.Duplicates[9] != (list.Duplicate{Address: "user9@example.com", Line: 20_011, First: 11}) {
		t.Errorf("got %d: %v", s.DuplicateCount, s.Duplicates)
	}
}

func TestTheApostropheBeforeAFormulaIsNoPartOfTheValue(t *testing.T) {
	t.Parallel()
	l := open(t, file(t, "email,a,b,c,d\n'+li@example.com,'=1+1,'@li,'n Abend,O'Neil\n"), list.Options{})
	for r, err := range l.Recipients() {
		want := map[string]string{"email": "+li@example.com", "a": "=1+1", "b": "@li", "c": "'n Abend", "d": "O'Neil"}
		if err != nil || r.Address != "+li@example.com" || !maps.Equal(r.Fields, want) {
			t.Errorf("got %+v, %v", r, err)
		}
	}
}
