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
	w = flowing(w)
	if err := s.sendReport(w, r); err != nil {
		s.fail(w, r, err)
	}
}

// A flow is an answer of any length: what is long is not late, as long as its
// reader takes some of it now and then.
type flow struct {
	http.ResponseWriter
	*http.ResponseController
}

// flowing lets an answer take its time until it begins.
func flowing(w http.ResponseWriter) flow {
	out := http.NewResponseController(w)
	_ = out.SetWriteDeadline(time.Time{}) // where there is none to set, none is missed
	return flow{w, out}
}

func (f flow) Write(p []byte) (int, error) {
	_ = f.SetWriteDeadline(time.Now().Add(patience))
	return f.ResponseWriter.Write(p)
}

func (s *Server) sendReport(w http.ResponseWriter, r *http.Request) error {
	k := keyOf(r)
	options, err := s.Desk.ReportOptions(r.Context(), k, s.langOf(r))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "hongyan-report-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system clears what is left
	paths, err := report.Write(r.Context(), s.Books, k, dir, options)
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
