package web

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/list"
)

// A suppressionsView is a page of the suppressions.
type suppressionsView struct {
	Text  string
	List  string // of the filter; "*" = whatever the list
	Rows  []ledger.Suppression
	After string
	More  *ledger.Suppression // the last one shown, when others follow
	// Lists are those of the campaigns, to choose from.
	Lists []string
}

func (s *Server) suppressionsPage(r *http.Request) (view, error) {
	v := suppressionsView{Text: strings.TrimSpace(r.FormValue("q")), List: "*", After: r.FormValue("after")}
	f := ledger.SuppressionFilter{Text: v.Text, Limit: perPage + 1}
	f.After = ledger.Suppression{Address: v.After, List: r.FormValue("after_list")}
	if r.Form.Has("list") && r.FormValue("list") != "*" {
		v.List = r.FormValue("list")
		f.List = &v.List
	}
	for one, err := range s.Books.Suppressions(r.Context(), f) {
		if err != nil {
			return view{}, err
		}
		v.Rows = append(v.Rows, one)
	}
	if len(v.Rows) > perPage {
		v.Rows = v.Rows[:perPage]
		v.More = &v.Rows[perPage-1]
	}
	var err error
	v.Lists, err = s.lists(r)
	return view{Page: "suppressions", Title: "Suppressions", Data: v}, err
}

func (s *Server) lists(r *http.Request) (out []string, err error) {
	campaigns, err := s.Desk.Campaigns(r.Context())
	for _, c := range campaigns {
		out = append(out, c.List)
	}
	slices.Sort(out)
	return slices.Compact(out), err
}

// Next is the query of the next page.
func (v suppressionsView) Next() string {
	return "?" + url.Values{"q": {v.Text}, "list": {v.List}, "after": {v.More.Address}, "after_list": {v.More.List}}.Encode()
}

// columns are those of a file of suppressions.
func columns() []string { return []string{"address", "list", "source", "reason", "by", "at"} }

// exportSuppressions streams all of them as CSV.
func (s *Server) exportSuppressions(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="suppressions.csv"`)
	out := csv.NewWriter(flowing(w))
	_ = out.Write(columns()) // an error stays, see Error
	for one, err := range s.Books.Suppressions(r.Context(), ledger.SuppressionFilter{}) {
		if err != nil {
			s.cut(r, err)
		}
		cells := []string{one.Address, cmp.Or(one.List, EveryList), string(one.Source), one.Reason, one.By, one.At.Format(time.RFC3339)}
		for i := range cells {
			cells[i] = inert(cells[i])
		}
		_ = out.Write(cells)
	}
	if out.Flush(); out.Error() != nil {
		s.cut(r, out.Error())
	}
}

// cut ends a download so that it is not taken for a whole one.
func (s *Server) cut(r *http.Request, err error) {
	s.Log.Warn("a download was cut off", "path", r.URL.Path, "error", err)
	panic(http.ErrAbortHandler)
}

// inert keeps a spreadsheet from taking a cell for a formula.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r＝＋－＠", []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}

// live is the cell that was made inert.
func live(cell string) string {
	if bare, marked := strings.CutPrefix(cell, "'"); marked && inert(bare) == cell {
		return bare
	}
	return cell
}

// EveryList is how a file of suppressions names all lists at once.
const EveryList = "all"

// Described is a suppression as a row of a file describes it: by its columns list,
// source, reason and at. What it does not say stays.
func Described(s ledger.Suppression, row list.Recipient) ledger.Suppression {
	s.Address = strings.TrimPrefix(row.Address, "'")
	switch name := strings.TrimSpace(row.Fields["list"]); name {
	case "":
	case EveryList:
		s.List = ""
	default:
		s.List = name
	}
	if source := ledger.Source(row.Fields["source"]); slices.Contains(ledger.Sources(), source) {
		s.Source = source
	}
	if reason := strings.TrimSpace(row.Fields["reason"]); reason != "" {
		s.Reason = live(reason)
	}
	if at, err := time.Parse(time.RFC3339, row.Fields["at"]); err == nil {
		s.At = at
	}
	return s
}

// imported reads a file of suppressions: one address a line, or a list with a
// heading, whose rows say themselves what base does not know better.
func imported(file io.Reader, base ledger.Suppression) ([]ledger.Suppression, error) {
	in := bufio.NewReader(file)
	if bare(in) {
		return addressed(in, base)
	}
	copied, err := os.CreateTemp("", "hongyan-suppressions-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(copied.Name()) //nolint:errcheck // the system clears what is left
	_, err = io.Copy(copied, in)
	if err = errors.Join(err, copied.Close()); err != nil {
		return nil, err
	}
	return listed(copied.Name(), base)
}

// bare reports whether a file begins with an address, and not with a heading or as
// a workbook does.
func bare(in *bufio.Reader) bool {
	head, _ := in.Peek(1 << 10) // a shorter file has less
	first, _, _ := bytes.Cut(bytes.TrimLeft(head, "\ufeff \t\r\n"), []byte("\n"))
	return !bytes.HasPrefix(head, []byte("PK")) && bytes.ContainsRune(first, '@')
}

// listed reads a list of suppressions as campaigns' lists are read.
func listed(path string, base ledger.Suppression) (out []ledger.Suppression, err error) {
	rows, err := list.Open(path, list.Options{})
	if err != nil {
		return nil, unlisted(err)
	}
	defer rows.Close() //nolint:errcheck // only read from
	for row, err := range rows.Recipients() {
		if err != nil {
			return nil, unlisted(err)
		}
		if row.Fault != nil {
			return nil, &Refusal{fault.Textf("line %d: %s", row.Line, row.Fault.What)}
		}
		out = append(out, Described(base, row))
	}
	return out, nil
}

// unlisted says why a list cannot be read, without the name that it has only here.
func unlisted(err error) error {
	faults, ok := errors.AsType[fault.Faults](err)
	if !ok {
		return err
	}
	first := faults.Sorted()[0]
	if first.Line == 0 {
		return &Refusal{first.What}
	}
	return &Refusal{fault.Textf("line %d: %s", first.Line, first.What)}
}

// addressed reads addresses, one a line; what a CSV has beside them is left.
func addressed(file io.Reader, base ledger.Suppression) (out []ledger.Suppression, err error) {
	in := csv.NewReader(file)
	in.FieldsPerRecord, in.LazyQuotes, in.ReuseRecord = -1, true, true
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, unread(err)
		}
		line, _ := in.FieldPos(0)
		text := strings.TrimPrefix(strings.TrimSpace(strings.TrimPrefix(cells[0], "\ufeff")), "'")
		if text == "" {
			continue
		}
		address, _, _, f := list.ParseAddress(text)
		if f != nil {
			return nil, &Refusal{fault.Textf("line %d: %s", line, f.What)}
		}
		base.Address = address
		out = append(out, base)
	}
}
