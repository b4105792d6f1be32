package api_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/web"
	"hongyan/internal/web/api"
	"hongyan/internal/web/login"
	"hongyan/internal/web/webtest"
)

// A client asks the real handlers, and holds every question and every answer
// against the description.
type client struct {
	*webtest.Office
	t       *testing.T
	handler http.Handler
	doc     *openapi3.T
	router  routers.Router
	token   string
	asked   map[string]bool
}

func newClient(t *testing.T) *client {
	t.Helper()
	o := webtest.Open(t)
	c := webtest.Campaign{
		Campaign: web.Campaign{
			Name: "weekly", File: "weekly.yaml", Subject: "The week", Recipients: "people.csv", Accounts: []string{"qq"}, Schedule: "0 9 * * MON",
			Next: []time.Time{time.Now()}, Faults: nil,
		},
		Findings: []web.Finding{{Rule: "alt-missing", Severity: "warning", Place: "weekly.md:3", What: fault.Textf("an image has no text")}},
		Notes:    []fault.Text{fault.Textf("%d rows", 3)},
		Answer: func(e ledger.Entry, _ time.Time) ledger.Outcome {
			switch e.Line % 3 {
			case 0:
				return ledger.Outcome{State: ledger.Refused, Stage: "rcpt", Code: 550, Enhanced: "5.1.1", Reply: "no such mailbox", Class: "bad-address", Rule: "generic/550"}
			case 1:
				return ledger.Outcome{State: ledger.InDoubt, Stage: "dot", Reply: "the connection was lost"}
			}
			return ledger.Outcome{State: ledger.Sent, Stage: "dot", Code: 250, Reply: "Ok"}
		},
	}
	for i := range 9 {
		c.People = append(c.People, ledger.Row{Line: i + 2, Address: fmt.Sprintf("%d@example.com", i), Name: "Reader", Fields: map[string]string{"city": "Hangzhou"}})
	}
	o.Add(c)
	o.Add(webtest.Campaign{Campaign: web.Campaign{Name: "faulty", Faults: fault.Faults{fault.At("faulty.yaml", 1, "unknown key").Hinted("remove it")}}})
	o.Hire(web.Account{Name: "qq", Provider: "qq", Address: "news@qq.com", Pace: 0.5, Windows: []web.Window{{Name: "100/day", Max: 100}}, Learned: []fault.Text{fault.Textf("half")}})
	guard := login.New(login.Options{Shelf: o.Store})
	t.Cleanup(guard.Close)
	options := api.Options{Books: o.Store, Desk: o, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	out := &client{
		Office: o, t: t, asked: map[string]bool{},
		handler: api.New(options, func(h http.Handler) http.Handler { return guard.API(h, options.Refuse) }),
	}
	token, err := login.NewToken(t.Context(), o.Store, login.Token{Name: "crm", Role: login.Act, By: "wang"})
	if err != nil {
		t.Fatal(err)
	}
	out.token = token
	out.read()
	return out
}

// read gets the description as programs do.
func (c *client) read() {
	c.t.Helper()
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, httptest.NewRequestWithContext(c.t.Context(), http.MethodGet, "/api/v1/openapi.yaml", nil))
	var err error
	if c.doc, err = openapi3.NewLoader().LoadFromData(w.Body.Bytes()); err != nil {
		c.t.Fatal(err)
	}
	if err := c.doc.Validate(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	if c.router, err = legacy.NewRouter(c.doc); err != nil {
		c.t.Fatal(err)
	}
}

// ask sends a request that the description allows, wants a status, and holds
// the answer against the description.
func (c *client) ask(method, path string, body any, status int) []byte {
	c.t.Helper()
	r, w := c.send(method, path, body)
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	c.asked[method+" "+route.Path] = true
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	if err := openapi3filter.ValidateRequest(c.t.Context(), in); err != nil && status < 400 {
		c.t.Errorf("%s %s: the request: %v", method, path, err)
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: w.Code, Header: w.Header(), Body: io.NopCloser(bytes.NewReader(w.Body.Bytes())),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateResponse(c.t.Context(), out); err != nil || w.Code != status {
		c.t.Errorf("%s %s: %d, not %d: %v\n%s", method, path, w.Code, status, err, w.Body)
	}
	return w.Body.Bytes()
}

func (c *client) send(method, path string, body any) (*http.Request, *httptest.ResponseRecorder) {
	c.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	request := func() *http.Request {
		var in io.Reader
		if body != nil {
			in = bytes.NewReader(data)
		}
		r := httptest.NewRequestWithContext(c.t.Context(), method, "/api/v1"+path, in)
		r.Header.Set("Authorization", "Bearer "+c.token)
		if body != nil {
			r.Header.Set("Content-Type", "application/json")
		}
		return r
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, request())
	return request(), w
}

func TestDescriptionHoldsOfEveryQuestionAndEveryAnswer(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	const issue = "/issues/weekly/main"
	type order = map[string]any
	c.ask(http.MethodGet, "/campaigns", nil, 200)
	c.ask(http.MethodGet, "/campaigns/faulty", nil, 200)
	c.ask(http.MethodGet, "/campaigns/weekly/draft", nil, 200)
	c.ask(http.MethodGet, "/campaigns/faulty/draft?issue=1", nil, 200)
	c.ask(http.MethodGet, "/campaigns/weekly/preview?n=2", nil, 200)
	c.ask(http.MethodGet, "/issues", nil, 200)
	c.ask(http.MethodPost, issue+"/start", nil, 200)
	c.ask(http.MethodPost, issue+"/start", nil, 409)
	c.ask(http.MethodPost, issue+"/pause", nil, 200)
	c.ask(http.MethodGet, issue, nil, 200)
	c.ask(http.MethodPost, issue+"/resume", nil, 200)
	c.step(9)
	c.ask(http.MethodGet, "/issues?after=weekly&after_issue=main&limit=1", nil, 200)
	c.ask(http.MethodGet, issue+"/timeline?step=1", nil, 200)
	var found []struct{ ID int64 }
	body := c.ask(http.MethodGet, issue+"/recipients?state=in-doubt&limit=2", nil, 200)
	if err := json.Unmarshal(body, &found); err != nil || len(found) != 2 {
		t.Fatalf("%v: %s", err, body)
	}
	c.ask(http.MethodPost, issue+"/settle", order{"as": "resend", "ids": []int64{found[0].ID, found[1].ID}}, 200)
	c.ask(http.MethodPost, issue+"/retry", order{"classes": []string{"bad-address"}}, 200)
	c.step(9)
	c.ask(http.MethodGet, fmt.Sprintf("%s/recipients/%d", issue, found[0].ID), nil, 200)
	c.ask(http.MethodGet, issue+"/recipients?q=example&after=1", nil, 200)
	c.ask(http.MethodPost, issue+"/test", order{"to": []string{"me@example.com"}, "rows": "2"}, 200)
	if err := c.Store.Hold(t.Context(), ledger.Hold{Account: "qq", Since: time.Now(), Until: time.Now().Add(time.Hour), Reason: "slow down", Rule: "qq/451", Reply: "451"}); err != nil {
		t.Fatal(err)
	}
	c.ask(http.MethodGet, "/accounts", nil, 200)
	c.ask(http.MethodGet, "/crew", nil, 200)
	c.Share(web.Crew{
		Workers: []web.Worker{{Name: "here", Works: true, Alive: true, Accounts: []string{"qq"}}, {Name: "there"}},
		Queue:   []web.Queue{{Key: ledger.Key{Campaign: "weekly", Issue: "main"}, Due: 3, Since: time.Now().Add(-time.Hour)}, {Account: "qq", Due: 9, Paused: true}},
	})
	var crew struct {
		Workers, Queue []any
		Depth          int
		Lag            float64 `json:"lag_seconds"`
	}
	body = c.ask(http.MethodGet, "/crew", nil, 200)
	if err := json.Unmarshal(body, &crew); err != nil || len(crew.Workers) != 2 || len(crew.Queue) != 2 || crew.Depth != 3 || crew.Lag < 3600 || crew.Lag > 4000 {
		t.Errorf("%v: %s", err, body)
	}
	c.ask(http.MethodPost, "/accounts/qq/lift", nil, 200)
	c.ask(http.MethodPost, "/accounts/qq/probe", nil, 200)
	c.ask(http.MethodPost, "/suppressions", order{"addresses": []string{"a@example.com", "b@example.com"}, "list": "weekly", "reason": "asked"}, 200)
	c.ask(http.MethodGet, "/suppressions?list=weekly&q=a@", nil, 200)
	c.ask(http.MethodDelete, "/suppressions?list=weekly&address=a@example.com", nil, 200)
	c.ask(http.MethodGet, "/acts?limit=5", nil, 200)
	c.ask(http.MethodGet, "/acts?before=3", nil, 200)

	for _, route := range api.Routes(api.Options{}) {
		if !c.asked[route.Method+" "+route.Path] {
			t.Errorf("%s %s was not asked", route.Method, route.Path)
		}
	}
}

func (c *client) step(n int) {
	c.t.Helper()
	if _, err := c.Step(c.t.Context(), n, time.Now()); err != nil {
		c.t.Fatal(err)
	}
}

// A slow ledger takes as long for a stretch as a search may take as a whole.
type slow struct{ web.Books }

func (s slow) Entries(ctx context.Context, k ledger.Key, f ledger.Filter) iter.Seq2[ledger.Entry, error] {
	if f.Limit != 1 {
		<-time.After(50 * time.Millisecond)
	}
	return s.Books.Entries(ctx, k, f)
}

func TestASearchThatTakesLongSaysWhereItGoesOn(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	crowd := webtest.Campaign{Campaign: web.Campaign{Name: "crowd", Accounts: []string{"qq"}}}
	for i := range 20_000 {
		crowd.People = append(crowd.People, ledger.Row{Line: i + 2, Address: fmt.Sprintf("r%05d@example.com", i)})
	}
	c.Add(crowd)
	if err := c.Start(t.Context(), ledger.Key{Campaign: "crowd", Issue: "main"}, "wang"); err != nil {
		t.Fatal(err)
	}
	c.handler = api.New(api.Options{Books: slow{c.Store}, Desk: c.Office}, func(h http.Handler) http.Handler { return h })
	for query, want := range map[string]struct{ found, answers int }{
		"q=nobody":            {0, 3},
		"q=r19999@":           {1, 3},
		"state=sent":          {0, 3},
		"q=r00001%40&limit=1": {1, 3},
		"q=r0000&limit=4":     {10, 5},
	} {
		found, answers := 0, 0
		for next := "?" + query; next != ""; answers++ {
			_, w := c.send(http.MethodGet, "/issues/crowd/main/recipients"+next, nil)
			var page []struct{ Address string }
			if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || page == nil || w.Code != http.StatusOK {
				t.Fatalf("%s: %d, %v: %s", next, w.Code, err, w.Body)
			}
			found += len(page)
			next = linked(w)
		}
		if found != want.found || answers != want.answers {
			t.Errorf("%s: %d found in %d answers, want %d in %d", query, found, answers, want.found, want.answers)
		}
	}
}

// linked is the query of the next answer, "" after the last.
func linked(w *httptest.ResponseRecorder) string {
	link, _ := strings.CutSuffix(w.Header().Get("Link"), `>; rel="next"`)
	return strings.TrimPrefix(link, "<")
}

func TestDescriptionAndHandlersHaveTheSameRoutes(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	var described, served []string
	for path, item := range c.doc.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	for _, route := range api.Routes(api.Options{}) {
		served = append(served, route.Method+" "+route.Path)
	}
	slices.Sort(described)
	slices.Sort(served)
	if !slices.Equal(described, served) {
		t.Errorf("described:\n%s\nserved:\n%s", strings.Join(described, "\n"), strings.Join(served, "\n"))
	}
}

func TestNothingIsLeftWithoutADescription(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for path, item := range c.doc.Paths.Map() {
		parameters := slices.Clone(item.Parameters)
		for method, o := range item.Operations() {
			if o.Summary == "" {
				t.Errorf("%s %s is not described", method, path)
			}
			parameters = append(parameters, o.Parameters...)
		}
		for _, p := range parameters {
			if p.Value.Description == "" {
				t.Errorf("%s: the parameter %s is not described", path, p.Value.Name)
			}
		}
	}
	for name, schema := range c.doc.Components.Schemas {
		for property, of := range schema.Value.Properties {
			if of.Ref == "" && of.Value.Description == "" {
				t.Errorf("%s of %s is not described", property, name)
			}
		}
	}
}

func TestWhatIsWrongIsSaidInTheDescribedForm(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.ask(http.MethodPost, "/issues/weekly/main/start", nil, 200)
	for path, status := range map[string]int{
		"/campaigns/none": 404, "/campaigns/weekly/preview?n=99": 404, "/campaigns/weekly/preview?n=x": 400, "/issues/weekly/none": 404,
		"/issues/weekly/none/recipients": 404, "/issues/weekly/main/recipients?state=gone": 400, "/issues/weekly/main/recipients?limit=0": 400,
		"/issues/weekly/main/recipients?limit=1001": 400, "/issues/weekly/main/recipients?after=-1": 400, "/issues/weekly/main/recipients/1": 404,
		"/issues/weekly/main/timeline?step=0": 400, "/issues/weekly/main/timeline?step=36028797018963968": 400, "/acts?before=x": 400, "/suppressions?limit=x": 400,
		"/issues?limit=1001": 400, "/issues?after=weekly&after_issue=none": 404,
	} {
		c.ask(http.MethodGet, path, nil, status)
	}
	for path, body := range map[string]any{
		"/issues/weekly/main/test": map[string]any{"to": []string{"nobody"}}, "/issues/weekly/main/retry": map[string]any{"class": "x"},
		"/issues/weekly/main/settle": map[string]any{"as": "lost", "ids": []int64{1}}, "/suppressions": map[string]any{"addresses": []string{"nobody"}},
	} {
		c.ask(http.MethodPost, path, body, 400)
	}
	c.ask(http.MethodDelete, "/suppressions?address="+url.QueryEscape("none@example.com"), nil, 404)
	c.ask(http.MethodPost, "/accounts/none/probe", nil, 404)
	if _, w := c.send(http.MethodGet, "/nothing", nil); w.Code != 404 || w.Body.String() != "{\"error\":\"Not Found\"}\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestABodyOfAnotherKindIsToldWithoutOurOwnNames(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for want, body := range map[string]any{
		"the body must be an object, not a JSON array": []string{}, "addresses cannot be a JSON string": map[string]any{"addresses": "a@example.com"},
		"to must name at least one address": map[string]any{"to": []string{}},
	} {
		path := "/suppressions"
		if strings.HasPrefix(want, "to ") {
			path = "/issues/weekly/main/test"
		}
		if said := c.ask(http.MethodPost, path, body, 400); string(said) != fmt.Sprintf("{\"error\":%q}\n", want) {
			t.Errorf("%s", said)
		}
	}
}

func TestASuppressionIsTakenBackByAnySpellingOfItsAddress(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, spelling := range []string{"b@例子.中国", "A@EXAMPLE.com", "Foo <c@example.com>"} {
		c.ask(http.MethodPost, "/suppressions", map[string]any{"addresses": []string{spelling}}, 200)
		c.ask(http.MethodDelete, "/suppressions?address="+url.QueryEscape(spelling), nil, 200)
	}
	c.ask(http.MethodDelete, "/suppressions?address=nobody", nil, 400)
}

func TestAMethodThatAPathHasNotIsToldFromAPathThatThereIsNot(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, one := range []struct {
		method, path, allow string
		status              int
	}{
		{http.MethodPut, "/suppressions", "DELETE, GET, HEAD, POST", 405},
		{http.MethodGet, "/issues/weekly/main/start", "POST", 405},
		{http.MethodPost, "/nothing", "", 404},
	} {
		_, w := c.send(one.method, one.path, nil)
		want := fmt.Sprintf("{\"error\":%q}\n", http.StatusText(one.status))
		if w.Code != one.status || w.Header().Get("Allow") != one.allow || w.Body.String() != want || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %d %v %s", one.method, one.path, w.Code, w.Header(), w.Body)
		}
	}
}

