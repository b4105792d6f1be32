package report

import (
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"hongyan/internal/ledger"
)

// bom makes Excel read the file as UTF-8.
const bom = "\uFEFF"

// A table is the CSV for people: RFC 4180, every cell quoted, lines end in
// CRLF, no cell is a formula.
type table struct {
	w       io.Writer
	columns []string // the list's own
	zone    *time.Location
	trace   TraceID
	begun   bool
	cells   []string // of the row being written
	row     []byte
}

func newTable(w io.Writer, columns []string, o Options) *table {
	return &table{w: w, columns: columns, zone: o.Now.Location(), trace: o.Trace}
}

func (t *table) ownColumns() []string {
	own := []string{"line", "address", "status", "account", "attempts", "code", "reply", "message_id", "sent_at"}
	if t.trace != nil {
		own = append(own, "trace_id")
	}
	return own
}

// header writes the first line, once.
func (t *table) header() error {
	if t.begun {
		return nil
	}
	t.begun = true
	if _, err := io.WriteString(t.w, bom); err != nil {
		return err
	}
	return t.write(distinct(t.ownColumns(), t.columns))
}

// distinct appends the list's columns to ours; a name that is taken already,
// whatever its case, gets a suffix: status_list.
func distinct(ours, list []string) []string {
	out, taken := slices.Clone(ours), map[string]bool{}
	for _, name := range ours {
		taken[strings.ToLower(name)] = true
	}
	for _, name := range list {
		for taken[strings.ToLower(name)] {
			name += "_list"
		}
		taken[strings.ToLower(name)] = true
		out = append(out, name)
	}
	return out
}

func (t *table) add(e ledger.Entry) error {
	if err := t.header(); err != nil {
		return err
	}
	t.cells = append(t.cells[:0], number(e.Line), e.Address, string(e.State), e.Account, number(e.Attempts),
		number(e.Code), answer(e), e.MessageID, sentAt(e, t.zone))
	if t.trace != nil {
		t.cells = append(t.cells, t.trace(e))
	}
	for _, name := range t.columns {
		t.cells = append(t.cells, e.Fields[name])
	}
	return t.write(t.cells)
}

func (t *table) write(cells []string) error {
	t.row = AppendRow(t.row[:0], cells)
	_, err := t.w.Write(t.row)
	return err
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// answer is what the server said, with its enhanced code, safe to show.
func answer(e ledger.Entry) string {
	if e.Enhanced == "" {
		return strings.TrimSpace(Printable(e.Reply))
	}
	return strings.TrimSpace(e.Enhanced + " " + Printable(e.Reply))
}

// full is the answer with its code: "550 5.1.1 no such user".
func full(e ledger.Entry) string { return strings.TrimSpace(number(e.Code) + " " + answer(e)) }

// sentAt is when the server took the mail, in RFC 3339 with the zone's offset.
func sentAt(e ledger.Entry, zone *time.Location) string {
	if e.State != ledger.Sent || e.Ended.IsZero() {
		return ""
	}
	return e.Ended.In(zone).Format(time.RFC3339)
}

// AppendRow appends a row of CSV as all our tables are written: RFC 4180, every
// cell quoted, no cell a formula.
func AppendRow(b []byte, cells []string) []byte {
	for i, cell := range cells {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendCell(b, strings.ToValidUTF8(cell, "\uFFFD"))
	}
	return append(b, '\r', '\n')
}

func appendCell(b []byte, cell string) []byte {
	b = append(b, '"')
	if formula(cell) {
		b = append(b, '\'')
	}
	for {
		before, after, found := strings.Cut(cell, `"`)
		b = append(b, before...)
		if !found {
			return append(b, '"')
		}
		b = append(b, '"', '"')
		cell = after
	}
}

// formula tells whether a spreadsheet may compute a cell instead of showing
// it (CWE-1236): it begins with = + - @, their full-width forms, TAB, CR or
// NUL, also behind blanks or signs that nobody sees. Plain numbers such as -5
// or +8613800138000 compute to themselves; they stay.
func formula(cell string) bool {
	if cell == "" || plain(cell) {
		return false
	}
	switch c := cell[0]; {
	case c == '\t', c == '\r', c == 0:
		return true
	case c < 0x80 && c > ' ':
		return strings.IndexByte("=+-@", c) >= 0
	}
	cell = strings.TrimLeftFunc(cell, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || r == 0 })
	for _, r := range cell {
		return strings.ContainsRune("=+-@＝＋－＠", r)
	}
	return false
}

// plain tells whether a cell is a sign, digits and at most one point.
func plain(cell string) bool {
	digits := cell[1:]
	if cell[0] != '-' && cell[0] != '+' || digits == "" || digits[0] == '.' {
		return false
	}
	return strings.Trim(digits, "0123456789.") == "" && strings.Count(digits, ".") <= 1
}

// failed is the list of those who got no mail and may get one: refused,
// deferred, skipped. The column of the addresses comes first and keeps its name,
// which campaign and template may use. In-doubt are left out on purpose: they may have the mail,
// and feeding them back could mail them twice. So are queued and suppressed.
type failed struct {
	table
	email string
}

func newFailed(w io.Writer, columns []string, email string) *failed {
	if i := slices.IndexFunc(columns, func(s string) bool { return strings.EqualFold(s, "email") }); email == "" && i >= 0 {
		email = columns[i]
	}
	kept := slices.DeleteFunc(slices.Clone(columns), func(s string) bool { // error: of the last time
		return s == email || strings.EqualFold(s, "error")
	})
	return &failed{table{w: w, columns: kept}, cmp.Or(email, "email")}
}

func (f *failed) header() error {
	if f.begun {
		return nil
	}
	f.begun = true
	if _, err := io.WriteString(f.w, bom); err != nil {
		return err
	}
	return f.write(slices.Concat([]string{f.email}, f.columns, []string{"error"}))
}

func (f *failed) add(e ledger.Entry) error {
	if e.State != ledger.Refused && e.State != ledger.Deferred && e.State != ledger.Skipped {
		return nil
	}
	if err := f.header(); err != nil {
		return err
	}
	cells := []string{e.Fields[f.email]}
	if cells[0] == "" {
		cells[0] = e.Address
	}
	for _, name := range f.columns {
		cells = append(cells, e.Fields[name])
	}
	return f.write(append(cells, why(e)))
}

// why says in one line what became of an entry: "refused: 550 5.1.1 no such user".
func why(e ledger.Entry) string {
	return strings.TrimSuffix(string(e.State)+": "+full(e), ": ")
}
