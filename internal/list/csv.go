package list

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/transform"

	"hongyan/internal/fault"
)

// csvTable is a CSV file as rows with the numbers of their lines.
type csvTable struct {
	path  string
	guard *guard
	csv   *csv.Reader
}

// openCSV finds out how the file is encoded and what parts its fields.
func (l *List) openCSV(o Options) error {
	if l.size > maxCSV {
		return fault.Faults{fault.At(l.path, 0, "the list is larger than %d MiB", maxCSV>>20)}
	}
	if o.Sheet != "" {
		return fault.Faults{o.fault("sheet", "the list is CSV, which has no sheets").Hinted("leave sheet: out, or name the workbook")}
	}
	code, err := charsetOf(l.file, l.size, o)
	if err != nil {
		return err
	}
	first, err := firstLine(l.text(code))
	if err != nil {
		return err
	}
	comma, said, f := delimiter(o, first)
	if f != nil {
		return fault.Faults{f}
	}
	l.assumed = Assumed{Format: "CSV", Encoding: code.name, BOM: code.bom > 0, Delimiter: delimiterName(comma)}
	l.read = func() (table, error) {
		t := newCSV(l.text(code), comma)
		if said { // the line "sep=;" is for Excel
			_, err := t.next()
			return t, err
		}
		return t, nil
	}
	return nil
}

// text returns the file from its beginning as guarded UTF-8.
func (l *List) text(code charset) *guard {
	var r io.Reader = io.NewSectionReader(l.file, int64(code.bom), l.size-int64(code.bom))
	if code.code != nil {
		r = transform.NewReader(r, code.code.NewDecoder())
	}
	return &guard{r: r, path: l.path, code: code, line: 1}
}

func newCSV(g *guard, comma rune) *csvTable {
	r := csv.NewReader(bufio.NewReaderSize(g, slack))
	r.Comma = comma
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	return &csvTable{path: g.path, guard: g, csv: r}
}

func (t *csvTable) Close() error { return nil }

func (t *csvTable) next() (row, error) {
	t.guard.begin()
	cells, err := t.csv.Read()
	if t.guard.broken != nil && err != nil {
		return row{}, fault.Faults{t.guard.broken}
	}
	if err == nil {
		line, _ := t.csv.FieldPos(0)
		for i, cell := range cells {
			cells[i] = unmarked(cell)
		}
		return row{line: line, cells: cells}, nil
	}
	bad, ok := errors.AsType[*csv.ParseError](err)
	switch {
	case err == io.EOF:
		return row{}, io.EOF
	case !ok:
		return row{}, fmt.Errorf("list: %w", err)
	case bad.StartLine != bad.Line: // rows may have been swallowed, nobody knows how many
		return row{}, fault.Faults{fault.At(t.path, bad.StartLine, "a quote is opened in this row and not closed well before line %d", bad.Line).
			Hinted(`a quote inside a quoted field is written ""`)}
	}
	return row{line: bad.Line, fault: fault.At("", 0, "a quote stands in the wrong place (character %d of the line)", bad.Column).
		Hinted(`a field with a quote in it is written in quotes, with the quote doubled: "5"" disk"`)}, nil
}

// unmarked is a cell without the apostrophe that programs, our reports among them,
// put before what a spreadsheet would otherwise compute (CWE-1236).
func unmarked(cell string) string {
	rest, marked := strings.CutPrefix(cell, "'")
	if !marked {
		return cell
	}
	seen := strings.TrimLeftFunc(rest, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || r == 0 })
	if r, _ := utf8.DecodeRuneInString(seen); strings.ContainsRune("=+-@＝＋－＠", r) || len(rest) > 0 && strings.IndexByte("\t\r\x00", rest[0]) >= 0 {
		return rest
	}
	return cell
}

// delimiters are tried in this order; the first of equals wins.
const delimiters = ",;\t|"

// delimiter finds what parts the fields by the header; said tells that the
// first line is Excel's own "sep=;" and no row.
func delimiter(o Options, first string) (comma rune, said bool, f *fault.Fault) {
	if rest, ok := strings.CutPrefix(strings.ToLower(first), "sep="); ok && utf8.RuneCountInString(rest) == 1 {
		comma, _ = utf8.DecodeRuneInString(rest)
		return comma, true, nil
	}
	if o.Delimiter != "" {
		comma, ok := toldDelimiter(o.Delimiter)
		if !ok {
			return 0, false, o.fault("delimiter", "the delimiter %q is not one character", o.Delimiter).
				Hinted(`write "," or ";" or tab or "|"`)
		}
		return comma, false, nil
	}
	comma, most := ',', 0
	for _, try := range delimiters {
		if n := countOutside(first, try); n > most {
			comma, most = try, n
		}
	}
	if most == 0 && strings.ContainsAny(first, "，；、") {
		return 0, false, fault.At("", 1, "the header is parted by a full-width mark").
			Hinted("write it and the rows with the plain comma ,")
	}
	return comma, false, nil
}

func toldDelimiter(s string) (rune, bool) {
	switch strings.ToLower(s) {
	case "tab", `\t`:
		return '\t', true
	}
	r, n := utf8.DecodeRuneInString(s)
	ok := n == len(s) && r != utf8.RuneError && !strings.ContainsRune("\"\r\n", r)
	return r, ok
}

func delimiterName(r rune) string {
	if r == '\t' {
		return "tab"
	}
	return string(r)
}

// countOutside counts a character where it does not stand in quotes.
func countOutside(s string, char rune) int {
	n, quoted := 0, false
	for _, r := range s {
		switch {
		case r == '"':
			quoted = !quoted
		case r == char && !quoted:
			n++
		}
	}
	return n
}

// firstLine returns the first line that is not blank, with the lines that its
// quotes join to it.
func firstLine(g *guard) (string, error) {
	r := bufio.NewReaderSize(g, slack)
	var line strings.Builder
	for {
		part, err := r.ReadString('\n')
		line.WriteString(part)
		if g.broken != nil && err != nil {
			return "", fault.Faults{g.broken}
		}
		if err != nil && err != io.EOF {
			return "", fmt.Errorf("list: %w", err)
		}
		whole := strings.Count(line.String(), `"`)%2 == 0
		if err == io.EOF || whole && strings.TrimSpace(line.String()) != "" {
			return strings.TrimSpace(line.String()), nil
		}
	}
}
