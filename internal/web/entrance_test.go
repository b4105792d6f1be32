package web_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hongyan/internal/web"
)

// A paper is a certificate with its key, on disk.
type paper struct {
	certificate *x509.Certificate
	private     *ecdsa.PrivateKey
	cert, key   string
}

// certify makes a certificate for loopback, signed by an authority, or by itself.
func certify(t *testing.T, serial int64, by *paper) *paper {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "somebody"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: by == nil, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	p := &paper{private: private, cert: filepath.Join(t.TempDir(), "cert.pem"), key: filepath.Join(t.TempDir(), "key.pem")}
	if by == nil {
		by = &paper{certificate: template, private: private}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.certificate, &private.PublicKey, by.private)
	if err != nil {
		t.Fatal(err)
	}
	if p.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{p.cert: {Type: "CERTIFICATE", Bytes: der}, p.key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// S20: beyond this machine only by TLS and with a password.
func TestS20BeyondThisMachineOnlyByTLSAndWithAPassword(t *testing.T) {
	t.Parallel()
	own := certify(t, 1, nil)
	for _, c := range []struct {
		name     string
		entrance web.Entrance
		locked   bool
		ok       bool
	}{
		{"loopback as it stands", web.Entrance{Listen: "127.0.0.1:0"}, false, true},
		{"loopback by IPv6", web.Entrance{Listen: "[::1]:0"}, false, true},
		{"everywhere", web.Entrance{Listen: "0.0.0.0:0"}, true, false},
		{"everywhere, by no address", web.Entrance{Listen: ":0"}, true, false},
		{"everywhere, with a certificate", web.Entrance{Listen: "0.0.0.0:0", Cert: own.cert, Key: own.key}, false, false},
		{"everywhere, with both", web.Entrance{Listen: "0.0.0.0:0", Cert: own.cert, Key: own.key}, true, true},
	} {
		l, err := c.entrance.Open(t.Context(), c.locked)
		if _, refused := errors.AsType[*web.Refusal](err); (err == nil) != c.ok || !c.ok && !refused {
			t.Errorf("%s: %v", c.name, err)
		}
		if l != nil {
			_ = l.Close()
		}
	}
}

// answering serves a word until the test ends, and returns where.
func answering(t *testing.T, e web.Entrance) string {
	t.Helper()
	return serving(t, e, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("well")) }))
}

func serving(t *testing.T, e web.Entrance, handler http.Handler) string {
	t.Helper()
	l, err := e.Open(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- web.Serve(ctx, l, handler, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// visit asks once, by a new connection, and returns the server's certificate.
func visit(t *testing.T, address string, roots *x509.CertPool, own ...tls.Certificate) (*x509.Certificate, error) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: own}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return answer.TLS.PeerCertificates[0], nil
}

// S20: what browsers are told of security is told where they come by TLS, and they
// come by HTTP/2, whatever is sent for how long.
func TestS20ByTLSBrowsersSpeakHTTP2AndAreToldToStayWithIt(t *testing.T) {
	t.Parallel()
	own := certify(t, 1, nil)
	roots := x509.NewCertPool()
	roots.AddCert(own.certificate)
	h := build(t, 3)
	address := serving(t, web.Entrance{Listen: "127.0.0.1:0", Cert: own.cert, Key: own.key}, handlerOf(t, h.Office, true))
	h.url, h.http.Transport = "https://"+address, &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots}}
	h.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer h.http.CloseIdleConnections()
	answer := h.send(http.MethodPost, "/lang", "lang=zh")
	if answer.ProtoMajor != 2 || answer.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%s: %v", answer.Proto, answer.Header)
	}
	if cookies := answer.Cookies(); len(cookies) != 1 || !cookies[0].Secure {
		t.Errorf("cookies: %v", cookies)
	}
	if said, err := bufio.NewReader(h.send(http.MethodGet, "/live/overview", "").Body).ReadString('}'); err != nil || !strings.Contains(said, "data: {") {
		t.Errorf("live: %q, %v", said, err)
	}
	if answer := h.send(http.MethodGet, "/suppressions.csv", ""); answer.StatusCode != http.StatusOK {
		t.Errorf("a download: %s", answer.Status)
	}
}

// send sends a form, if there is one, and returns an answer that ends with the test.
func (h *house) send(method, path, form string) *http.Response {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, strings.NewReader(form))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := h.http.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

func TestARenewedCertificateIsTakenUpAndABrokenOneIsNot(t *testing.T) {
	t.Parallel()
	first, second := certify(t, 1, nil), certify(t, 2, nil)
	roots := x509.NewCertPool()
	roots.AddCert(first.certificate)
	roots.AddCert(second.certificate)
	address := answering(t, web.Entrance{Listen: "127.0.0.1:0", Cert: first.cert, Key: first.key})
	shown := func() int64 {
		c, err := visit(t, address, roots)
		if err != nil {
			t.Fatal(err)
		}
		return c.SerialNumber.Int64()
	}
	if n := shown(); n != 1 {
		t.Errorf("first: %d", n)
	}
	replace := func(cert, key []byte, at time.Time) {
		for file, data := range map[string][]byte{first.key: key, first.cert: cert} {
			if err := errors.Join(os.WriteFile(file, data, 0o600), os.Chtimes(file, at, at)); err != nil {
				t.Fatal(err)
			}
		}
	}
	cert, _ := os.ReadFile(second.cert)
	key, _ := os.ReadFile(second.key)
	replace(bytes.TrimSpace(cert)[:60], key, time.Now().Add(time.Minute))
	if n := shown(); n != 1 {
		t.Errorf("while it is written: %d", n)
	}
	replace(cert, key, time.Now().Add(2*time.Minute))
	if n := shown(); n != 2 {
		t.Errorf("renewed: %d", n)
	}
}

func TestWithAClientAuthorityNobodyElseIsEvenAnswered(t *testing.T) {
	t.Parallel()
	authority, stranger := certify(t, 1, nil), certify(t, 9, nil)
	server, visitor := certify(t, 2, authority), certify(t, 3, authority)
	roots := x509.NewCertPool()
	roots.AddCert(authority.certificate)
	address := answering(t, web.Entrance{Listen: "127.0.0.1:0", Cert: server.cert, Key: server.key, ClientCA: authority.cert})
	for _, c := range []struct {
		name string
		by   *paper
		ok   bool
	}{{"nobody", nil, false}, {"a stranger", stranger, false}, {"one of ours", visitor, true}} {
		var own []tls.Certificate
		if c.by != nil {
			pair, err := tls.LoadX509KeyPair(c.by.cert, c.by.key)
			if err != nil {
				t.Fatal(err)
			}
			own = append(own, pair)
		}
		if _, err := visit(t, address, roots, own...); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestACertificateIsAskedForOurOwnNamesAlone(t *testing.T) {
	t.Parallel()
	address := answering(t, web.Entrance{Listen: "127.0.0.1:0", ACME: &web.ACME{Hosts: []string{"mail.example.com"}, Folder: t.TempDir()}})
	dialer := tls.Dialer{Config: &tls.Config{ServerName: "evil.example"}}
	if conn, err := dialer.DialContext(t.Context(), "tcp", address); err == nil {
		_ = conn.Close()
		t.Error("a handshake for a name that is not ours")
	}
}
