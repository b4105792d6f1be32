package web

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// policy lets a page load what lies beside it, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// Bounds of a request.
const (
	mostBody = 8 << 20          // bytes: an import of some 200,000 addresses
	patience = 60 * time.Second // for its body, and for the answer; a live page asks for more
)

// sealed refuses what no honest browser or program asks, and puts on every
// answer what a browser must heed.
func (s *Server) sealed(next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "another site may not ask for this", http.StatusForbidden)
	}))
	inner := crossOrigin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers(w.Header(), r.TLS != nil)
		if !s.calledBy(r.Host) {
			http.Error(w, "the dashboard is not called by this name", http.StatusMisdirectedRequest)
			return
		}
		if !legible(r.URL) {
			http.Error(w, "the address has signs that are no text", http.StatusBadRequest)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, mostBody)
		inner.ServeHTTP(w, r)
	})
}

func headers(h http.Header, secure bool) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store")
	if secure {
		h.Set("Strict-Transport-Security", "max-age=63072000")
	}
}

// legible tells an address from one with bytes in it that no name has: PostgreSQL
// cannot even look for them.
func legible(u *url.URL) bool {
	query, err := url.QueryUnescape(u.RawQuery)
	text := u.Path + "?" + query
	return err == nil && utf8.ValidString(text) && !strings.Contains(text, "\x00")
}

// calledBy tells a name of ours from one that a stranger has pointed at this
// machine (DNS rebinding).
func (s *Server) calledBy(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() || host == "localhost" {
		return true
	}
	return slices.ContainsFunc(s.Hosts, func(name string) bool { return strings.EqualFold(name, host) })
}
