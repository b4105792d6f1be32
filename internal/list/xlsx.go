package list

import (
	"archive/zip"
	"encoding/xml"
	"fmt"
	"io"
	"path"
	"strings"

	"hongyan/internal/fault"
)

// Most bytes that a part of a workbook may have once it is unzipped; beyond
// them it is a bomb or nothing that anybody mails to.
const (
	maxPart    = 16 << 20  // workbook, relations, styles
	maxStrings = 256 << 20 // the texts of all cells, which are held in memory
	maxSheet   = 2 << 30   // the sheet, which streams
)

// book is an XLSX file. The sheet is read as a stream of our own, not through
// excelize.Rows: that one ends a sheet in silence at the first error in its XML
// (rows.go drops the decoder's error), and hides which cells are dates or
// numbers. Excelize shows the numbers: see numbers.
type book struct {
	path    string
	parts   map[string]*zip.File
	sheet   string   // the part's name
	others  []string // sheets that can be seen and were not chosen
	texts   *texts
	formats []format // by the style of a cell
	date04  bool     // days are counted from 1904
}

// The parts of a workbook, as far as they are needed (ECMA-376-1 §18).
type (
	xmlWorkbook struct {
		Properties struct {
			Date1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []xmlSheet `xml:"sheets>sheet"`
	}
	xmlSheet struct {
		Name  string     `xml:"name,attr"`
		State string     `xml:"state,attr"`
		Attrs []xml.Attr `xml:",any,attr"`
	}
	xmlRelations struct {
		Relations []struct {
			ID     string `xml:"Id,attr"`
			Type   string `xml:"Type,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
)

// openBook opens the workbook, chooses the sheet and makes it the list's table.
func (l *List) openBook(o Options) error {
	if l.size > maxXLSX {
		return fault.Faults{fault.At(l.path, 0, "the workbook is larger than %d MiB", maxXLSX>>20)}
	}
	archive, err := zip.NewReader(l.file, l.size)
	if err != nil {
		return damaged(l.path, err)
	}
	b := &book{path: l.path, parts: map[string]*zip.File{}}
	for _, part := range archive.File {
		b.parts[strings.TrimPrefix(strings.ReplaceAll(part.Name, `\`, "/"), "/")] = part
	}
	name, err := b.open(o)
	if err != nil {
		return err
	}
	l.assumed = Assumed{Format: "XLSX", Sheet: name}
	l.header.fill = true
	l.otherSheets = b.others
	l.read = b.table
	return nil
}

func (b *book) open(o Options) (sheet string, err error) {
	main, _, err := b.relations("", "officeDocument")
	if err != nil {
		return "", err
	}
	var workbook xmlWorkbook
	if err := b.unmarshal(main, &workbook); err != nil {
		return "", err
	}
	b.date04 = workbook.Properties.Date1904 == "1" || workbook.Properties.Date1904 == "true"
	_, relations, err := b.relations(main, "")
	if err != nil {
		return "", err
	}
	sheet, part, f := chooseSheet(o, workbook.Sheets, relations)
	if f != nil {
		return "", fault.Faults{f}
	}
	b.sheet = part
	for _, s := range workbook.Sheets {
		if s.visible() && s.Name != sheet && relations[s.relation()].kind == "worksheet" {
			b.others = append(b.others, s.Name)
		}
	}
	if b.formats, err = b.readStyles(relations); err != nil {
		return "", err
	}
	b.texts, err = b.readTexts(relations)
	return sheet, err
}

// relation is where a part points to, and as what.
type relation struct{ kind, target string }

// relations reads what a part ("": the package) points to, by id; first is the
// target of the first relation of the wanted kind.
func (b *book) relations(of, want string) (first string, all map[string]relation, err error) {
	dir, base := path.Split(of)
	var list xmlRelations
	if err := b.unmarshal(dir+"_rels/"+base+".rels", &list); err != nil {
		return "", nil, err
	}
	all = map[string]relation{}
	for _, r := range list.Relations {
		target := path.Join(dir, r.Target)
		if after, ok := strings.CutPrefix(r.Target, "/"); ok {
			target = after
		}
		kind := path.Base(r.Type)
		all[r.ID] = relation{kind, target}
		if first == "" && kind == want {
			first = target
		}
	}
	if want != "" && first == "" {
		return "", nil, damaged(b.path, fmt.Errorf("it has no %s", want))
	}
	return first, all, nil
}

// part returns the target of a kind of relation, "" if there is none.
func part(relations map[string]relation, kind string) string {
	for _, r := range relations {
		if r.kind == kind {
			return r.target
		}
	}
	return ""
}

// chooseSheet takes the sheet with the told name, else the first visible one.
func chooseSheet(o Options, sheets []xmlSheet, relations map[string]relation) (name, part string, f *fault.Fault) {
	var names []string
	for _, s := range sheets {
		r := relations[s.relation()]
		if r.kind != "worksheet" { // a chart
			continue
		}
		names = append(names, s.Name)
		if s.Name == o.Sheet || o.Sheet == "" && s.visible() {
			return s.Name, r.target, nil
		}
	}
	if o.Sheet == "" {
		return "", "", fault.At("", 0, "the workbook has no visible sheet").Hinted("say which one with sheet:")
	}
	f = o.fault("sheet", "the workbook has no sheet %q", o.Sheet)
	if near := fault.Near(o.Sheet, names); near != "" {
		return "", "", f.Hinted("did you mean %q?", near)
	}
	return "", "", f.Hinted("it has %s", strings.Join(names, ", "))
}

func (s xmlSheet) visible() bool { return s.State == "" || s.State == "visible" }

// relation returns the sheet's r:id, whatever the prefix and the edition of the standard.
func (s xmlSheet) relation() string {
	for _, a := range s.Attrs {
		if a.Name.Local == "id" && a.Name.Space != "" {
			return a.Value
		}
	}
	return ""
}

// unmarshal reads a small part whole.
func (b *book) unmarshal(name string, into any) error {
	r, err := b.reader(name, maxPart)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // only read from
	if err := xml.NewDecoder(r).Decode(into); err != nil {
		return b.broken(name, err)
	}
	return nil
}

// reader opens a part that may have so many bytes. That it has no more than it
// says, archive/zip sees to.
func (b *book) reader(name string, limit uint64) (io.ReadCloser, error) {
	part, ok := b.parts[name]
	if !ok {
		return nil, damaged(b.path, fmt.Errorf("it has no %s", name))
	}
	if part.UncompressedSize64 > limit {
		return nil, fault.Faults{fault.At(b.path, 0, "%s in the workbook is larger than %d MiB", name, limit>>20).
			Hinted("save the sheet as CSV UTF-8")}
	}
	r, err := part.Open()
	if err != nil {
		return nil, damaged(b.path, err)
	}
	return r, nil
}

// broken says what is wrong with a part that is not the XML it should be.
func (b *book) broken(name string, err error) error {
	return damaged(b.path, fmt.Errorf("%s: %w", name, err))
}

func damaged(path string, err error) error {
	return fault.Faults{fault.At(path, 0, "the workbook cannot be read: %s", err.Error()).
		Hinted("open it in a spreadsheet program and save it as .xlsx again")}
}
