// Package api is the dashboard for programs: the same reading and the same acts
// as JSON, under /api/v1, with a description (OpenAPI 3) that a test holds
// against the handlers. It must never know who is at the door, nor do what the
// pages cannot.
package api

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"hongyan/internal/catalogue"
	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/web"
)

//go:embed openapi.yaml
var description []byte

// Options are what the API is made of.
type Options struct {
	Books web.Books
	Desk  web.Desk
	Log   *slog.Logger
}

type api struct {
	Options
	clerk web.Clerk
}

// A Route is one thing that can be asked.
type Route struct {
	Method, Path string
	serve        func(r *http.Request) (any, error)
}

// Routes are all of them, as the description has them too.
func Routes(o Options) []Route {
	a := &api{o, web.Clerk{Books: o.Books, Desk: o.Desk}}
	const issue = "/issues/{campaign}/{issue}"
	return []Route{
		{http.MethodGet, "/campaigns", a.campaigns},
		{http.MethodGet, "/campaigns/{campaign}", a.campaign},
		{http.MethodGet, "/campaigns/{campaign}/draft", a.draft},
		{http.MethodGet, "/campaigns/{campaign}/preview", a.preview},
		{http.MethodGet, "/issues", a.issues},
		{http.MethodGet, issue, a.issue},
		{http.MethodGet, issue + "/timeline", a.timeline},
		{http.MethodGet, issue + "/recipients", a.recipients},
		{http.MethodGet, issue + "/recipients/{id}", a.recipient},
		{http.MethodPost, issue + "/start", a.start},
		{http.MethodPost, issue + "/pause", a.pause},
		{http.MethodPost, issue + "/resume", a.resume},
		{http.MethodPost, issue + "/test", a.test},
		{http.MethodPost, issue + "/retry", a.retry},
		{http.MethodPost, issue + "/settle", a.settle},
		{http.MethodGet, "/accounts", a.accounts},
		{http.MethodPost, "/accounts/{account}/lift", a.lift},
		{http.MethodPost, "/accounts/{account}/probe", a.probe},
		{http.MethodGet, "/crew", a.crew},
		{http.MethodGet, "/suppressions", a.suppressions},
		{http.MethodPost, "/suppressions", a.suppress},
		{http.MethodDelete, "/suppressions", a.unsuppress},
		{http.MethodGet, "/acts", a.acts},
	}
}

// Root is where the API is served.
const Root = "/api/v1"

// New answers below [Root]. The guard stands before all but the description.
func New(o Options, guard func(http.Handler) http.Handler) http.Handler {
	inside := http.NewServeMux()
	for _, route := range Routes(o) {
		inside.HandleFunc(route.Method+" "+Root+route.Path, o.answering(route.serve))
	}
	whole := http.NewServeMux()
	whole.HandleFunc("GET "+Root+"/openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(description) // who has gone reads nothing
	})
	whole.Handle("/", guard(o.missing(inside)))
	return whole
}

// missing says in the API's own form what a mux says of a path or a method that it
// does not have.
func (o Options) missing(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		unsaid := mute{w, new(http.StatusNotFound)}
		handler.ServeHTTP(unsaid, r)
		o.Refuse(w, r, *unsaid.status)
	})
}

// A mute keeps the status of an answer to itself, and drops its body.
type mute struct {
	http.ResponseWriter
	status *int
}

func (m mute) WriteHeader(status int)      { *m.status = status }
func (m mute) Write(p []byte) (int, error) { return len(p), nil }

// Refuse answers with a status and its words.
func (o Options) Refuse(w http.ResponseWriter, r *http.Request, status int) {
	var why fault.Text
	switch status {
	case http.StatusUnauthorized:
		why = fault.Textf("Unauthorized")
	case http.StatusForbidden:
		why = fault.Textf("Forbidden")
	case http.StatusNotFound:
		why = fault.Textf("Not Found")
	case http.StatusMethodNotAllowed:
		why = fault.Textf("Method Not Allowed")
	default:
		why = fault.Textf("Internal Server Error")
	}
	o.fail(w, r, status, why)
}

