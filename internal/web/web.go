// Package web is the dashboard: pages over the ledger, and the acts of a person
// on the office at work. It reads through [Books] and acts through a [Desk]; it
// must never send mail, know how a campaign becomes one, or keep a truth of its
// own. Nothing that a page shows comes from another machine.
package web

import (
	"cmp"
	"log/slog"
	"net/http"

	"hongyan/internal/ledger"
	"hongyan/internal/web/login"
)

// Options are what the pages are made of.
type Options struct {
	Books Books
	Desk  Desk
	Guard *login.Guard
	Lang  string   // for browsers that ask for none of ours; "" = English
	Hosts []string // the names by which the dashboard may be called, without ports; loopback always may
	Log   *slog.Logger
	API   http.Handler // answers below /api/; nil: there is none
	// Others answer beside the pages to whoever may read them, by pattern:
	// "GET /metrics".
	Others map[string]http.Handler
}

// A Server answers the dashboard's requests.
type Server struct {
	Options
	clerk  Clerk
	views  map[string]*views // by language
	counts counts
}

// New reads the pages' templates, which are part of the program.
func New(o Options) (*Server, error) {
	s := &Server{Options: o, clerk: Clerk{Books: o.Books, Desk: o.Desk}, views: map[string]*views{}}
	for _, lang := range []string{"en", "zh"} {
		v, err := newViews(lang)
		if err != nil {
			return nil, err
		}
		s.views[lang] = v
	}
	return s, nil
}

// Handler is everything, behind what keeps strangers out.
func (s *Server) Handler() http.Handler {
	whole := http.NewServeMux()
	whole.Handle("GET /static/{file}", assets())
	whole.Handle("/live/", s.Guard.Glance(s.live()))
	whole.Handle("/", s.Guard.Sessions(s.front()))
	if s.API != nil {
		whole.Handle("/api/", s.API)
	}
	return s.sealed(whole)
}

// front is the login, and behind it the pages.
func (s *Server) front() http.Handler {
	front := http.NewServeMux()
	front.HandleFunc("GET /login", s.page(s.loginPage))
	front.HandleFunc("POST /login", s.login)
	front.HandleFunc("POST /logout", s.logout)
	front.HandleFunc("POST /lang", s.chooseLang)
	front.Handle("/", s.Guard.Pages(s.pages()))
	return front
}

func (s *Server) pages() http.Handler {
	pages := http.NewServeMux()
	for pattern, see := range map[string]look{
		"/{$}":                                    s.overviewPage,
		"/campaigns":                              s.campaignsPage,
		"/campaigns/{campaign}":                   s.campaignPage,
		"/campaigns/{campaign}/draft":             s.draftPage,
		"/campaigns/{campaign}/preview":           s.previewPage,
		"/issues/{campaign}/{issue}":              s.issuePage,
		"/issues/{campaign}/{issue}/entries/{id}": s.entryPage,
		"/issues/{campaign}/{issue}/timeline":     s.timelinePage,
		"/accounts":                               s.accountsPage,
		"/suppressions":                           s.suppressionsPage,
		"/settle":                                 s.settlePage,
		"/log":                                    s.logPage,
		"/acts/{act}":                             s.questionPage,
	} {
		pages.HandleFunc("GET "+pattern, s.page(see))
	}
	pages.HandleFunc("GET /campaigns/{campaign}/letter", s.letter)
	pages.HandleFunc("GET /issues/{campaign}/{issue}/report/{file}", s.report)
	pages.HandleFunc("GET /suppressions.csv", s.exportSuppressions)
	pages.HandleFunc("POST /accounts/{account}/probe", s.page(s.probePage))
	pages.HandleFunc("POST /acts/{act}", s.act)
	for pattern, handler := range s.Others {
		pages.Handle(pattern, handler)
	}
	pages.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, ErrUnknown) })
	return pages
}

// A look makes of a request what a page shows.
type look func(r *http.Request) (view, error)

// page answers with what a look shows.
func (s *Server) page(see look) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := see(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		s.show(w, r, http.StatusOK, v)
	}
}

// keyOf is the issue that a request is about.
func keyOf(r *http.Request) ledger.Key {
	return ledger.Key{
		Campaign: cmp.Or(r.PathValue("campaign"), r.FormValue("campaign")),
		Issue:    cmp.Or(r.PathValue("issue"), r.FormValue("issue")),
	}
}
