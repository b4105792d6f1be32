package list_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"hongyan/internal/list"
)

// holds checks what must be true of whatever was opened.
func holds(t *testing.T, path string) {
	l, err := list.Open(path, list.Options{})
	if err != nil {
		_ = err.Error()
		return
	}
	defer l.Close() //nolint:errcheck // only read from
	columns := map[string]bool{}
	for _, name := range l.Columns() {
		if name == "" || columns[name] {
			t.Errorf("the header has %q", l.Columns())
		}
		columns[name] = true
	}
	last, rows := 1, 0
	for r, err := range l.Recipients() {
		if err != nil {
			_ = err.Error()
			return
		}
		if r.Line <= last && rows > 0 || r.Line < 1 {
			t.Errorf("line %d comes behind line %d", r.Line, last)
		}
		if last, rows = r.Line, rows+1; (r.Fault == nil) != (r.Address != "") {
			t.Errorf("line %d: %q with the fault %v", r.Line, r.Address, r.Fault)
		}
		for name := range r.Fields {
			if !columns[name] {
				t.Errorf("line %d has the unknown field %q", r.Line, name)
			}
		}
	}
	if s, err := l.Survey(); err != nil || s.Rows != rows || s.Good+s.FaultCount != rows {
		t.Errorf("%d rows, but the survey has %+v, %v", rows, s, err)
	}
}

func FuzzCSV(f *testing.F) {
	gbk, err := simplifiedchinese.GB18030.NewEncoder().String(members)
	if err != nil {
		f.Fatal(err)
	}
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(members)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{members, gbk, utf16, "sep=;\nemail;x\na@b.cn;\"\n\n", "email,a\n\"a@b.cn\nb\"\"\",c\n\"", "email\r\r\na@b.cn\r", "email,\"x\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "l")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		holds(t, path)
	})
}

func FuzzSheet(f *testing.F) {
	f.Add(sheet(headRow + `<row>` + mail(`<c s="1"><v>46349.5</v></c>`) + `</row>`))
	f.Add(sheet(headRow + `<row r="9" hidden="1"><c r="B9"><f>x</f></c><c r="A9" t="inlineStr"><is><r><t>a@b.cn</t></r></is></c></row>`))
	f.Add(`<worksheet><sheetData><row r="1"><c r="ZZZZZZZZ1"/></row>`)
	f.Fuzz(func(t *testing.T, part string) {
		holds(t, packed(t, parts(map[string]string{"xl/worksheets/s.xml": part})))
	})
}
