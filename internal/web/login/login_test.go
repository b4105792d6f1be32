package login_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hongyan/internal/ledger/ledgertest"
	"hongyan/internal/ledger/sqlite"
	"hongyan/internal/web/login"
)

const right = "correct horse battery"

func open(t *testing.T) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// S20, ASVS 6.2.1, 6.2.9, 6.2.5: from 8 characters to more than 64, of any kind.
func TestPasswordsAreBoundedInLengthAndInNothingElse(t *testing.T) {
	t.Parallel()
	store := open(t)
	for plain, ok := range map[string]bool{
		"": false, "s7orT-x": false, "eightchr": true, "7302-1146": true, "鸿雁传书鸿雁传书": true, strings.Repeat("wild geese ", 6)[:64]: true,
		strings.Repeat("wild geese ", 24)[:256]: true, strings.Repeat("wild geese ", 24)[:257]: false, "a b c   d e": true,
	} {
		if err := login.SetPassword(t.Context(), store, plain); (err == nil) != ok {
			t.Errorf("%q: %v", plain, err)
		}
	}
}

// S20, ASVS 6.2.4 and 6.2.11.
func TestPasswordsThatEverybodyTriesAreRefused(t *testing.T) {
	t.Parallel()
	store := open(t)
	for _, plain := range []string{
		"password", "12345678", "iloveyou", "Password1", "P@ssw0rd", "qwertyuiop", "abcd1234", "11111111", "woaini1314",
		"hongyan1", "Hongyan!", "hongyanhongyan", "dashboard", strings.Repeat("a", 64), strings.Repeat("z", 256), "        ",
	} {
		if err := login.SetPassword(t.Context(), store, plain); !errors.Is(err, login.ErrKnown) {
			t.Errorf("%q: %v", plain, err)
		}
	}
}

// S20, ASVS 11.4.2.
func TestPasswordIsKeptAsArgon2idAndNowhereInClear(t *testing.T) {
	t.Parallel()
	store := open(t)
	if err := login.SetPassword(t.Context(), store, right); err != nil {
		t.Fatal(err)
	}
	kept, err := store.Paper(t.Context(), "door", "password")
	if err != nil || !strings.HasPrefix(string(kept), "$argon2id$v=19$m=65536,t=3,p=4$") || strings.Contains(string(kept), right) {
		t.Errorf("kept %q, %v", kept, err)
	}
	if err := login.DropPassword(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	if has, err := login.HasPassword(t.Context(), store); has || err != nil {
		t.Errorf("has %v, %v", has, err)
	}
}

// A door is a guard before a page that says who is there.
type door struct {
	t       *testing.T
	guard   *login.Guard
	handler http.Handler
}

func newDoor(t *testing.T, o login.Options) door {
	t.Helper()
	g := login.New(o)
	t.Cleanup(g.Close)
	mux := http.NewServeMux()
	inside := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(login.Who(r.Context()).Name)) })
	mux.Handle("/", g.Pages(inside))
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		result, err := g.Login(r, "wang", r.PostFormValue("password"))
		if err != nil {
			t.Error(err)
		}
		w.WriteHeader(map[login.Result]int{login.Welcome: http.StatusNoContent, login.Wrong: http.StatusUnauthorized, login.TooMany: http.StatusTooManyRequests, login.Unset: http.StatusConflict}[result])
	})
	mux.HandleFunc("POST /logout", func(_ http.ResponseWriter, r *http.Request) {
		if err := g.Logout(r.Context()); err != nil {
			t.Error(err)
		}
	})
	whole := http.NewServeMux()
	whole.Handle("/", g.Sessions(mux))
	whole.Handle("/live", g.Glance(inside))
	whole.Handle("/api/", g.API(inside, func(w http.ResponseWriter, _ *http.Request, status int) { w.WriteHeader(status) }))
	return door{t, g, whole}
}

