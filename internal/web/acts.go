package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/list"
	"hongyan/internal/web/login"
)

// A question is what is asked before an act that cannot be undone.
type question struct {
	Act     string
	Key     ledger.Key
	Account string
	Back    string     // where a no leads
	Fields  url.Values // that the form takes along
	Classes []classed  // of refusals, for a retry
	Chosen  int        // entries to settle; 0 = all in doubt
	Totals  ledger.Totals
	Draft   Draft // of a start
}

// classed is how many refusals have a class.
type classed struct {
	Class string
	N     int
}

// undoable are the acts that are done without asking back.
func undoable() []string { return []string{ActPause, ActResume, ActSuppress} }

// kept are the fields that a question hands on.
func kept() []string {
	return []string{"campaign", "issue", "account", "list", "address", "to", "ids", "back"}
}

func (s *Server) questionPage(r *http.Request) (view, error) {
	q, err := s.question(r)
	return view{Page: "question", Title: "Are you sure?", Data: q}, err
}

func (s *Server) question(r *http.Request) (question, error) {
	if err := parseForm(r); err != nil {
		return question{}, err
	}
	q := question{Act: r.PathValue("act"), Key: keyOf(r), Account: r.FormValue("account"), Fields: url.Values{}}
	for _, name := range kept() {
		if values := r.Form[name]; len(values) > 0 {
			q.Fields[name] = values
		}
	}
	q.Chosen, q.Back = len(r.Form["ids"]), ownPath(r.FormValue("back"))
	var err error
	switch q.Act {
	case ActStart:
		q.Draft, err = s.Desk.Draft(r.Context(), q.Key)
		q.Key = q.Draft.Key
		q.Fields.Set("issue", q.Key.Issue)
	case ActRetry:
		q.Classes, err = s.refusals(r, q.Key)
	case ActSettle:
		q.Totals, err = s.Books.Totals(r.Context(), q.Key)
	case ActLift, ActUnsuppress, ActTest:
	default:
		err = ErrUnknown
	}
	return q, err
}

// refusals counts an issue's refusals by class, the most first.
func (s *Server) refusals(r *http.Request, k ledger.Key) (out []classed, err error) {
	for e, err := range s.Books.Entries(r.Context(), k, ledger.Filter{States: []ledger.State{ledger.Refused}}) {
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(out, func(c classed) bool { return c.Class == e.Class })
		if at < 0 {
			at, out = len(out), append(out, classed{Class: e.Class})
		}
		out[at].N++
	}
	slices.SortStableFunc(out, func(a, b classed) int { return b.N - a.N })
	return out, nil
}

// act does what a form asks, or asks back first.
func (s *Server) act(w http.ResponseWriter, r *http.Request) {
	if err := parseForm(r); err != nil {
		s.fail(w, r, err)
		return
	}
	if !slices.Contains(undoable(), r.PathValue("act")) && r.PostFormValue("sure") == "" {
		s.page(s.questionPage)(w, r)
		return
	}
	done, err := s.perform(r)
	s.counts.forget()
	if err != nil {
		s.fail(w, r, err)
		return
	}
	back, _ := url.Parse(ownPath(r.PostFormValue("back"))) // it is a path of ours
	query := back.Query()
	query.Set("done", done)
	back.RawQuery = query.Encode()
	http.Redirect(w, r, back.String(), http.StatusSeeOther)
}

// mostFile is how much of an upload is held in memory.
const mostFile = 1 << 20

func parseForm(r *http.Request) error {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		if err := r.ParseMultipartForm(mostFile); err != nil {
			return unread(err)
		}
		return nil
	}
	if err := r.ParseForm(); err != nil {
		return unread(err)
	}
	return nil
}

func unread(err error) error {
	return &Refusal{fault.Textf("the form cannot be read: %s", err.Error())}
}

