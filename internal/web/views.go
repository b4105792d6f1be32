package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"hongyan/internal/catalogue"
	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/report"
	"hongyan/internal/web/login"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed static
var staticFiles embed.FS

// A view is what one page shows: the template by its name, and its data.
type view struct {
	Page    string // of pages/PAGE.html
	Title   string // in the words of the pages
	Heading string // a name of the user's, in the place of a title
	Here    string // the entry of the menu that it belongs to; "" = the page itself
	Live    string // where its regions come from anew
	Data    any
}

// A frame is the page around a view.
type frame struct {
	view
	Lang, Path string
	Who        string // is logged in; "" at the login
	Locked     bool   // there is a password, hence a way out
	Doubts     int
	Done       string // what an act just did
}

// views are the templates in one language.
type views struct {
	catalogue.Words
	pages map[string]*template.Template
}

func newViews(lang string) (*views, error) {
	v := &views{Words: catalogue.In(lang), pages: map[string]*template.Template{}}
	base, err := template.New("").Funcs(v.functions()).ParseFS(pageFiles, "pages/layout.html", "pages/parts.html")
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
		v.pages[strings.TrimSuffix(path.Base(file), ".html")] = page
	}
	return v, nil
}

// functions are what the templates can say and write.
func (v *views) functions() template.FuncMap {
	return template.FuncMap{
		"t":         v.Say,
		"count":     v.Count,
		"word":      v.Word,
		"text":      v.Text,
		"state":     func(s ledger.State) string { return v.Word(string(s)) },
		"allStates": ledger.States,
		"states":    segments,
		"clean":     report.Printable,
		"answer":    func(said, rule string) string { return v.Text(report.Answer(said, rule)) },
		"by":        v.by,
		"heldFor":   func(reason string) string { return v.Text(report.HeldFor(reason)) },
		"lines":     printableLines,
		"label":     ledger.Label,
		"n":         number,
		"size":      size,
		"span":      v.Span,
		"rate":      v.perMinute,
		"share":     func(used, most int) int { return min(1000, 1000*used/max(most, 1)) },
		"stamp":     stamp,
		"short":     short,
		"drawn":     v.drawn,
		"asset":     asset,
		"link":      link,
		"esc":       url.PathEscape,
		"add":       func(a, b int) int { return a + b },
	}
}

// by is who did something: a person by name, or whoever a mail went to.
func (v *views) by(who string) string {
	if who == recipient {
		return v.Word(recipient)
	}
	return report.Printable(who)
}

// recipient is the mark of what came from outside; nobody may log in by it.
const recipient = "recipient"

// printableLines is a text of several lines without what a terminal or a reader
// could be fooled by.
func printableLines(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = report.Printable(line)
	}
	return strings.Join(lines, "\n")
}

// short leaves the year and the seconds away.
func short(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("01-02 15:04")
}

func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%.1f KB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// show writes a page whole or not at all.
func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, v view) {
	views := s.views[s.langOf(r)]
	f, err := s.frame(r, v)
	var b bytes.Buffer
	if err == nil {
		err = views.pages[v.Page].ExecuteTemplate(&b, "layout", f)
	}
	if err != nil {
		s.Log.Error("a page could not be made", "path", r.URL.Path, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // who has gone reads nothing
}

func (s *Server) frame(r *http.Request, v view) (frame, error) {
	v.Here = cmp.Or(v.Here, v.Page)
	lang := s.langOf(r)
	f := frame{view: v, Lang: lang, Path: r.URL.RequestURI(), Who: login.Who(r.Context()).Name, Done: s.views[lang].said(r.URL.Query().Get("done"))}
	if f.Who == "" {
		return f, nil
	}
	issues, err := s.issues(r.Context())
	if err != nil {
		return f, err
	}
	for _, issue := range issues {
		f.Doubts += issue.InDoubt
	}
	f.Locked, err = s.Guard.Locked(r.Context())
	return f, err
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

// number writes a count as people read it.
func number(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// perMinute is a rate as people say it.
func (v *views) perMinute(perSecond float64) string {
	if perSecond >= 2 {
		return v.Say("%.0f a second", perSecond)
	}
	return v.Say("%.1f a minute", 60*perSecond)
}
