// Package list reads recipients from the files that people have: CSV in any
// encoding and with any delimiter that spreadsheets write, and XLSX. It gives a
// stream of recipients, and tells what it assumed, normalised and suspects. It
// must never know what the template needs, nor who was sent a mail already.
package list

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"

	"hongyan/internal/fault"
)

// Limits on what is read; beyond them a file is refused.
const (
	maxCSV     = 1 << 30   // bytes of a CSV file
	maxXLSX    = 100 << 20 // bytes of an XLSX file, as it is zipped
	maxRow     = 1 << 20   // bytes of a row
	maxField   = 64 << 10  // bytes of a field
	maxColumns = 1000
)

// Recipient is one row of the list.
type Recipient struct {
	Line    int               // from 1: the line of the file where the row begins (CSV) or the row of the sheet (XLSX)
	Address string            // addr-spec, domain in A-labels; "" when the row has none that is good
	Name    string            // the display name, if the address was written with one
	Fields  map[string]string // by column; a field that the row does not have is absent, an empty one is ""
	Fault   *fault.Fault      // if not nil the row cannot become a mail: to be reported, not lost
	Notes   []fault.Text      // what was read otherwise than written, and what looks like a slip
}

// Options say how to read a list where it is not found out: all may be "".
type Options struct {
	Encoding  string // "utf-8", "gb18030", "utf-16le", "big5" …
	Delimiter string // "," ";" "tab" "|" or any other character
	Sheet     string // of an XLSX file; otherwise the first visible one
	Email     string // the column of the addresses
	Rows      string // lines to read, as they are numbered everywhere: "3,9-14,22-"
	Where     string // condition on the row's fields: `城市 == "北京" && int(row["a b"]) > 5`

	File  string         // where these options stand, for faults: a campaign file
	Lines map[string]int // and on which line: "encoding", "delimiter", "sheet", "email", "rows", "where"
}

// fault returns the fault of one option at its place.
func (o Options) fault(key, format string, args ...any) *fault.Fault {
	return fault.At(o.File, o.Lines[key], format, args...)
}

// Assumed tells how the list is read, found out or told by Options.
type Assumed struct {
	Format      string // "CSV" or "XLSX"
	Encoding    string // of a CSV file: "UTF-8", "GB18030" …
	BOM         bool   // the file says its encoding itself
	Delimiter   string // of a CSV file: "," ";" "tab" "|"
	Sheet       string // of an XLSX file
	EmailColumn string
	EmailBy     string // why that column: "option", "header" or "content"
	HiddenRows  int    // hidden rows at the head of the sheet (the first 100); Survey counts them all
}

// List is an open list. The methods but Close may be used at the same time.
type List struct {
	path        string
	file        *os.File
	size        int64
	read        func() (table, error) // begins at the header, which is the first row
	assumed     Assumed
	header      header
	otherSheets []string // of the workbook: those that were not chosen and can be seen
	rows        ranges
	where       *filter // nil: every row
}

// table is a source of rows: CSV or a sheet. It ends with io.EOF; any other
// error is fault.Faults or a breakdown.
type table interface {
	next() (row, error)
	io.Closer
}

// row is one line of a table, header or not.
type row struct {
	line   int
	cells  []string
	absent []int // cells that are none: a formula without a value
	hidden bool
	notes  []fault.Text
	fault  *fault.Fault
}

// Open opens a list and reads its head: enough to know how to read the rest.
// What is wrong with it or with the options comes back as fault.Faults.
func Open(path string, o Options) (*List, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.Faults{fault.At(path, 0, "there is no such file")}
	}
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	l := &List{path: path, file: file}
	if err := l.open(o); err != nil {
		_ = file.Close() // only read from
		return nil, placed(err, path)
	}
	return l, nil
}

// placed gives the list's name to faults that have no file.
func placed(err error, path string) error {
	faults, _ := errors.AsType[fault.Faults](err)
	for _, f := range faults {
		if f.File == "" {
			f.File = path
		}
	}
	return err
}

func (l *List) open(o Options) error {
	info, err := l.file.Stat()
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fault.Faults{fault.At(l.path, 0, "this is not a file")}
	}
	l.size = info.Size()
	if err := l.recognise(o); err != nil {
		return err
	}
	if err := l.readHead(o); err != nil {
		return err
	}
	return l.choose(o)
}

// recognise finds out the format from the first bytes, whatever the file is called.
func (l *List) recognise(o Options) error {
	magic := make([]byte, 64)
	n, err := l.file.ReadAt(magic, 0)
	if err != nil && err != io.EOF {
		return fmt.Errorf("list: %w", err)
	}
	switch string(magic[:min(n, 4)]) {
	case "PK\x03\x04":
		return l.openBook(o)
	case "\xd0\xcf\x11\xe0": // the container of .xls and of encrypted .xlsx
		return fault.Faults{fault.At(l.path, 0, "this is an old .xls file or one with a password").
			Hinted("save it as .xlsx or as CSV, without a password")}
	case "":
		return fault.Faults{fault.At(l.path, 0, "the list is empty")}
	}
	if isPage(magic[:n]) {
		return fault.Faults{fault.At(l.path, 0, "this is a web page or XML, whatever its name says").
			Hinted("open it in a spreadsheet program and save it as .xlsx")}
	}
	return l.openCSV(o)
}

