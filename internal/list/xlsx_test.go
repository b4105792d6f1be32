package list_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"hongyan/internal/fault"
	"hongyan/internal/list"
)

// workbook saves a workbook that fill has filled.
func workbook(t testing.TB, fill func(f *excelize.File, set func(cell string, value any, style *excelize.Style))) string {
	t.Helper()
	f := excelize.NewFile()
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	fill(f, func(cell string, value any, style *excelize.Style) {
		must(f.SetCellValue("Sheet1", cell, value))
		if style != nil {
			id, err := f.NewStyle(style)
			must(err)
			must(f.SetCellStyle("Sheet1", cell, cell, id))
		}
	})
	path := filepath.Join(t.TempDir(), "list.xlsx")
	must(f.SaveAs(path))
	must(f.Close())
	return path
}

func custom(code string) *excelize.Style { return &excelize.Style{CustomNumFmt: &code} }

func TestASheetIsReadAsItIsSeen(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
	cells := []struct {
		value any
		style *excelize.Style
		want  string
	}{
		{"张三", nil, "张三"},
		{13812345678, nil, "13812345678"},
		{"00000000", nil, "00000000"},
		{7, custom("000000"), "000007"},
		{day, &excelize.Style{NumFmt: 14}, "2026-11-23"},
		{day, &excelize.Style{NumFmt: 22}, "2026-11-23 09:30"},
		{day.Add(15 * time.Second), custom("yyyy/m/d h:mm:ss"), "2026-11-23 09:30:15"},
		{day, custom(`yyyy"年"m"月"d"日";@`), "2026-11-23"},
		{day, custom(`[$-804]m"月"d"日"`), "2026-11-23"},
		{day, &excelize.Style{NumFmt: 31}, "2026-11-23"},
		{0.39583333333333331, &excelize.Style{NumFmt: 20}, "09:30"},
		{1.5, custom("[h]:mm"), "36:00"},
		{1.5, custom("[hh]:mm;@"), "36:00"},
		{1.5, custom("[mm]:ss"), "2160:00"},
		{1.5, &excelize.Style{NumFmt: 46}, "36:00:00"},
		{1.5, custom(`[$-804][h]"小时"mm"分"`), "36小时00分"},
		{46349, nil, "46349"},
		{2312312321.12312, &excelize.Style{NumFmt: 11}, "2312312321.12312"},
		{1.5e20, nil, "150000000000000000000"},
		{0.1 + 0.2, nil, "0.3"},
		{-1.5, nil, "-1.5"},
		{1234.5, &excelize.Style{NumFmt: 4}, "1,234.50"},
		{0.12, &excelize.Style{NumFmt: 9}, "12%"},
		{99.9, custom(`"¥"#,##0.00`), "¥99.90"},
		{42, custom(`G/通用格式`), "42"},
		{42, &excelize.Style{NumFmt: 49}, "42"},
		{true, nil, "TRUE"},
		{"two\nlines", nil, "two\nlines"},
		{"", nil, ""},
	}
	path := workbook(t, func(_ *excelize.File, set func(string, any, *excelize.Style)) {
		set("A1", "email", nil)
		set("B1", "v", nil)
		for i, c := range cells {
			set(fmt.Sprintf("A%d", i+2), "a@b.cn", nil)
			set(fmt.Sprintf("B%d", i+2), c.value, c.style)
		}
	})
	l := open(t, path, list.Options{})
	i := 0
	for r, err := range l.Recipients() {
		if err != nil || r.Fault != nil {
			t.Fatal(err, r.Fault)
		}
		if got := r.Fields["v"]; got != cells[i].want || r.Line != i+2 {
			t.Errorf("row %d, %v: got %q, want %q", r.Line, cells[i].value, got, cells[i].want)
		}
		i++
	}
	if i != len(cells) {
		t.Errorf("%d rows of %d", i, len(cells))
	}
	if a := l.Assumed(); a.Format != "XLSX" || a.Sheet != "Sheet1" || a.EmailColumn != "email" {
		t.Errorf("assumed %+v", a)
	}
}