// perform does the act and says in a word, or a count, what was done.
func (s *Server) perform(r *http.Request) (done string, err error) {
	ctx, by, k := r.Context(), login.Who(r.Context()).Name, keyOf(r)
	count := func(n int, err error) (string, error) {
		return r.PathValue("act") + ":" + strconv.Itoa(n), err
	}
	switch act := r.PathValue("act"); act {
	case ActStart:
		return act, s.clerk.Start(ctx, by, k)
	case ActPause:
		return act, s.clerk.Pause(ctx, by, k)
	case ActResume:
		return act, s.clerk.Resume(ctx, by, k)
	case ActTest:
		return count(s.clerk.Test(ctx, k, Test{To: addresses(r.PostFormValue("test_to")), Rows: strings.TrimSpace(r.PostFormValue("rows")), By: by}))
	case ActRetry:
		return s.retry(r, count)
	case ActSettle:
		return s.settleSome(r, count)
	case ActLift:
		return act, s.clerk.Lift(ctx, by, r.PostFormValue("account"))
	case ActSuppress:
		return s.suppressSome(r, count)
	case ActUnsuppress:
		return act, s.clerk.Unsuppress(ctx, by, r.PostFormValue("list"), r.PostFormValue("address"))
	}
	return "", ErrUnknown
}

type counted func(int, error) (string, error)

func (s *Server) retry(r *http.Request, count counted) (string, error) {
	classes := r.PostForm["class"]
	if len(classes) == 0 {
		return "", &Refusal{fault.Textf("choose at least one class of refusals")}
	}
	return count(s.clerk.Retry(r.Context(), login.Who(r.Context()).Name, keyOf(r), classes))
}

func (s *Server) settleSome(r *http.Request, count counted) (string, error) {
	to := map[string]ledger.State{"sent": ledger.Sent, "resend": ledger.Deferred}[r.PostFormValue("to")]
	if to == "" {
		return "", &Refusal{fault.Textf("choose whether they were sent or are to be sent again")}
	}
	var ids []int64
	for _, text := range r.PostForm["ids"] {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return "", ErrUnknown
		}
		ids = append(ids, id)
	}
	return count(s.clerk.Settle(r.Context(), login.Who(r.Context()).Name, keyOf(r), to, ids))
}

// suppressSome takes one address, or a file or text of many.
func (s *Server) suppressSome(r *http.Request, count counted) (string, error) {
	var all []ledger.Suppression
	base := ledger.Suppression{List: r.PostFormValue("list"), Reason: strings.TrimSpace(r.PostFormValue("reason")), Source: ledger.Manual}
	if file, _, err := r.FormFile("file"); err == nil {
		defer file.Close() //nolint:errcheck // only read from
		base.Source = ledger.Import
		if all, err = imported(file, base); err != nil {
			return "", err
		}
	}
	for _, text := range addresses(r.PostFormValue("address")) {
		address, _, _, f := list.ParseAddress(text)
		if f != nil {
			return "", &Refusal{fault.Textf("%s: %s", text, f.What)}
		}
		base.Address = address
		all = append(all, base)
	}
	if len(all) == 0 {
		return "", &Refusal{fault.Textf("write at least one address")}
	}
	return count(s.clerk.Suppress(r.Context(), login.Who(r.Context()).Name, all...))
}

// addresses parts what a person has typed in.
func addresses(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;，；", r) })
}

// said is what stands above a page after an act: "settle:12" and the like.
func (v *views) said(done string) string {
	act, count, _ := strings.Cut(done, ":")
	n, _ := strconv.Atoi(count)
	switch act {
	case ActStart:
		return v.Say("The issue is started.")
	case ActPause:
		return v.Say("The issue is paused: what was in flight ends, nothing new begins.")
	case ActResume:
		return v.Say("The issue goes on.")
	case ActTest:
		return v.Count("%d test mail has left.", "%d test mails have left.", n)
	case ActRetry:
		return v.Count("%d refused recipient is tried again.", "%d refused recipients are tried again.", n)
	case ActSettle:
		return v.Count("%d doubt is settled.", "%d doubts are settled.", n)
	case ActLift:
		return v.Say("The hold is lifted.")
	case ActSuppress:
		return v.Count("%d new suppression.", "%d new suppressions.", n)
	case ActUnsuppress:
		return v.Say("The suppression is removed.")
	}
	return ""
}

// link is the address of an issue's page.
func link(k ledger.Key) string {
	return fmt.Sprintf("/issues/%s/%s", url.PathEscape(k.Campaign), url.PathEscape(k.Issue))
}
