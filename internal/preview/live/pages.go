package live

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"hongyan/internal/preview"
)

//go:embed live.js
var liveScript string

// policy lets the page ask this server, and nobody else. Mails stand in frames
// that have the same policy.
const policy = "default-src 'none'; script-src 'script'; style-src 'unsafe-inline'; img-src data:; " +
	"connect-src 'self'; frame-src 'self' about:; base-uri 'none'; form-action 'none'"

// perPage is how many rows the page asks for at once; each is composed.
const perPage = 50

// handler only knows how to read: nothing can be changed by a request.
func (s *Server) handler() http.Handler {
	page, csp := preview.Page(liveScript, policy)
	mux := http.NewServeMux()
	get := func(path string, serve http.HandlerFunc) { mux.HandleFunc("GET /"+s.key+"/"+path, serve) }
	get("{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, page) //nolint:errcheck // the reader is gone
	})
	get("summary", s.summary)
	get("rows/{page}", s.rows)
	get("find", s.find)
	get("mails/{row}", s.mail)
	get("eml/{row}", s.eml)
	get("events", s.events)
	return s.guard(mux, csp+"; frame-ancestors 'none'")
}

// guard lets in who asks this machine by its own name, from this page.
func (s *Server) guard(next http.Handler, csp string) http.Handler {
	_, port, _ := net.SplitHostPort(s.listener.Addr().String())
	hosts := []string{s.listener.Addr().String(), "localhost:" + port}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if !slices.Contains(hosts, strings.ToLower(r.Host)) { // DNS rebinding
			http.Error(w, "this host is not known here", http.StatusMisdirectedRequest)
			return
		}
		if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
			http.Error(w, "another site may not ask", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// summary is {version, lang, mails, perPage, faulty, at} or {version, lang,
// faults}; at is the row of the asked line or the nearest after it.
func (s *Server) summary(w http.ResponseWriter, r *http.Request) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := map[string]any{"version": s.version, "lang": s.Lang}
	e := s.look.Edition
	if e == nil {
		out["faults"] = tuples(s.look.Faults)
		reply(w, out)
		return
	}
	line, _ := strconv.Atoi(r.FormValue("line"))
	at, faulty := 0, 0
	for i := range e.Len() {
		row := e.Row(i)
		if row.Line < line {
			at = min(i+1, e.Len()-1)
		}
		if row.Faulty {
			faulty++
		}
	}
	out["mails"], out["perPage"], out["faulty"], out["at"] = e.Len(), perPage, faulty, at
	reply(w, out)
}

// rows are those of a page, from 1, as page/page.js knows them.
func (s *Server) rows(w http.ResponseWriter, r *http.Request) {
	page, err := strconv.Atoi(r.PathValue("page"))
	if err != nil || page < 1 {
		http.NotFound(w, r)
		return
	}
	mails, ok := s.mails(w, r, (page-1)*perPage, page*perPage)
	if !ok {
		return
	}
	out := make([][]any, len(mails))
	for i, m := range mails {
		var size int64
		if m.Message != nil {
			size = m.Message.Size()
		}
		warnings := slices.Clone(m.Warnings)
		for _, f := range m.Faults {
			warnings = append(warnings, f.What)
		}
		out[i] = []any{m.Line, m.Address, m.Subject, size, "", 0, 0, filled(warnings), filled(m.Attachments)}
	}
	reply(w, out)
}

// filled makes an empty list of none.
func filled(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// find answers with the rows of which the line is, or the address has, q; with
// f "faulty" only those that cannot become a mail.
func (s *Server) find(w http.ResponseWriter, r *http.Request) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := []int{}
	if s.look.Edition == nil {
		reply(w, out)
		return
	}
	q, faulty := strings.ToLower(r.FormValue("q")), r.FormValue("f") == "faulty"
	for i := range s.look.Edition.Len() {
		row := s.look.Edition.Row(i)
		if faulty && !row.Faulty {
			continue
		}
		if q == "" || strconv.Itoa(row.Line) == q || strings.Contains(strings.ToLower(row.Address), q) {
			out = append(out, i)
		}
	}
	reply(w, out)
}

// mail is one row's views: {html, text, source} or {faults}.
func (s *Server) mail(w http.ResponseWriter, r *http.Request) {
	m, ok := s.one(w, r)
	if !ok {
		return
	}
	if len(m.Faults) > 0 {
		reply(w, map[string]any{"faults": tuples(m.Faults)})
		return
	}
	reply(w, m.View())
}

// eml is one row's mail as a file to keep.
func (s *Server) eml(w http.ResponseWriter, r *http.Request) {
	m, ok := s.one(w, r)
	if !ok {
		return
	}
	if m.Message == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "message/rfc822")
	w.Header().Set("Content-Disposition", `attachment; filename="`+preview.FileName(m.Line, m.Address)+`.eml"`)
	_, _ = m.Message.WriteTo(w) // the reader is gone
}

func (s *Server) one(w http.ResponseWriter, r *http.Request) (Mail, bool) {
	row, err := strconv.Atoi(r.PathValue("row"))
	if err != nil || row < 0 {
		http.NotFound(w, r)
		return Mail{}, false
	}
	mails, ok := s.mails(w, r, row, row+1)
	if !ok {
		return Mail{}, false
	}
	return mails[0], true
}

// mails composes rows of the present edition, or answers why it cannot.
func (s *Server) mails(w http.ResponseWriter, r *http.Request, from, to int) ([]Mail, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.look.Edition == nil || from >= s.look.Edition.Len() {
		http.NotFound(w, r)
		return nil, false
	}
	mails, err := s.look.Edition.Mails(r.Context(), from, min(to, s.look.Edition.Len()))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return nil, false
	}
	return mails, true
}

// events tells the version now and whenever there is a new one.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	alive := time.NewTicker(20 * time.Second)
	defer alive.Stop()
	for {
		s.mu.RLock()
		version, changed := s.version, s.changed
		s.mu.RUnlock()
		if _, err := fmt.Fprintf(w, "data: %d\n\n", version); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-changed:
		case <-alive.C:
		case <-r.Context().Done():
			return
		}
	}
}

// tuples are faults as the page knows them: [[place, what, hint]…].
func tuples(faults []Fault) [][3]string {
	out := make([][3]string, len(faults))
	for i, f := range faults {
		out[i] = [3]string{f.Place, f.What, f.Hint}
	}
	return out
}

func reply(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(value) // the reader is gone
}
