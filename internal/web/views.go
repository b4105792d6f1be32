package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed static
var staticFiles embed.FS

// A view is what one page shows: the template by its name, and its data.
type view struct {
	Page  string // of pages/PAGE.html
	Title string
	Data  any
}

// A frame is the page around a view.
type frame struct {
	view
	Lang, Path string
	Here       string // the entry of the menu that the page belongs to
}

// views are the templates in one language.
type views struct {
	words
	pages map[string]*template.Template
}

func newViews(lang string, say func(string, fault.Text) string) (*views, error) {
	v := &views{words: newWords(lang), pages: map[string]*template.Template{}}
	base, err := template.New("").Funcs(v.functions(say)).ParseFS(pageFiles, "pages/layout.html", "pages/parts.html")
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		page, err := base.Clone()
		if err == nil {
			page, err = page.ParseFS(pageFiles, file)
		}
		if err != nil {
			return nil, err
		}
		v.pages[file] = page
	}
	return v, nil
}

func (v *views) functions(say func(string, fault.Text) string) template.FuncMap {
	return template.FuncMap{
		"t":      v.say,
		"text":   func(t fault.Text) string { return say(v.lang, t) },
		"n":      number,
		"span":   v.span,
		"asset":  asset,
		"lang":   func() string { return v.lang },
		"stamp":  stamp,
		"state":  func(s ledger.State) string { return v.word(string(s)) },
		"states": segments,
	}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// show writes a page whole or not at all.
func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, v view) {
	lang := s.langOf(r)
	var b bytes.Buffer
	f := frame{view: v, Lang: lang, Path: r.URL.RequestURI(), Here: v.Page}
	if err := s.views[lang].pages["pages/"+v.Page+".html"].ExecuteTemplate(&b, "layout", f); err != nil {
		s.Log.Error("a page could not be made", "path", r.URL.Path, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // who has gone reads nothing
}

// fail says what went wrong. The words of a breakdown are for the log.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var t trouble
	switch refusal, refused := errors.AsType[*Refusal](err); {
	case refused:
		t = trouble{http.StatusConflict, refusal.Why}
	case errors.Is(err, ErrUnknown) || errors.Is(err, ledger.ErrUnknown):
		t.Status = http.StatusNotFound
	default:
		t.Status = http.StatusInternalServerError
		s.Log.Error("a request broke down", "path", r.URL.Path, "error", err)
	}
	s.show(w, r, t.Status, view{Page: "error", Data: t})
}

// A trouble is why a page cannot be shown or an act not be done.
type trouble struct {
	Status int
	Why    fault.Text // of a refusal
}

// asset is the address of a file that may be kept for ever: its name changes
// with what is in it.
func asset(name string) (string, error) {
	data, err := staticFiles.ReadFile("static/" + name)
	sum := sha256.Sum256(data)
	return "/static/" + name + "?" + hex.EncodeToString(sum[:6]), err
}

func assets() http.Handler {
	files, _ := fs.Sub(staticFiles, "static") // the folder is embedded
	served := http.StripPrefix("/static/", http.FileServerFS(files))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		served.ServeHTTP(w, r)
	})
}
