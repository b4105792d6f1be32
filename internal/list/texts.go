package list

import (
	"encoding/xml"
	"io"
	"regexp"
	"strconv"
	"strings"

	"hongyan/internal/fault"
)

// texts are the shared strings of a workbook, one behind the other.
type texts struct {
	all  string
	ends []uint32
}

// at returns a text by its number.
func (t *texts) at(i int) (string, bool) {
	if i < 0 || i >= len(t.ends) {
		return "", false
	}
	start := uint32(0)
	if i > 0 {
		start = t.ends[i-1]
	}
	return t.all[start:t.ends[i]], true
}

// readTexts reads the shared strings; a workbook may have none.
func (b *book) readTexts(relations map[string]relation) (*texts, error) {
	name := part(relations, "sharedStrings")
	if name == "" || b.parts[name] == nil {
		return &texts{}, nil
	}
	r, err := b.reader(name, maxStrings)
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // only read from
	t, err := collectTexts(newTokens(r))
	if err != nil {
		return nil, b.broken(name, err)
	}
	return t, nil
}

func collectTexts(d *tokens) (*texts, error) {
	t := &texts{}
	var all strings.Builder
	for {
		tok, err := d.next()
		if err == io.EOF {
			t.all = all.String()
			return t, nil
		}
		if err != nil {
			return nil, err
		}
		if start, ok := tok.(xml.StartElement); ok && start.Name.Local == "si" {
			text, err := d.richText()
			if err != nil {
				return nil, err
			}
			all.WriteString(text)
			t.ends = append(t.ends, uint32(all.Len())) //nolint:gosec // maxStrings is below
		}
	}
}

// tokens reads XML and refuses what no workbook has: declarations of a document
// type, and with them entities.
type tokens struct{ d *xml.Decoder }

func newTokens(r io.Reader) *tokens { return &tokens{xml.NewDecoder(r)} }

func (t *tokens) next() (xml.Token, error) {
	tok, err := t.d.Token()
	if _, ok := tok.(xml.Directive); ok {
		return nil, &xml.SyntaxError{Msg: "a document type is declared", Line: 1}
	}
	return tok, err
}

// text returns the character data up to the end of the element just begun.
func (t *tokens) text() (string, error) {
	var b strings.Builder
	for depth := 1; ; {
		tok, err := t.next()
		if err != nil {
			return "", unexpectedEnd(err)
		}
		switch tok := tok.(type) {
		case xml.CharData:
			b.Write(tok)
		case xml.StartElement:
			depth++
		case xml.EndElement:
			if depth--; depth == 0 {
				return b.String(), nil
			}
		}
	}
}

// richText joins the runs of an element of texts (si, is); the reading aids of
// East Asian texts (rPh) are not part of it.
func (t *tokens) richText() (string, error) {
	var b strings.Builder
	for depth := 1; ; {
		tok, err := t.next()
		if err != nil {
			return "", unexpectedEnd(err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			switch tok.Name.Local {
			case "t":
				text, err := t.text()
				if err != nil {
					return "", err
				}
				b.WriteString(unescape(text))
			case "rPh":
				if err := t.d.Skip(); err != nil {
					return "", err
				}
			default:
				depth++
			}
		case xml.EndElement:
			if depth--; depth == 0 {
				return b.String(), nil
			}
		}
	}
}

func unexpectedEnd(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// unescape writes out _xHHHH_, by which workbooks keep characters that XML
// cannot hold (ECMA-376-1 §22.9.2.19).
func unescape(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	return regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`).ReplaceAllStringFunc(s, func(code string) string {
		n, err := strconv.ParseUint(code[2:6], 16, 16)
		if err != nil || n >= 0xd800 && n < 0xe000 {
			return code
		}
		return string(rune(n))
	})
}

// columnOf reads the column of a cell's reference "AB12", from 0; -1 if it has none.
func columnOf(ref string) int {
	n := 0
	for i := 0; i < len(ref) && ref[i] >= 'A' && ref[i] <= 'Z'; i++ {
		if n = n*26 + int(ref[i]-'A') + 1; n > 1<<20 {
			break
		}
	}
	return n - 1
}

// What the reader of a sheet has to say about cells.

func formulaNote(column string) fault.Text {
	return fault.Textf("column %s: a formula without its value is taken as missing; open the file in a spreadsheet program and save it", column)
}

func errorNote(column, value string) fault.Text {
	return fault.Textf("column %s: the spreadsheet's error %s is taken as missing", column, value)
}

func digitsNote(column, value string) fault.Text {
	return fault.Textf("column %s: %s is a number of more than 15 digits, of which spreadsheets lose the last; keep it as text", column, value)
}
