package main

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"hongyan/internal/lint/online"
	"hongyan/internal/lint/online/onlinetest"
)

// hongyan is the program as scripts run it. Its network is the one that the
// script's "internet" made, if it did.
func hongyan() {
	d := newDoor(os.Args[1:])
	if places := strings.Fields(os.Getenv("INTERNET")); len(places) == 4 {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(os.Getenv("INTERNET_ROOTS")))
		d.online = online.Options{
			Resolver: onlinetest.Resolver(places[0]), Roots: roots,
			Ports: map[string]string{"80": places[1], "443": places[2]},
			Allow: []netip.Prefix{netip.MustParsePrefix(places[3])},
		}
	}
	os.Exit(enter(d, os.Args[1:]))
}

// internet ZONE PAGES: makes a name server of the one file and a web site of the
// other, on loopback, and has hongyan ask these. A line of PAGES is a status, a
// path, and where to go for a redirect; 405 is for HEAD only. The site's certificate is for example.com;
// what it is asked is written to the file "asked".
func internet(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		pages := map[string][]string{}
		for line := range strings.Lines(ts.ReadFile(args[1])) {
			if f := strings.Fields(line); len(f) > 1 {
				pages[f[1]] = append(f, "")
			}
		}
		asked, err := os.Create(ts.MkAbs("asked"))
		ts.Check(err)
		logged := log.New(asked, "", 0)
		site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			logged.Print(r.Method, " ", r.URL)
			page, ok := pages[r.URL.RequestURI()]
			if !ok {
				http.NotFound(w, r)
				return
			}
			status, err := strconv.Atoi(page[0])
			if err != nil {
				panic(err)
			}
			if status == http.StatusMethodNotAllowed && r.Method != http.MethodHead {
				status = http.StatusOK
			}
			w.Header().Set("Location", page[2])
			w.WriteHeader(status)
		})
		secure, plain := httptest.NewUnstartedServer(site), httptest.NewServer(site)
		secure.Config.ErrorLog = log.New(io.Discard, "", 0)
		secure.StartTLS()
		ts.Defer(func() { secure.Close(); plain.Close(); asked.Close() })
		ts.Setenv("INTERNET", strings.Join([]string{onlinetest.Serve(t, ts.ReadFile(args[0])), port(ts, plain), port(ts, secure), "127.0.0.1/32"}, " "))
		ts.Setenv("INTERNET_ROOTS", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})))
	}
}

func port(ts *testscript.TestScript, s *httptest.Server) string {
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	ts.Check(err)
	return port
}
