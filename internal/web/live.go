package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// How often a live page looks again, and for how long one request of it lasts:
// the browser asks anew, and is let in anew.
const (
	beat     = time.Second
	lifetime = time.Minute
)

// A region is a part of a page that is written anew while one looks.
type region struct {
	ID   string `json:"id"`
	HTML string `json:"html"`
}

// live are the pages' regions as server-sent events.
func (s *Server) live() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /live/overview", s.follow("overview", "now", func(ctx context.Context, _ *http.Request) (any, error) {
		return s.survey(ctx)
	}))
	mux.HandleFunc("GET /live/issues/{campaign}/{issue}", s.follow("issue", "now", func(ctx context.Context, r *http.Request) (any, error) {
		now, err := s.standing(ctx, keyOf(r), s.curve)
		return issueView{standing: now}, err
	}))
	mux.HandleFunc("GET /live/accounts", s.follow("accounts", "now", func(ctx context.Context, _ *http.Request) (any, error) {
		return s.accounts(ctx)
	}))
	return mux
}

// follow sends a region of a page whenever it has changed.
func (s *Server) follow(page, id string, see func(context.Context, *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		out := http.NewResponseController(w)
		if err := out.SetWriteDeadline(time.Now().Add(lifetime + patience)); err != nil {
			s.fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		if _, err := fmt.Fprint(w, "retry: 1000\n\n"); err != nil {
			return
		}
		ctx, stop := context.WithTimeout(r.Context(), lifetime)
		defer stop()
		tick := time.NewTicker(beat)
		defer tick.Stop()
		var last []byte
		for {
			data, err := see(ctx, r)
			if err != nil {
				return // the browser asks again
			}
			next, err := s.region(r, page, id, data)
			if err != nil {
				s.Log.Error("a region could not be made", "path", r.URL.Path, "error", err)
				return
			}
			if !bytes.Equal(next, last) {
				if _, err := fmt.Fprintf(w, "data: %s\n\n", next); err != nil || out.Flush() != nil {
					return
				}
				last = next
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}
}

// region is a part of a page as the script takes it.
func (s *Server) region(r *http.Request, page, id string, data any) ([]byte, error) {
	var b bytes.Buffer
	if err := s.views[s.langOf(r)].pages[page].ExecuteTemplate(&b, id, data); err != nil {
		return nil, err
	}
	return json.Marshal(region{id, b.String()})
}
