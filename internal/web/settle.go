package web

import (
	"net/http"

	"hongyan/internal/ledger"
)

// mostDoubts is how many of an issue's doubts are listed at once.
const mostDoubts = 200

// doubts are those of one issue, with their evidence.
type doubts struct {
	Key  ledger.Key
	N    int
	Rows []ledger.Entry
}

func (s *Server) settlePage(r *http.Request) (view, error) {
	issues, err := s.issues(r.Context())
	if err != nil {
		return view{}, err
	}
	var all []doubts
	for _, issue := range issues {
		if issue.InDoubt == 0 {
			continue
		}
		d := doubts{Key: issue.Key, N: issue.InDoubt}
		f := ledger.Filter{States: []ledger.State{ledger.InDoubt}, Limit: mostDoubts}
		for e, err := range s.Books.Entries(r.Context(), issue.Key, f) {
			if err != nil {
				return view{}, err
			}
			d.Rows = append(d.Rows, e)
		}
		all = append(all, d)
	}
	return view{Page: "settle", Title: "In doubt", Data: all}, nil
}
