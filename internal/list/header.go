package list

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"hongyan/internal/fault"
)

// sampled is how many rows Open looks at.
const sampled = 100

// header is the row that names the columns.
type header struct {
	names []string
	email string // the column of the addresses
	fill  bool   // a row that ends early has empty fields: sheets do not store empty cells
}

// readHead reads the header and finds the column of the addresses, if need be
// by a sample of rows.
func (l *List) readHead(o Options) error {
	var sample []row
	for r, err := range l.all() {
		if err != nil {
			return err
		}
		r.cells = slices.Clone(r.cells) // the table uses them again
		sample = append(sample, r)
		if r.hidden && len(sample) > 1 {
			l.assumed.HiddenRows++
		}
		if len(sample) > sampled {
			break
		}
	}
	if len(sample) == 0 {
		return fault.Faults{fault.At(l.path, 0, "the list is empty")}
	}
	err := l.readHeader(sample[0])
	if err == nil {
		err = l.findEmail(o, sample)
	}
	faults, bad := errors.AsType[fault.Faults](err)
	if !bad || namesEmail(o, sample[0]) {
		return err
	}
	return l.elsewhere(o, sample, faults)
}

// elsewhere tells where the header stands that is not in the first row: below a
// title, or on another sheet. If that is not known, the faults stand.
func (l *List) elsewhere(o Options, sample []row, faults fault.Faults) error {
	first := sample[0].line
	for _, r := range sample[1:] {
		if namesEmail(o, r) {
			return fault.Faults{fault.At(l.path, first, "this is not the header, which seems to stand in line %d", r.line).
				Hinted("delete the lines above it: the first line must name the columns")}
		}
	}
	if len(l.otherSheets) > 0 && o.Sheet == "" {
		return fault.Faults{fault.At(l.path, first, "the sheet %s has no column of addresses", l.assumed.Sheet).
			Hinted("the workbook has others: %s; say which holds the list with sheet:", strings.Join(l.otherSheets, ", "))}
	}
	return faults
}

func namesEmail(o Options, r row) bool {
	return slices.ContainsFunc(r.cells, func(cell string) bool {
		name := trim(visible(cell))
		return name != "" && name == o.Email || isEmailName(name)
	})
}

func (l *List) readHeader(r row) error {
	if r.fault != nil {
		r.fault.File, r.fault.Line = l.path, r.line
		return fault.Faults{r.fault}
	}
	names := trimEmpty(r.cells, 0)
	if slices.ContainsFunc(names, func(cell string) bool { return strings.Contains(trim(cell), "\r") }) {
		return fault.Faults{fault.At(l.path, r.line, "the lines end in a bare CR, as on very old Macs").Hinted("save the list again, as CSV in UTF-8")}
	}
	if len(names) > maxColumns {
		return fault.Faults{fault.At(l.path, r.line, "the header has more than %d columns", maxColumns)}
	}
	var faults fault.Faults
	first := map[string]int{}
	for i, cell := range names {
		name := strings.Clone(trim(visible(cell)))
		if f := checkName(l.path, r.line, name, i, first); f != nil {
			faults = append(faults, f)
		}
		l.header.names = append(l.header.names, name)
	}
	return faults.Err()
}

func checkName(path string, line int, name string, i int, first map[string]int) *fault.Fault {
	at, twice := first[name]
	switch {
	case name == "":
		return fault.At(path, line, "column %s of the header has no name", columnName(i)).
			Hinted("name the column, or delete it")
	case twice:
		return fault.At(path, line, "the header has the name %q twice, in the columns %s and %s", name, columnName(at), columnName(i))
	}
	first[name] = i
	if addr, _, _, f := ParseAddress(name); f == nil {
		return fault.At(path, line, "%s stands in the header", addr).
			Hinted("the first line must name the columns: email,name,…")
	}
	return nil
}

// columnName writes a column as spreadsheets do, with its number: "C (3)".
func columnName(i int) string {
	letters := ""
	for n := i + 1; n > 0; n = (n - 1) / 26 {
		letters = string(rune('A'+(n-1)%26)) + letters
	}
	return letters + " (" + strconv.Itoa(i+1) + ")"
}

// findEmail finds the column of the addresses: as told, else by its name, else
// by what stands in it.
func (l *List) findEmail(o Options, sample []row) error {
	name, by, f := emailColumn(o, l.header.names, sample)
	if f == nil {
		l.header.email, l.assumed.EmailColumn, l.assumed.EmailBy = name, name, by
		return nil
	}
	if o.Email == "" {
		f.Line = sample[0].line
	}
	return fault.Faults{f}
}

