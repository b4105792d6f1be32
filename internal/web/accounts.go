package web

import "net/http"

func (s *Server) accountsPage(r *http.Request) (view, error) {
	accounts, err := s.Desk.Accounts(r.Context())
	return view{Page: "accounts", Title: "Accounts", Live: "/live/accounts", Data: accounts}, err
}

// A probed is what a connection test showed.
type probed struct {
	Account string
	Probe
}

func (s *Server) probePage(r *http.Request) (view, error) {
	name := r.PathValue("account")
	probe, err := s.Desk.Probe(r.Context(), name)
	return view{Page: "probe", Here: "accounts", Heading: name, Data: probed{name, probe}}, err
}