func TestWhatASheetHidesIsTold(t *testing.T) {
	t.Parallel()
	path := workbook(t, func(f *excelize.File, set func(string, any, *excelize.Style)) {
		set("A1", "邮箱", nil)
		set("B1", "v", nil)
		set("C1", "w", nil)
		set("A3", "a@b.cn", nil)
		set("A4", "b@b.cn", nil)
		set("B4", 110101199003071234, nil)
		set("A5", "c@b.cn", nil)
		set("B5", "110101199003071234", nil)
		set("A7", "d@b.cn", nil)
		for cell, formula := range map[string]string{"B7": "1+1", "C7": "1/0"} {
			if err := f.SetCellFormula("Sheet1", cell, formula); err != nil {
				t.Error(err)
			}
		}
		if err := f.SetRowVisible("Sheet1", 4, false); err != nil {
			t.Error(err)
		}
	})
	l := open(t, path, list.Options{})
	want(t, read(t, l, "v", "w"), `3 a@b.cn "" ""
4 b@b.cn "110101199003071234" ""
5 c@b.cn "110101199003071234" ""
7 d@b.cn "-" "-"`)
	s, err := l.Survey()
	if err != nil {
		t.Fatal(err)
	}
	var notes []string
	for _, n := range s.Notes {
		notes = append(notes, fmt.Sprint(n.Line, " ", n.Text.String()))
	}
	want(t, strings.Join(notes, "\n"), `4 column B (2): 110101199003071234 is a number of more than 15 digits, of which spreadsheets lose the last; keep it as text
4 the row is hidden in the sheet and is read like the others
7 column B (2): a formula without its value is taken as missing; open the file in a spreadsheet program and save it
7 column C (3): a formula without its value is taken as missing; open the file in a spreadsheet program and save it`)
	if s.HiddenRows != 1 || l.Assumed().HiddenRows != 1 {
		t.Errorf("hidden: %d and %d", s.HiddenRows, l.Assumed().HiddenRows)
	}
}

func TestTheFirstVisibleSheetIsTheList(t *testing.T) {
	t.Parallel()
	path := workbook(t, func(f *excelize.File, set func(string, any, *excelize.Style)) {
		set("A1", "email", nil)
		set("A2", "first@b.cn", nil)
		for _, name := range []string{"名单", "备份"} {
			if _, err := f.NewSheet(name); err != nil {
				t.Error(err)
			}
			if err := errors.Join(f.SetCellValue(name, "A1", "email"), f.SetCellValue(name, "A2", name[:0]+"a@b.cn")); err != nil {
				t.Error(err)
			}
		}
		f.SetActiveSheet(1)
		if err := f.SetSheetVisible("Sheet1", false); err != nil {
			t.Error(err)
		}
	})
	l := open(t, path, list.Options{})
	if got := l.Assumed().Sheet; got != "名单" {
		t.Errorf("sheet %q", got)
	}
	want(t, read(t, open(t, path, list.Options{Sheet: "Sheet1"})), "2 first@b.cn")
	_, err := list.Open(path, list.Options{Sheet: "名単", File: "c.yaml", Lines: map[string]int{"sheet": 3}})
	if err == nil || err.Error() != "c.yaml:3: the workbook has no sheet \"名単\"\n    did you mean \"名单\"?" {
		t.Errorf("got %v", err)
	}
}

// parts are the least that a workbook needs; a test puts its own in their place.
func parts(own map[string]string) map[string]string {
	const rels = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
	const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	all := map[string]string{
		"_rels/.rels":                `<?xml version="1.0"?>` + rels + `<Relationship Id="r" Type="` + office + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml":            `<workbook xmlns:r="` + office + `"><workbookPr date1904="1"/><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": rels + `<Relationship Id="r1" Type="` + office + `/worksheet" Target="/xl/worksheets/s.xml"/><Relationship Id="r2" Type="` + office + `/sharedStrings" Target="t.xml"/><Relationship Id="r3" Type="` + office + `/styles" Target="styles.xml"/></Relationships>`,
		"xl/t.xml":                   `<sst><si><t>email</t></si><si><r><t>张</t></r><r><t>三</t></r><rPh><t>zhang</t></rPh></si></sst>`,
		"xl/styles.xml":              `<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>`,
		"xl/worksheets/s.xml":        sheet(`<row><c t="s"><v>0</v></c><c t="inlineStr"><is><t>v</t></is></c></row>`),
	}
	maps.Copy(all, own)
	return all
}