func emailColumn(o Options, names []string, sample []row) (name, by string, f *fault.Fault) {
	if o.Email != "" {
		name, f = toldEmail(o, names)
		return name, "option", f
	}
	var found []string
	for _, name := range names {
		if isEmailName(name) {
			found = append(found, name)
		}
	}
	by = "header"
	if len(found) == 0 {
		found, by = addressColumns(names, sample), "content"
	}
	switch len(found) {
	case 1:
		return found[0], by, nil
	case 0:
		return "", "", fault.At("", 0, "no column of addresses is found among %s", strings.Join(names, ", ")).
			Hinted("name it email or 邮箱, or say which it is with email:")
	}
	return "", "", fault.At("", 0, "several columns could hold the addresses: %s", strings.Join(found, ", ")).
		Hinted("say which it is with email:")
}

func toldEmail(o Options, names []string) (string, *fault.Fault) {
	for _, name := range names {
		if name == o.Email {
			return name, nil
		}
	}
	f := o.fault("email", "the list has no column %q", o.Email)
	if near := fault.Near(o.Email, names); near != "" {
		return "", f.Hinted("did you mean %q?", near)
	}
	return "", f.Hinted("it has %s", strings.Join(names, ", "))
}

// addressColumns returns the columns in which everything looks like an address.
func addressColumns(names []string, sample []row) []string {
	var found []string
	for i, name := range names {
		good, bad := 0, 0
		for _, r := range sample[1:] {
			if i >= len(r.cells) || trim(r.cells[i]) == "" {
				continue
			}
			if _, _, _, f := ParseAddress(r.cells[i]); f != nil {
				bad++
				continue
			}
			good++
		}
		if good > 0 && bad == 0 {
			found = append(found, name)
		}
	}
	return found
}

// isEmailName tells whether a column is called what columns of addresses are called.
func isEmailName(name string) bool {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\n-_*:()[]【】/\u00a0", r) {
			return -1
		}
		return r
	}, strings.ToLower(halfWidth(name)))
	for _, mark := range []string{"必填", "required"} { // as forms write beside a question
		name = strings.TrimPrefix(strings.TrimSuffix(name, mark), mark)
	}
	switch name {
	case "email", "mail", "emailaddress", "mailaddress", "emailaddr", "emails", "recipientemail", "emailid",
		"邮箱", "邮箱地址", "邮箱号", "邮箱号码", "邮箱账号", "邮箱email", "email邮箱", "qq邮箱", "工作邮箱", "联系邮箱", "收件邮箱", "收件人邮箱",
		"电子邮箱", "电子邮箱地址", "电子邮件", "电子邮件地址", "电子信箱", "电邮", "电邮地址",
		"邮件", "邮件地址", "信箱", "信箱地址", "email地址", "mail地址",
		"郵箱", "電子郵件", "電子郵箱", "電郵", "電郵地址", "電子郵件地址", "電子信箱", "郵件地址":
		return true
	}
	return false
}

// fields gives each cell of a row to its column. A row that is too short lacks
// fields; one that is too long has slipped, and nobody knows where.
func (h header) fields(r row) (map[string]string, *fault.Fault) {
	cells := trimEmpty(r.cells, len(h.names))
	fields := make(map[string]string, len(h.names))
	for i, cell := range cells[:min(len(cells), len(h.names))] {
		fields[h.names[i]] = cell
	}
	for i := len(cells); h.fill && i < len(h.names); i++ {
		fields[h.names[i]] = ""
	}
	for _, i := range r.absent {
		if i < len(h.names) {
			delete(fields, h.names[i])
		}
	}
	return fields, h.check(cells)
}

// address is the e-mail field alone, for those who only count.
func (h header) address(r row) (string, *fault.Fault) {
	cells := trimEmpty(r.cells, len(h.names))
	i := slices.Index(h.names, h.email)
	if i >= len(cells) || slices.Contains(r.absent, i) {
		return "", h.check(cells)
	}
	return cells[i], h.check(cells)
}

// check says what is wrong with the cells of a row; of a row that is too long
// altogether nothing else is said.
func (h header) check(cells []string) (f *fault.Fault) {
	size := 0
	for i, cell := range cells {
		size += len(cell)
		switch {
		case i >= len(h.names):
			f = fault.At("", 0, "the row has %d fields and the header %d", len(cells), len(h.names)).
				Hinted("a field that holds the delimiter or a line break must stand in quotes")
		case len(cell) > maxField:
			f = fault.At("", 0, "the field %s is longer than %d KiB", h.names[i], maxField>>10)
		}
	}
	if size > maxRow {
		return fault.At("", 0, "the row is longer than %d KiB", maxRow>>10)
	}
	return f
}

// trimEmpty takes empty cells off the end, down to n of them: spreadsheets
// write delimiters for columns that were once used.
func trimEmpty(cells []string, n int) []string {
	for len(cells) > n && trim(cells[len(cells)-1]) == "" {
		cells = cells[:len(cells)-1]
	}
	return cells
}
