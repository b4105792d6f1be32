package web

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hongyan/internal/web/login"
)

// A greeting is the page of the login.
type greeting struct{ Said, Name string }

// unset greets where nobody can know the password.
func unset(name string) greeting {
	return greeting{"there is no password, and nobody is let in without one: set it with hongyan password", name}
}

func (s *Server) loginPage(r *http.Request) (view, error) {
	var g greeting
	locked, err := s.Guard.Locked(r.Context())
	if !locked {
		g = unset("")
	}
	return view{Page: "login", Title: "Log in", Data: g}, err
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	name, ok := login.Signature(r.PostFormValue("name"))
	if !ok {
		s.show(w, r, http.StatusBadRequest, view{Page: "login", Title: "Log in", Data: greeting{"programs and recipients go by such names: take another", name}})
		return
	}
	result, err := s.Guard.Login(r, cmp.Or(name, "dashboard"), r.PostFormValue("password"))
	switch {
	case err != nil:
		s.fail(w, r, err)
	case result == login.Welcome:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case result == login.TooMany:
		w.Header().Set("Retry-After", "60")
		s.show(w, r, http.StatusTooManyRequests, view{Page: "login", Title: "Log in", Data: greeting{"too many tries; wait a minute", name}})
	case result == login.Unset:
		s.show(w, r, http.StatusUnauthorized, view{Page: "login", Title: "Log in", Data: unset(name)})
	default:
		s.show(w, r, http.StatusUnauthorized, view{Page: "login", Title: "Log in", Data: greeting{"that is not the password", name}})
	}
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	if err := s.Guard.Logout(r.Context()); err != nil {
		s.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// chooseLang remembers the language and goes back to the page.
func (s *Server) chooseLang(w http.ResponseWriter, r *http.Request) {
	lang := r.PostFormValue("lang")
	if s.views[lang] != nil {
		http.SetCookie(w, &http.Cookie{
			Name: tongue, Value: lang, Path: "/", MaxAge: int(365 * 24 * time.Hour / time.Second),
			HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode,
		})
	}
	http.Redirect(w, r, ownPath(r.PostFormValue("back")), http.StatusSeeOther)
}

// ownPath is a path on this site, whatever was asked for.
func ownPath(back string) string {
	u, err := url.Parse(back)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.Contains(back, `\`) {
		return "/"
	}
	return u.RequestURI()
}
