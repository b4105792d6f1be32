package list

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// format is how the number of a cell is shown.
type format struct {
	kind kind
	id   int    // the built-in number format
	code string // the workbook's own; "" for a built-in one
}

type kind byte

const (
	plain    kind = iota // the number itself, written out
	date                 // 2026-11-23
	clock                // 09:30
	dateTime             // 2026-11-23 09:30
	styled               // as the format says: 1,234.50, 12%, 007
)

type xmlStyles struct {
	Formats []struct {
		ID   int    `xml:"numFmtId,attr"`
		Code string `xml:"formatCode,attr"`
	} `xml:"numFmts>numFmt"`
	Cells []struct {
		Format int `xml:"numFmtId,attr"`
	} `xml:"cellXfs>xf"`
}

// readStyles reads the number formats of the styles; a workbook may have none.
func (b *book) readStyles(relations map[string]relation) ([]format, error) {
	name := part(relations, "styles")
	if name == "" || b.parts[name] == nil {
		return nil, nil
	}
	var styles xmlStyles
	if err := b.unmarshal(name, &styles); err != nil {
		return nil, err
	}
	codes := map[int]string{}
	for _, f := range styles.Formats {
		codes[f.ID] = f.Code
	}
	formats := make([]format, len(styles.Cells))
	for i, cell := range styles.Cells {
		code, own := codes[cell.Format]
		if !own {
			formats[i] = format{kind: builtIn(cell.Format), id: cell.Format}
			continue
		}
		formats[i] = format{kind: kindOf(code), id: cell.Format, code: code}
	}
	return formats, nil
}

// builtIn sorts the formats that have only a number (ECMA-376-1 §18.8.30; 27–36
// and 50–58 are the dates and times of the Chinese editions).
func builtIn(id int) kind {
	switch {
	case id == 0, id == 11, id == 48, id == 49: // General, scientific, text
		return plain
	case id >= 14 && id <= 17, id >= 27 && id <= 31, id == 36, id >= 50 && id <= 54, id == 57, id == 58:
		return date
	case id >= 18 && id <= 21, id >= 32 && id <= 35, id == 55, id == 56, id == 45:
		return clock
	case id == 22:
		return dateTime
	}
	return styled
}

// elapsed is the part of a format that counts on past its day or hour: [h]:mm.
var elapsed = regexp.MustCompile(`(?i)\[(h+|m+|s+)\]`)

// kindOf sorts a format by the letters of its first section.
func kindOf(code string) kind {
	letters := strings.ToLower(formatLetters(code))
	hasDate := strings.ContainsAny(letters, "yd") || strings.Contains(letters, "mmm")
	hasClock := strings.ContainsAny(letters, "hs")
	switch {
	case elapsed.MatchString(code):
		return styled
	case strings.Contains(letters, "general"), strings.HasPrefix(letters, "g/"), letters == "@", strings.Contains(letters, "e+"):
		return plain
	case hasDate && hasClock:
		return dateTime
	case hasDate, strings.Contains(letters, "m") && !hasClock:
		return date
	case hasClock:
		return clock
	}
	return styled
}

// formatLetters leaves of a format's first section what is not in quotes,
// brackets or behind an escape.
func formatLetters(code string) string {
	var out strings.Builder
	var closing rune
	skip := false
	for _, r := range code {
		switch {
		case skip:
			skip = false
		case closing != 0:
			if r == closing {
				closing = 0
			}
		case r == '"':
			closing = '"'
		case r == '[':
			closing = ']'
		case r == '\\', r == '_', r == '*':
			skip = true
		case r == ';':
			return out.String()
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// numbers shows the numbers of one pass over a sheet.
type numbers struct {
	book    *book
	scratch *excelize.File    // a sheet with one cell for each style in use
	cells   map[string]string // the cell of a style; "" if excelize does not know it
}

func newNumbers(b *book) *numbers { return &numbers{book: b, cells: map[string]string{}} }

// show returns the text of a number; long tells of an integer of more than 15
// digits, the most that spreadsheets keep.
func (n *numbers) show(style, value string) (text string, long bool) {
	var f format
	if i, err := strconv.Atoi(style); err == nil && i >= 0 && i < len(n.book.formats) {
		f = n.book.formats[i]
	}
	if f.kind == plain && strings.Trim(value, "0123456789") == "" {
		return value, len(value) > 15
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return value, false
	}
	if f.kind == styled {
		if text, ok := n.styled(style, f, v); ok {
			return text, false
		}
	}
	if text, ok := showTime(f.kind, v, n.book.date04); ok {
		return text, false
	}
	text = writeOut(v)
	return text, math.Abs(v) >= 1e15 && !strings.Contains(text, ".")
}

// writeOut writes a number with the 15 digits that a spreadsheet shows, without
// an exponent.
func writeOut(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1<<63 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 15, 64), 64)
	if err != nil {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(short, 'f', -1, 64)
}

// styled has excelize show the number by its format.
func (n *numbers) styled(style string, f format, v float64) (string, bool) {
	cell, known := n.cells[style]
	if !known {
		cell = n.prepare(f)
		n.cells[style] = cell
	}
	if cell == "" || n.scratch.SetCellFloat("Sheet1", cell, v, -1, 64) != nil {
		return "", false
	}
	text, err := n.scratch.GetCellValue("Sheet1", cell)
	return strings.TrimSpace(text), err == nil && text != ""
}

// prepare gives a style a cell of its own in the scratch sheet.
func (n *numbers) prepare(f format) string {
	if n.scratch == nil {
		n.scratch = excelize.NewFile()
	}
	style := &excelize.Style{NumFmt: f.id}
	if f.code != "" {
		style = &excelize.Style{CustomNumFmt: &f.code}
	}
	id, err := n.scratch.NewStyle(style)
	if err != nil {
		return ""
	}
	cell := fmt.Sprintf("A%d", len(n.cells)+1)
	if n.scratch.SetCellStyle("Sheet1", cell, cell, id) != nil {
		return ""
	}
	return cell
}

// lastDay is 9999-12-31 as a spreadsheet counts.
const lastDay = 2958466

// showTime writes days since the epoch of the spreadsheet as a date, a time or both.
func showTime(k kind, days float64, date04 bool) (string, bool) {
	if k != date && k != clock && k != dateTime || days < 0 || days >= lastDay {
		return "", false
	}
	first := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case date04:
		first = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case days < 60: // before the 29th of February 1900, which there was not
		first = first.AddDate(0, 0, 1)
	}
	whole := math.Floor(days)
	seconds := int(math.Round((days - whole) * 86400))
	at := first.AddDate(0, 0, int(whole)).Add(time.Duration(seconds) * time.Second)
	layout := map[kind]string{date: time.DateOnly, clock: "15:04", dateTime: "2006-01-02 15:04"}[k]
	if k != date && at.Second() != 0 {
		layout += ":05"
	}
	return at.Format(layout), true
}

// isoDate takes the midnight off a date in ISO 8601.
func isoDate(s string) string {
	return strings.Replace(strings.TrimSuffix(strings.TrimSuffix(s, "Z"), "T00:00:00"), "T", " ", 1)
}