func TestActsOfProgramsStandInTheLogUnderTheirToken(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.ask(http.MethodPost, "/issues/weekly/main/start", nil, 200)
	c.ask(http.MethodPost, "/issues/weekly/main/resume", nil, 409)
	var acts []struct{ By, What, Note string }
	if err := json.Unmarshal(c.ask(http.MethodGet, "/acts", nil, 200), &acts); err != nil || len(acts) != 3 {
		t.Fatal(acts, err)
	}
	if acts[2].By != "token crm" || acts[2].What != "start" || !strings.HasPrefix(acts[0].Note, "failed: ") {
		t.Errorf("%+v", acts)
	}
}

func TestRolesHold(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	reader, err := login.NewToken(t.Context(), c.Store, login.Token{Name: "grafana", Role: login.Read, By: "wang"})
	if err != nil {
		t.Fatal(err)
	}
	act := c.token
	for _, one := range []struct {
		token, method, path string
		want                int
	}{
		{reader, http.MethodGet, "/issues", 200},
		{reader, http.MethodPost, "/issues/weekly/main/start", 403},
		{reader, http.MethodDelete, "/suppressions?address=a@example.com", 403},
		{"", http.MethodGet, "/issues", 401},
		{"hy_guess", http.MethodPost, "/issues/weekly/main/start", 401},
		{act, http.MethodPost, "/issues/weekly/main/start", 200},
	} {
		c.token = one.token
		if _, w := c.send(one.method, one.path, nil); w.Code != one.want || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s %s by %q: %d, not %d", one.method, one.path, cmp.Or(one.token, "nobody"), w.Code, one.want)
		}
	}
}

func TestMistakesAreToldInTheLanguageThatIsAskedFor(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	handler := api.New(api.Options{Books: c.Store, Desk: c.Office}, func(h http.Handler) http.Handler { return h })
	said := map[string]map[string]string{
		"/nothing":      {"en": "Not Found", "zh": "没有找到"},
		"/acts?limit=0": {"en": "limit must be from 1 to 1000", "zh": "limit 须为 1 到 1000"},
	}
	for asked, want := range map[string]string{
		"zh-CN,zh;q=0.9,en;q=0.8": "zh", "zh": "zh", "en-GB,zh": "en", "fr, zh-Hant": "zh", "fr": "en", "": "en",
	} {
		for path, why := range said {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1"+path, nil)
			r.Header.Set("Accept-Language", asked)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if got := w.Body.String(); got != fmt.Sprintf("{\"error\":%q}\n", why[want]) || w.Header().Get("Content-Language") != want {
				t.Errorf("%s, asked in %q: %s", path, asked, got)
			}
		}
	}
}