func sheet(rows string) string {
	return `<worksheet><sheetData>` + rows + `</sheetData></worksheet>`
}

const headRow = `<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="str"><v>v</v></c></row>`

func packed(t testing.TB, all map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		part, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(all[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "list.xlsx")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func mail(rest string) string { return `<c t="str"><v>a@b.cn</v></c>` + rest }

func TestAListOnAnotherSheetIsLookedForThere(t *testing.T) {
	t.Parallel()
	path := workbook(t, func(f *excelize.File, set func(cell string, value any, style *excelize.Style)) {
		set("A1", "说明", nil)
		for _, name := range []string{"名单", "旧的", "图"} {
			if _, err := f.NewSheet(name); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.SetSheetVisible("旧的", false); err != nil {
			t.Fatal(err)
		}
	})
	_, err := list.Open(path, list.Options{})
	want := "list.xlsx:1: the sheet Sheet1 has no column of addresses\n    the workbook has others: 名单, 图; say which holds the list with sheet:"
	if err == nil || short(err) != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if _, err = list.Open(path, list.Options{Sheet: "Sheet1"}); err == nil || !strings.Contains(err.Error(), "name it email or 邮箱") {
		t.Errorf("a sheet that was told: %v", err)
	}
}

func TestATitleInMergedCellsIsNoHeader(t *testing.T) {
	t.Parallel()
	_, err := list.Open(workbook(t, func(f *excelize.File, set func(cell string, value any, style *excelize.Style)) {
		set("A1", "2026 名单", nil)
		set("A2", "姓名", nil)
		set("B2", "邮箱", nil)
		set("B3", "a@b.cn", nil)
		if err := f.MergeCell("Sheet1", "A1", "B1"); err != nil {
			t.Fatal(err)
		}
	}), list.Options{})
	if err == nil || !strings.Contains(err.Error(), "this is not the header, which seems to stand in line 2") {
		t.Errorf("got %v", err)
	}
}

func TestEveryKindOfCellHasItsText(t *testing.T) {
	t.Parallel()
	for cell, text := range map[string]string{
		`<c t="s"><v>1</v></c>`:                        "张三",
		`<c t="s"><v>9</v></c>`:                        "-",
		`<c t="e"><v>#N/A</v></c>`:                     "-",
		`<c><f>A1</f></c>`:                             "-",
		`<c><f>A1</f><v>3</v></c>`:                     "3",
		`<c t="str"><f>A1</f><v>x_x000D_y</v></c>`:     "x\ry",
		`<c t="b"><v>0</v></c>`:                        "FALSE",
		`<c t="d"><v>2026-11-23T00:00:00</v></c>`:      "2026-11-23",
		`<c t="d"><v>2026-11-23T09:30:00</v></c>`:      "2026-11-23 09:30:00",
		`<c s="1"><v>44887</v></c>`:                    "2026-11-23", // from 1904
		`<c s="1"><v>-1</v></c>`:                       "-1",
		`<c s="99"><v>1.50</v></c>`:                    "1.5",
		`<c><v>1E+3</v></c>`:                           "1000",
		`<c><v> 12 </v></c>`:                           "12",
		`<c><v>odd</v></c>`:                            "odd",
		`<c t="str"><v>x_x005F_x000D_</v></c>`:         "x_x000D_",
		`<c t="str"><f>A1</f><v></v></c>`:              "",
		`<c/>`:                                         "",
		`<c t="inlineStr"><is><t> a </t></is></c>`:     " a ",
		`<!-- --><c><v>1</v><extLst><x/></extLst></c>`: "1",
	} {
		path := packed(t, parts(map[string]string{"xl/worksheets/s.xml": sheet(headRow + `<row r="4">` + mail(cell) + `</row>`)}))
		want(t, read(t, open(t, path, list.Options{}), "v"), fmt.Sprintf("4 a@b.cn %q", text))
	}
}

func TestABrokenWorkbookIsAFaultAndNotAShorterList(t *testing.T) {
	t.Parallel()
	row := `<row>` + mail("") + `</row>`
	for name, c := range map[string]struct {
		own  map[string]string
		want string
	}{
		"character that XML cannot hold": {map[string]string{"xl/worksheets/s.xml": sheet(headRow + row + "<row>" + mail("<c t=\"str\"><v>\x01</v></c>") + "</row>" + row)}, "illegal character"},
		"sheet that breaks off":          {map[string]string{"xl/worksheets/s.xml": `<worksheet><sheetData>` + headRow + row + "<row><c>"}, "unexpected EOF"},
		"sheet that ends early":          {map[string]string{"xl/worksheets/s.xml": `<worksheet><sheetData>` + headRow + row}, "unexpected EOF"},
		"rows out of order":              {map[string]string{"xl/worksheets/s.xml": sheet(headRow + `<row r="3"/><row r="2">` + mail("") + `</row>`)}, `a row is numbered "2" behind row 3`},
		"row beyond the last":            {map[string]string{"xl/worksheets/s.xml": sheet(headRow + `<row r="2147483648">` + mail("") + `</row>`)}, "a row is numbered"},
		"entities":                       {map[string]string{"xl/worksheets/s.xml": `<!DOCTYPE x [<!ENTITY a "aaaa">]>` + sheet(headRow)}, "a document type is declared"},
		"no sheet":                       {map[string]string{"xl/_rels/workbook.xml.rels": `<Relationships/>`}, "no visible sheet"},
		"no workbook":                    {map[string]string{"_rels/.rels": `<Relationships/>`}, "it has no officeDocument"},
		"broken texts":                   {map[string]string{"xl/t.xml": `<sst><si><t>email`}, "xl/t.xml"},
		"blank sheet":                    {map[string]string{"xl/worksheets/s.xml": sheet("")}, "the list is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := list.Open(packed(t, parts(c.own)), list.Options{})
			if err == nil {
				err = fault.Faults{}.Err()
				for _, broken := range l.Recipients() {
					err = broken
				}
			}
			if _, ok := errors.AsType[fault.Faults](err); !ok || !strings.Contains(short(err), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestRowsAndCellsOfASheetHaveALimit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 64<<10+1)
	path := packed(t, parts(map[string]string{"xl/worksheets/s.xml": sheet(headRow +
		`<row>` + mail(`<c t="str"><v>`+long+`</v></c>`) + `</row>` +
		`<row>` + mail(`<c r="XFD3" t="str"><v>x</v></c>`) + `</row>` +
		`<row>` + mail(`<c/><c t="str"><v>x</v></c>`) + `</row>` +
		`<row>` + mail(`<c/><c r="ZZZ5"/>`) + `</row>`)}))
	want(t, read(t, open(t, path, list.Options{}), "v"), `2  "-" fault list.xlsx:2: the row or its field in column B (2) is too long
3  "-" fault list.xlsx:3: the row has more than 1000 columns
4  "" fault list.xlsx:4: the row has 3 fields and the header 2
    a field that holds the delimiter or a line break must stand in quotes
5 a@b.cn ""`)
}

func TestAPartIsNeverUnzippedBeyondItsLimit(t *testing.T) {
	t.Parallel()
	for says, want := range map[uint64]string{
		20:       "xl/styles.xml: zip: not a valid zip file", // and is larger
		17 << 20: "xl/styles.xml in the workbook is larger than 16 MiB",
		1 << 63:  "xl/styles.xml in the workbook is larger than 16 MiB",
	} {
		_, err := list.Open(file(t, lying(t, "xl/styles.xml", says)), list.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: got %v", says, err)
		}
	}
}

// lying returns a workbook in which a part says that it has another size.
func lying(t *testing.T, about string, size uint64) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	all := parts(nil)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		n := uint64(len(all[name]))
		h := &zip.FileHeader{Name: name, Method: zip.Store, CompressedSize64: n, UncompressedSize64: n}
		if name == about {
			h.UncompressedSize64 = size
		}
		part, err := w.CreateRaw(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(all[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
