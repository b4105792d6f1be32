// Package web is the dashboard: pages over the ledger, and the acts of a person
// on the office at work. It reads through [Books] and acts through a [Desk]; it
// must never send mail, know how a campaign becomes one, or keep a truth of its
// own. Nothing that a page shows comes from another machine.
package web

import (
	"log/slog"
	"net/http"

	"hongyan/internal/fault"
)

// Options are what the pages are made of.
type Options struct {
	Books Books
	Desk  Desk
	// Say says a sentence that another room made in a language, "en" or "zh".
	Say  func(lang string, t fault.Text) string
	Lang string // for browsers that ask for none of ours; "" = English
	Log  *slog.Logger
}

// A Server answers the dashboard's requests.
type Server struct {
	Options
	views map[string]*views // by language
}

// New reads the pages' templates, which are part of the program.
func New(o Options) (*Server, error) {
	s := &Server{Options: o, views: map[string]*views{}}
	for _, lang := range []string{"en", "zh"} {
		v, err := newViews(lang, o.Say)
		if err != nil {
			return nil, err
		}
		s.views[lang] = v
	}
	return s, nil
}

// Handler is all pages behind what keeps strangers out.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page(s.overview))
	mux.Handle("GET /static/{file}", assets())
	return sealed(mux)
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
