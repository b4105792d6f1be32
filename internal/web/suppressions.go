package web

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"net/url"
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
	out := csv.NewWriter(w)
	_ = out.Write(columns()) // an error stays, see Error
	for one, err := range s.Books.Suppressions(r.Context(), ledger.SuppressionFilter{}) {
		if err != nil {
			s.cut(r, err)
		}
		cells := []string{one.Address, one.List, string(one.Source), one.Reason, one.By, one.At.Format(time.RFC3339)}
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

// imported reads a file of addresses: one a line, or a CSV whose first column
// they are. A heading is known by having no @.
func imported(file io.Reader, base ledger.Suppression) (out []ledger.Suppression, err error) {
	in := csv.NewReader(bufio.NewReader(file))
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
		if text == "" || line == 1 && !strings.Contains(text, "@") {
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