// isPage tells HTML and XML, which many an export calls .xls.
func isPage(head []byte) bool {
	head = bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n"))
	return slices.ContainsFunc([]string{"<html", "<!doctype", "<?xml", "<table", "<head", "<meta", "<style"}, func(tag string) bool {
		return bytes.HasPrefix(head, []byte(tag))
	})
}

// choose makes the choice of rows out of the options.
func (l *List) choose(o Options) error {
	var faults fault.Faults
	var f *fault.Fault
	if l.rows, f = parseRanges(o); f != nil {
		faults = append(faults, f)
	}
	if l.where, f = parseWhere(o, l.header.names); f != nil {
		faults = append(faults, f)
	}
	return faults.Err()
}

// Columns returns the header, from left to right.
func (l *List) Columns() []string { return l.header.names[:len(l.header.names):len(l.header.names)] }

// Assumed tells how the list is read.
func (l *List) Assumed() Assumed { return l.assumed }

// Close closes the file; nobody may be ranging over the list.
func (l *List) Close() error { return l.file.Close() }

// Recipients returns the chosen rows from top to bottom. They are read as they
// are asked for; ranging again reads the file again. Rows that Options.Rows or
// Options.Where leave out do not come. An error ends the stream: fault.Faults
// for a file that cannot be read on (an encoding that changes, a quote that is
// never closed), anything else is a breakdown.
func (l *List) Recipients() iter.Seq2[Recipient, error] {
	return func(yield func(Recipient, error) bool) {
		for row, err := range l.chosen() {
			if err != nil {
				yield(Recipient{}, err)
				return
			}
			if r, ok := l.recipient(row); ok && !yield(r, nil) {
				return
			}
		}
	}
}

// chosen returns the rows of the lines that were asked for.
func (l *List) chosen() iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		header := true
		for row, err := range l.all() {
			switch {
			case err != nil:
				yield(row, err)
				return
			case l.rows.past(row.line):
				return
			case header:
				header = false
				continue
			case !l.rows.has(row.line):
				continue
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// all returns every row that is not blank; the first is the header.
func (l *List) all() iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		t, err := l.read()
		if err != nil {
			yield(row{}, err)
			return
		}
		defer t.Close() //nolint:errcheck // only read from
		for {
			r, err := t.next()
			if err == io.EOF {
				return
			}
			if err == nil && blank(r) {
				continue
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// blank tells of a row that says nothing, as spreadsheets leave them behind.
func blank(r row) bool {
	if r.fault != nil || len(r.notes) > 0 {
		return false
	}
	for _, cell := range r.cells {
		if cell != "" && trim(cell) != "" {
			return false
		}
	}
	return true
}

// hiddenNote is noted of every row that is hidden or filtered out in its sheet.
const hiddenNote = "the row is hidden in the sheet and is read like the others"

// recipient makes a row into a recipient; false if the condition leaves it out.
func (l *List) recipient(r row) (Recipient, bool) {
	out := Recipient{Line: r.line, Notes: r.notes, Fault: r.fault}
	if out.Fault == nil {
		out.Fields, out.Fault = l.header.fields(r)
	}
	if out.Fault == nil && l.where != nil {
		var keep bool
		if keep, out.Fault = l.where.keeps(out.Fields); out.Fault == nil && !keep {
			return Recipient{}, false
		}
	}
	return l.addressed(out, r, out.Fields[l.header.email]), true
}

// glance is recipient without the fields, which cost more than the rest, for
// those who only count.
func (l *List) glance(r row) (Recipient, bool) {
	if l.where != nil {
		return l.recipient(r)
	}
	out := Recipient{Line: r.line, Notes: r.notes, Fault: r.fault}
	written := ""
	if out.Fault == nil {
		written, out.Fault = l.header.address(r)
	}
	return l.addressed(out, r, written), true
}

// addressed reads the address as it is written, unless the row is at fault already.
func (l *List) addressed(out Recipient, r row, written string) Recipient {
	if out.Fault == nil {
		var notes []fault.Text
		out.Address, out.Name, notes, out.Fault = ParseAddress(written)
		out.Notes = append(out.Notes, notes...)
	}
	if out.Fault != nil {
		out.Fault.File, out.Fault.Line = l.path, r.line
	}
	if r.hidden {
		out.Notes = append(out.Notes, fault.Textf(hiddenNote))
	}
	return out
}
