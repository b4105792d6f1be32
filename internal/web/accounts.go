package web

import (
	"context"
	"net/http"
)

func (s *Server) accountsPage(r *http.Request) (view, error) {
	accounts, err := s.accounts(r.Context())
	return view{Page: "accounts", Title: "Accounts", Live: "/live/accounts", Data: accounts}, err
}

// A mailbox is an account with whoever has it now.
type mailbox struct {
	Account
	Worker string // "" = nobody, or this process alone
}

func (s *Server) accounts(ctx context.Context) (out []mailbox, err error) {
	crew, err := s.crew(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.Desk.Accounts(ctx)
	for _, a := range all {
		m := mailbox{Account: a}
		if crew != nil {
			m.Worker = crew.Has(a.Name)
		}
		out = append(out, m)
	}
	return out, err
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