// fail answers with a sentence, in the language that the client asks for.
func (o Options) fail(w http.ResponseWriter, r *http.Request, status int, why fault.Text) {
	lang := cmp.Or(web.Asked(r), "en")
	w.Header().Set("Content-Language", lang)
	w.Header().Add("Vary", "Accept-Language")
	reply(w, status, trouble{catalogue.In(lang).Text(why)})
}

// A trouble is the answer to what cannot be done.
type trouble struct {
	Error string `json:"error"`
}

func (o Options) answering(serve func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := serve(r)
		if err == nil {
			if p, ok := v.(partial); ok {
				v = p.all
				p.point(w)
			}
			reply(w, http.StatusOK, v)
			return
		}
		refusal, refused := errors.AsType[*web.Refusal](err)
		bad, wrong := errors.AsType[*badRequest](err)
		switch {
		case refused:
			o.fail(w, r, http.StatusConflict, refusal.Why)
		case wrong:
			o.fail(w, r, http.StatusBadRequest, bad.why)
		case errors.Is(err, web.ErrUnknown) || errors.Is(err, ledger.ErrUnknown):
			o.Refuse(w, r, http.StatusNotFound)
		default:
			o.Log.Error("a request broke down", "path", r.URL.Path, "error", err)
			o.Refuse(w, r, http.StatusInternalServerError)
		}
	}
}

// A partial answer says where the next one begins, if there is more.
type partial struct {
	all  any
	next string // of the same path
}

// first are the first n of all, and of those that follow where they begin: what
// the cursor of the last one says, as names and values of the query.
func first[S any](r *http.Request, all []S, n int, cursor func(last S) []string) partial {
	if len(all) <= n {
		return partial{all: all}
	}
	return partial{all[:n], onward(r, cursor(all[n-1])...)}
}

// onward is the query of a request that goes on from a cursor.
func onward(r *http.Request, cursor ...string) string {
	query := r.URL.Query()
	for i := 0; i < len(cursor); i += 2 {
		query.Set(cursor[i], cursor[i+1])
	}
	return "?" + query.Encode()
}

// point links the next answer (RFC 8288).
func (p partial) point(w http.ResponseWriter) {
	if p.next != "" {
		w.Header().Set("Link", "<"+p.next+`>; rel="next"`)
	}
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // who has gone reads nothing
}

// A badRequest is a fault in what was asked.
type badRequest struct{ why fault.Text }

func (b *badRequest) Error() string { return b.why.String() }

// read takes the body, which must be what is wanted and nothing else.
func read(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return &badRequest{unread(err)}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return &badRequest{fault.Textf("the body has more than one value")}
	}
	return nil
}

// unread says why a body is not what is wanted, without our own names for it.
func unread(err error) fault.Text {
	other, ok := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case !ok:
		return fault.Textf("the body cannot be read: %s", err.Error())
	case other.Field == "":
		return fault.Textf("the body must be an object, not a JSON %s", other.Value)
	}
	return fault.Textf("%s cannot be a JSON %s", other.Field, other.Value)
}

// most is how many of many things one answer has.
const most = 1000

// limit reads how many are wanted at most.
func limit(r *http.Request) (int, error) {
	n, err := number(r, "limit", 100)
	if err == nil && (n < 1 || n > most) {
		err = &badRequest{fault.Textf("limit must be from 1 to 1000")}
	}
	return int(n), err
}

func number(r *http.Request, name string, otherwise int64) (int64, error) {
	text := r.FormValue(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, &badRequest{fault.Textf("%s must be a whole number", name)}
	}
	return n, nil
}

func keyOf(r *http.Request) ledger.Key {
	k := ledger.Key{Campaign: r.PathValue("campaign"), Issue: r.PathValue("issue")}
	if k.Issue == "" {
		k.Issue = r.FormValue("issue")
	}
	return k
}

func texts(all []fault.Text) []string {
	out := make([]string, len(all))
	for i, t := range all {
		out[i] = t.String()
	}
	return out
}

func seconds(d time.Duration) float64 { return d.Seconds() }

// done is the answer to an act that counts nothing.
type done struct {
	Done bool `json:"done"`
}

// counted is the answer to an act that counts.
type counted struct {
	Count int `json:"count"`
}