// ask returns the answer and the session's cookie, as it is after it.
func (d door) ask(method, path, cookie, password string) (*http.Response, string) {
	d.t.Helper()
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader("password="+password))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html,*/*;q=0.8")
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		cookie = c.Name + "=" + c.Value
	}
	return w.Result(), cookie
}

func (d door) wants(what string, status int, answer *http.Response) {
	d.t.Helper()
	if answer.StatusCode != status {
		d.t.Errorf("%s: %d, not %d", what, answer.StatusCode, status)
	}
}

// S20, ASVS 7.2.1–7.2.4, 7.4.1: the session is made at the login, with a name
// that nobody knew before, and ends with the logout for whoever has copied it.
func TestSessionIsMadeAtLoginRotatedAndKilledAtLogout(t *testing.T) {
	t.Parallel()
	store := open(t)
	if err := login.SetPassword(t.Context(), store, right); err != nil {
		t.Fatal(err)
	}
	d := newDoor(t, login.Options{Shelf: store, Secure: true, Self: "root"})
	answer, none := d.ask(http.MethodGet, "/", "", "")
	d.wants("a stranger", http.StatusSeeOther, answer)
	answer, _ = d.ask(http.MethodPost, "/", none, "")
	d.wants("a stranger's form", http.StatusUnauthorized, answer)
	answer, _ = d.ask(http.MethodPost, "/login", "", "wrong password")
	d.wants("a wrong password", http.StatusUnauthorized, answer)

	planted := "__Host-hongyan=planted-by-somebody"
	answer, first := d.ask(http.MethodPost, "/login", planted, right)
	d.wants("the password", http.StatusNoContent, answer)
	if first == planted {
		t.Error("the session kept the name that it was given (fixation)")
	}
	cookie := answer.Cookies()[0]
	if cookie.Name != "__Host-hongyan" || !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" || len(cookie.Value) < 22 {
		t.Errorf("cookie: %+v", cookie)
	}
	answer, second := d.ask(http.MethodPost, "/login", first, right)
	d.wants("a second login", http.StatusNoContent, answer)
	if second == first {
		t.Error("the session was not rotated")
	}
	answer, _ = d.ask(http.MethodGet, "/", first, "")
	d.wants("the name before", http.StatusSeeOther, answer)
	answer, _ = d.ask(http.MethodGet, "/", second, "")
	d.wants("the name now", http.StatusOK, answer)
	d.ask(http.MethodPost, "/logout", second, "")
	answer, _ = d.ask(http.MethodGet, "/", second, "")
	d.wants("a replay after the logout", http.StatusSeeOther, answer)
}

// S20, ASVS 7.3.1 and 7.3.2. What a page asks by itself keeps nobody logged in.
func TestSessionEndsAfterHalfAnHourIdleAndTwelveHoursInAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := ledgertest.NewMemory()
		if err := login.SetPassword(t.Context(), store, right); err != nil {
			t.Fatal(err)
		}
		d := newDoor(t, login.Options{Shelf: store})
		_, cookie := d.ask(http.MethodPost, "/login", "", right)
		for range 23 { // eleven and a half hours
			time.Sleep(login.Idle - time.Minute)
			answer, _ := d.ask(http.MethodGet, "/", cookie, "")
			d.wants("somebody at work", http.StatusOK, answer)
		}
		time.Sleep(login.Absolute - 23*(login.Idle-time.Minute) + time.Second)
		answer, _ := d.ask(http.MethodGet, "/", cookie, "")
		d.wants("after twelve hours", http.StatusSeeOther, answer)

		_, cookie = d.ask(http.MethodPost, "/login", "", right)
		for range 3 {
			time.Sleep(login.Idle/3 + time.Second)
			d.ask(http.MethodGet, "/live", cookie, "")
		}
		answer, _ = d.ask(http.MethodGet, "/", cookie, "")
		d.wants("an open page that nobody looks at", http.StatusSeeOther, answer)
	})
}

// S20, ASVS 6.3.1.
func TestTriesAreFewForOneMachineAndComeBackWithTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := ledgertest.NewMemory()
		if err := login.SetPassword(t.Context(), store, right); err != nil {
			t.Fatal(err)
		}
		d := newDoor(t, login.Options{Shelf: store})
		for range 5 {
			answer, _ := d.ask(http.MethodPost, "/login", "", "guess")
			d.wants("a guess", http.StatusUnauthorized, answer)
		}
		answer, _ := d.ask(http.MethodPost, "/login", "", right)
		d.wants("even the right one", http.StatusTooManyRequests, answer)
		time.Sleep(13 * time.Second)
		answer, _ = d.ask(http.MethodPost, "/login", "", right)
		d.wants("later", http.StatusNoContent, answer)
	})
}

func TestWithoutAPasswordItIsTheUserOfThisMachine(t *testing.T) {
	t.Parallel()
	d := newDoor(t, login.Options{Shelf: open(t), Self: "wang"})
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if w.Body.String() != "wang" {
		t.Errorf("it is %q", w.Body)
	}
	answer, _ := d.ask(http.MethodGet, "/api/", "", "")
	d.wants("a program without a token", http.StatusUnauthorized, answer)
}

// S20: what other machines reach is not open for a moment.
func TestByADoorThatOthersReachNobodyComesWithoutAPassword(t *testing.T) {
	t.Parallel()
	store := open(t)
	if err := login.SetPassword(t.Context(), store, right); err != nil {
		t.Fatal(err)
	}
	d := newDoor(t, login.Options{Shelf: store, Self: "root", Beyond: true})
	_, cookie := d.ask(http.MethodPost, "/login", "", right)
	if err := login.DropPassword(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	for name, cookie := range map[string]string{"a stranger": "", "somebody who was in": cookie} {
		answer, _ := d.ask(http.MethodGet, "/", cookie, "")
		d.wants(name, http.StatusSeeOther, answer)
		answer, _ = d.ask(http.MethodPost, "/", cookie, "")
		d.wants(name+" with a form", http.StatusUnauthorized, answer)
		answer, _ = d.ask(http.MethodGet, "/live", cookie, "")
		d.wants(name+" who only looks", http.StatusSeeOther, answer)
	}
	answer, _ := d.ask(http.MethodPost, "/login", "", right)
	d.wants("the password of yesterday", http.StatusConflict, answer)
}

// ASVS 7.4.3.
func TestAnotherPasswordEndsTheSessionsOfTheOneBefore(t *testing.T) {
	t.Parallel()
	store := open(t)
	d := newDoor(t, login.Options{Shelf: store})
	cookie := ""
	for _, password := range []string{right, "staple the battery", "staple the battery"} {
		if err := login.SetPassword(t.Context(), store, password); err != nil {
			t.Fatal(err)
		}
		answer, _ := d.ask(http.MethodGet, "/", cookie, "")
		d.wants("before the login", http.StatusSeeOther, answer)
		answer, _ = d.ask(http.MethodGet, "/live", cookie, "")
		d.wants("before the login, at a glance", http.StatusSeeOther, answer)
		_, cookie = d.ask(http.MethodPost, "/login", "", password)
		answer, _ = d.ask(http.MethodGet, "/", cookie, "")
		d.wants("after the login", http.StatusOK, answer)
	}
}

func TestASignatureIsShortAndPrintableAndNobodyElses(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"li": "li", " Li  Wei ": "Li Wei", "李伟": "李伟", "": "", "\x00": "", "x\r\ny": "x y", "\u202egpj": "gpj", "a\xffb": "ab",
		strings.Repeat("雁", 100_000): strings.Repeat("雁", 60), "tokenring": "tokenring",
	} {
		if name, ok := login.Signature(given); name != want || !ok {
			t.Errorf("%.20q: %.80q, %v", given, name, ok)
		}
	}
	for _, given := range []string{"token crm", "Token", "token\u00a0crm", "\x00token crm", "recipient", " RECIPIENT", "\u200brecipient"} {
		if name, ok := login.Signature(given); ok {
			t.Errorf("%q is taken for %q", given, name)
		}
	}
}

func TestTokensLetReadOrActUntilTheyAreRevoked(t *testing.T) {
	t.Parallel()
	store := open(t)
	secrets := map[string]string{}
	for name, role := range map[string]string{"grafana": login.Read, "crm": login.Act} {
		secret, err := login.NewToken(t.Context(), store, login.Token{Name: name, Role: role, By: "wang"})
		if err != nil || len(secret) < 40 {
			t.Fatalf("%q, %v", secret, err)
		}
		secrets[name] = secret
	}
	if _, err := login.NewToken(t.Context(), store, login.Token{Name: "crm", Role: login.Read}); err == nil {
		t.Error("a second token of the same name")
	}
	var names []string
	for token, err := range login.Tokens(t.Context(), store) {
		if err != nil || token.Hash == "" || token.At.IsZero() || slices.Contains([]string{secrets["crm"], secrets["grafana"]}, token.Hash) {
			t.Errorf("token %+v, %v", token, err)
		}
		names = append(names, token.Name+" "+token.Role)
	}
	if !slices.Equal(names, []string{"crm act", "grafana read"}) {
		t.Errorf("tokens: %v", names)
	}
	d := newDoor(t, login.Options{Shelf: store})
	try := func(method, header string) int {
		r := httptest.NewRequestWithContext(t.Context(), method, "/api/", nil)
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		d.handler.ServeHTTP(w, r)
		return w.Code
	}
	for _, c := range []struct {
		method, header string
		want           int
	}{
		{http.MethodGet, "Bearer " + secrets["grafana"], http.StatusOK},
		{http.MethodPost, "Bearer " + secrets["grafana"], http.StatusForbidden},
		{http.MethodPost, "bearer " + secrets["crm"], http.StatusOK},
		{http.MethodGet, "Basic " + secrets["crm"], http.StatusUnauthorized},
		{http.MethodGet, "Bearer " + secrets["crm"] + "x", http.StatusUnauthorized},
		{http.MethodGet, "Bearer ", http.StatusUnauthorized},
		{http.MethodGet, "", http.StatusUnauthorized},
	} {
		if got := try(c.method, c.header); got != c.want {
			t.Errorf("%s with %q: %d, not %d", c.method, c.header, got, c.want)
		}
	}
	if ok, err := login.Revoke(t.Context(), store, "crm"); !ok || err != nil {
		t.Error(ok, err)
	}
	if ok, _ := login.Revoke(t.Context(), store, "crm"); ok {
		t.Error("revoked twice")
	}
	if got := try(http.MethodGet, "Bearer "+secrets["crm"]); got != http.StatusUnauthorized {
		t.Errorf("a revoked token: %d", got)
	}
}
