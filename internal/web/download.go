package web

import (
	"mime"
	"net/http"
	"os"
	"time"

	"hongyan/internal/report"
)

// report makes an issue's report and sends one of its files.
func (s *Server) report(w http.ResponseWriter, r *http.Request) {
	if err := s.sendReport(w, r); err != nil {
		s.fail(w, r, err)
	}
}

func (s *Server) sendReport(w http.ResponseWriter, r *http.Request) error {
	k := keyOf(r)
	dir, err := os.MkdirTemp("", "hongyan-report-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system clears what is left
	paths, err := report.Write(r.Context(), s.Books, k, dir, report.Options{Lang: s.langOf(r), Now: time.Now()})
	if err != nil {
		return err
	}
	path, ok := map[string]string{"csv": paths.CSV, "jsonl": paths.JSONL, "html": paths.HTML, "failed": paths.Failed}[r.PathValue("file")]
	if !ok {
		return ErrUnknown
	}
	name := report.Name(k.Campaign) + " " + path[len(dir)+1:]
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	http.ServeFile(w, r, path)
	return nil
}
