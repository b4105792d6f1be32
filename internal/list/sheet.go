package list

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"

	"hongyan/internal/fault"
)

// maxSheetRow is the last row a sheet can have.
const maxSheetRow = 1 << 20

// sheetTable is a worksheet as rows with the numbers of the sheet.
type sheetTable struct {
	book    *book
	part    io.ReadCloser
	tokens  *tokens
	numbers *numbers
	line    int
	cells   []string
	bytes   int // of the row so far
}

// table begins to read the sheet.
func (b *book) table() (table, error) {
	part, err := b.reader(b.sheet, maxSheet)
	if err != nil {
		return nil, err
	}
	return &sheetTable{book: b, part: part, tokens: newTokens(part), numbers: newNumbers(b)}, nil
}

func (t *sheetTable) Close() error { return t.part.Close() }

// next finds the next row. The XML must be whole to its last byte: a sheet that
// breaks off is an error and not a shorter list.
func (t *sheetTable) next() (row, error) {
	for {
		tok, err := t.tokens.next()
		if err == io.EOF {
			return row{}, io.EOF
		}
		if err != nil {
			return row{}, t.book.broken(t.book.sheet, err)
		}
		start, ok := tok.(xml.StartElement)
		if !ok || start.Name.Local != "row" {
			continue
		}
		r, err := t.row(start)
		if err != nil {
			return row{}, t.book.broken(t.book.sheet, err)
		}
		return r, nil
	}
}

func (t *sheetTable) row(start xml.StartElement) (row, error) {
	if err := t.count(attr(start, "r")); err != nil {
		return row{}, err
	}
	hidden := attr(start, "hidden")
	r := row{line: t.line, hidden: hidden == "1" || hidden == "true"}
	t.cells, t.bytes = t.cells[:0], 0
	for column := 0; ; column++ {
		tok, err := t.tokens.next()
		if err != nil {
			return row{}, unexpectedEnd(err)
		}
		switch tok := tok.(type) {
		case xml.EndElement: // of the row: those of its cells are read with them
			r.cells = t.cells
			return r, nil
		case xml.CharData, xml.Comment, xml.ProcInst:
			column--
		case xml.StartElement:
			if tok.Name.Local != "c" {
				column--
				if err := t.tokens.d.Skip(); err != nil {
					return row{}, err
				}
				continue
			}
			if at := columnOf(attr(tok, "r")); at >= 0 {
				column = at
			}
			if err := t.cell(&r, column, tok); err != nil {
				return row{}, err
			}
		}
	}
}

// count takes the row's own number, or the one after the last.
func (t *sheetTable) count(number string) error {
	if number == "" {
		t.line++
		return nil
	}
	n, err := strconv.Atoi(number)
	if err != nil || n <= t.line || n > maxSheetRow {
		return fmt.Errorf("a row is numbered %q behind row %d", clip(number), t.line)
	}
	t.line = n
	return nil
}

// cell reads one cell into the row.
func (t *sheetTable) cell(r *row, column int, start xml.StartElement) error {
	c := rawCell{kind: attr(start, "t"), style: attr(start, "s")}
	if err := t.content(&c); err != nil {
		return err
	}
	if column >= maxColumns {
		if c.value != "" {
			r.fault = fault.At("", 0, "the row has more than %d columns", maxColumns)
		}
		return nil
	}
	if t.bytes += len(c.value); t.bytes > maxRow || len(c.value) > maxField {
		r.fault = fault.At("", 0, "the row or its field in column %s is too long", columnName(column))
		return nil
	}
	t.put(r, column, c)
	return nil
}

// rawCell is a cell as it is stored.
type rawCell struct {
	kind, style, value string
	formula, stored    bool // whether there is one, and a value
}

func (t *sheetTable) content(c *rawCell) error {
	for {
		tok, err := t.tokens.next()
		if err != nil {
			return unexpectedEnd(err)
		}
		start, ok := tok.(xml.StartElement)
		if _, end := tok.(xml.EndElement); end {
			return nil
		}
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "v":
			c.stored = true
			c.value, err = t.tokens.text()
		case "is":
			c.value, err = t.tokens.richText()
		case "f":
			c.formula = true
			fallthrough
		default:
			err = t.tokens.d.Skip()
		}
		if err != nil {
			return err
		}
	}
}

// put gives the cell's text its place; a cell that has none is absent.
func (t *sheetTable) put(r *row, column int, c rawCell) {
	text, notes, ok := t.show(column, c)
	r.notes = append(r.notes, notes...)
	if !ok {
		r.absent = append(r.absent, column)
	}
	for len(t.cells) <= column {
		t.cells = append(t.cells, "")
	}
	t.cells[column] = text
}

// show returns the text of a cell as the user sees it in the spreadsheet, but
// for dates and for numbers in scientific notation.
func (t *sheetTable) show(column int, c rawCell) (text string, notes []fault.Text, ok bool) {
	if c.formula && !c.stored {
		return "", []fault.Text{formulaNote(columnName(column))}, false
	}
	switch c.kind {
	case "s":
		n, err := strconv.Atoi(c.value)
		text, ok = t.book.texts.at(n)
		if err != nil || !ok {
			return "", []fault.Text{errorNote(columnName(column), "of a text that is not there")}, false
		}
		return text, nil, true
	case "inlineStr":
		return c.value, nil, true
	case "str":
		return unescape(c.value), nil, true
	case "b":
		return map[string]string{"1": "TRUE", "0": "FALSE"}[c.value], nil, true
	case "e":
		return "", []fault.Text{errorNote(columnName(column), c.value)}, false
	case "d":
		return isoDate(c.value), nil, true
	}
	text, long := t.numbers.show(c.style, c.value)
	if long {
		notes = append(notes, digitsNote(columnName(column), text))
	}
	return text, notes, true
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}
