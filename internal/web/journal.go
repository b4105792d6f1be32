package web

import (
	"net/http"
	"strconv"

	"hongyan/internal/ledger"
)

// A logView is a page of the log of acts.
type logView struct {
	Acts   []ledger.Act
	Before int64 // that this page begins before; 0 = the last act
	More   int64 // where the next page begins; 0 = there is none
}

func (s *Server) logPage(r *http.Request) (view, error) {
	var v logView
	v.Before, _ = strconv.ParseInt(r.FormValue("before"), 10, 64)
	for act, err := range s.Books.Acts(r.Context(), v.Before, perPage+1) {
		if err != nil {
			return view{}, err
		}
		v.Acts = append(v.Acts, act)
	}
	if len(v.Acts) > perPage {
		v.Acts = v.Acts[:perPage]
		v.More = v.Acts[perPage-1].ID
	}
	return view{Page: "log", Title: "Log", Data: v}, nil
}
