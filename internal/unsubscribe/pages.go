package unsubscribe

import (
	"context"
	_ "embed"
	"errors"
	"html/template"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"hongyan/internal/ledger"
)

// pages answer the requests.
type pages struct {
	Options
	base   string // path
	limits *limits
}

// A visit is one request, as far as it is understood.
type visit struct {
	http.ResponseWriter
	*http.Request
	words
	token string
}

// ServeHTTP picks who answers. It does so by hand because http.ServeMux would
// redirect what is not spelt as it likes.
func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.headers(w.Header())
	v := &visit{ResponseWriter: w, Request: r, words: wordsFor(r)}
	if !p.limits.allow(client(r)) {
		w.Header().Set("Retry-After", "10")
		p.say(v, http.StatusTooManyRequests, v.TooMany)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	token, ours := strings.CutPrefix(r.URL.Path, p.base)
	token, machine := strings.CutPrefix(token, oneClick)
	v.token = token
	list, address, ok := p.Keys.Open(r.Context(), token, time.Now())
	switch {
	case !ours || !ok:
		p.unknown(v)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		p.show(v, list)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, HEAD, POST")
		p.say(v, http.StatusMethodNotAllowed, v.Odd)
	case !p.form(v):
	case machine:
		p.oneClick(v, list, address)
	default:
		p.act(v, list, address)
	}
}

func (p *pages) headers(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	if strings.HasPrefix(p.URL, "https://") {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

//go:embed page.html
var pageHTML string

//go:embed page.css
var sheet string

// view is what the page shows.
type view struct {
	words
	Sheet       template.CSS
	Title, Text string
	List        string
	Base, Token string
	Leave, Back bool // the button to press
	Reasoned    bool // with room for a reason
}

// recipient is the mark of the acts and suppressions that came from outside.
const recipient = "recipient"

// show is the page that a link leads to. It changes nothing, whoever looks:
// mail scanners follow links, and browsers fetch them ahead.
func (p *pages) show(v *visit, list string) {
	p.write(v, http.StatusOK, view{Title: v.AskTitle, Text: v.AskText, List: list, Leave: true, Reasoned: true})
}

// act is the button of the page. The answer is the same whether the ledger
// knew the address, and whether it was pressed before.
func (p *pages) act(v *visit, list, address string) {
	answer, err := view{}, error(nil)
	switch v.PostFormValue("do") {
	case "leave":
		err = p.leave(v.Context(), list, address, bounded(v.PostFormValue("reason")))
		answer = view{Title: v.LeftTitle, Text: v.LeftText, List: list, Back: true}
	case "back":
		err = p.comeBack(v.Context(), list, address)
		answer = view{Title: v.BackTitle, Text: v.BackText, List: list, Leave: true}
	default:
		p.say(v, http.StatusBadRequest, v.Odd)
		return
	}
	if err != nil {
		p.broken(v, err)
		return
	}
	p.write(v, http.StatusOK, answer)
}

// oneClick is the button of a mail program (RFC 8058 §3.2).
func (p *pages) oneClick(v *visit, list, address string) {
	if v.PostFormValue("List-Unsubscribe") != "One-Click" {
		p.say(v, http.StatusBadRequest, v.Odd)
		return
	}
	if err := p.leave(v.Context(), list, address, ""); err != nil {
		p.broken(v, err)
		return
	}
	p.say(v, http.StatusOK, v.LeftTitle)
}

// form reads the body; it answers itself when that is no small form.
func (p *pages) form(v *visit) bool {
	kind, _, err := mime.ParseMediaType(v.Request.Header.Get("Content-Type"))
	switch {
	case err == nil && kind == "application/x-www-form-urlencoded":
		err = v.ParseForm()
	case err == nil && kind == "multipart/form-data":
		err = v.ParseMultipartForm(maxBody)
	default:
		p.say(v, http.StatusUnsupportedMediaType, v.Odd)
		return false
	}
	status := http.StatusBadRequest
	if _, big := errors.AsType[*http.MaxBytesError](err); big {
		status = http.StatusRequestEntityTooLarge
	}
	if err != nil {
		p.say(v, status, v.Odd)
	}
	return err == nil
}

// bounded is as much of a reason as is kept: a few sentences.
func bounded(reason string) string {
	const most = 500
	if len(reason) <= most {
		return reason
	}
	end := most
	for !utf8.RuneStart(reason[end]) {
		end--
	}
	return reason[:end]
}

// leave suppresses the address. What was pressed before stands.
func (p *pages) leave(ctx context.Context, list, address, reason string) error {
	now := time.Now()
	added, err := p.Books.Suppress(ctx, ledger.Suppression{
		List: list, Address: address, Source: ledger.Unsubscribe, Reason: reason, By: recipient, At: now,
	})
	if err != nil || added == 0 {
		return err
	}
	return p.Books.Note(ctx, ledger.Act{At: now, By: recipient, What: "unsubscribe", About: address, Note: list})
}

// comeBack takes the recipient's own suppression back, and nobody else's.
func (p *pages) comeBack(ctx context.Context, list, address string) error {
	s, ok, err := p.Books.Suppressed(ctx, list, address)
	if err != nil || !ok || s.Source != ledger.Unsubscribe || s.List != list {
		return err
	}
	if _, err := p.Books.Unsuppress(ctx, list, address); err != nil {
		return err
	}
	return p.Books.Note(ctx, ledger.Act{At: time.Now(), By: recipient, What: "resubscribe", About: address, Note: list})
}

// unknown answers a link that is none of ours. It is said plainly: tokens
// cannot be guessed, and a person whose link was cut must not believe to have
// left.
func (p *pages) unknown(v *visit) { p.say(v, http.StatusNotFound, v.Unknown) }

// broken answers when the ledger cannot be written; mail programs try again.
func (p *pages) broken(v *visit, err error) {
	p.Log.Error("unsubscribe", "error", err)
	p.say(v, http.StatusServiceUnavailable, v.Broken)
}

// say answers with one sentence.
func (p *pages) say(v *visit, status int, sentence string) { p.write(v, status, view{Title: sentence}) }

var page = template.Must(template.New("page").Parse(pageHTML))

func (p *pages) write(v *visit, status int, see view) {
	see.words, see.Sheet, see.Base, see.Token = v.words, template.CSS(sheet), p.base, v.token
	h := v.ResponseWriter.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.Lang)
	h.Add("Vary", "Accept-Language")
	v.WriteHeader(status)
	_ = page.Execute(v.ResponseWriter, see) // the visitor is gone
}
