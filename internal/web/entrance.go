package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/acme/autocert"
	"golang.org/x/net/netutil"

	"hongyan/internal/fault"
)

// An Entrance is where the dashboard is reached.
type Entrance struct {
	Listen    string // host:port
	Cert, Key string // files of a certificate
	ACME      *ACME  // gets one by itself
	ClientCA  string // file of the authority that every visitor's certificate must come from
}

// ACME is how a certificate is got from a public authority (RFC 8555), by the
// port of the entrance itself (RFC 8737).
type ACME struct {
	Hosts         []string // the only names that are asked for
	Email, Folder string   // whom the authority may write to; where certificates are kept
}

// Secure reports whether browsers come by TLS.
func (e Entrance) Secure() bool { return e.Cert != "" || e.ACME != nil }

// Open opens the entrance. Beyond this machine it is a [*Refusal] without TLS and
// without a password: whoever reaches it could send mail.
func (e Entrance) Open(ctx context.Context, locked bool) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", e.Listen)
	if err != nil {
		return nil, err
	}
	return e.fit(netutil.LimitListener(l, mostConnections), locked)
}

// mostConnections is how many may be open at once.
const mostConnections = 256

// Beyond reports whether other machines can reach an address.
func Beyond(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return !ok || !tcp.IP.IsLoopback()
}

// fit makes of a plain listener the entrance, or closes it. TLS is the outermost:
// HTTP/2 and all that is said to browsers of security hang on net/http seeing it.
func (e Entrance) fit(l net.Listener, locked bool) (net.Listener, error) {
	beyond := Beyond(l.Addr())
	switch {
	case beyond && !e.Secure():
		return nil, errors.Join(&Refusal{fault.Textf("%s can be reached from other machines: the dashboard needs a certificate there", e.Listen)}, l.Close())
	case beyond && !locked:
		return nil, errors.Join(&Refusal{fault.Textf("%s can be reached from other machines: set a password first", e.Listen)}, l.Close())
	case !e.Secure():
		return l, nil
	}
	config, err := e.tls()
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return tls.NewListener(l, config), nil
}

func (e Entrance) tls() (*tls.Config, error) {
	config := &tls.Config{NextProtos: []string{"h2", "http/1.1"}}
	if e.ACME != nil {
		manager := &autocert.Manager{
			Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(e.ACME.Folder),
			HostPolicy: autocert.HostWhitelist(e.ACME.Hosts...), Email: e.ACME.Email,
		}
		config = manager.TLSConfig()
	} else {
		pair := &pair{cert: e.Cert, key: e.Key}
		if _, err := pair.get(nil); err != nil {
			return nil, err
		}
		config.GetCertificate = pair.get
	}
	config.MinVersion = tls.VersionTLS12
	if e.ClientCA == "" {
		return config, nil
	}
	pem, err := os.ReadFile(e.ClientCA)
	if err != nil {
		return nil, err
	}
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", e.ClientCA)
	}
	return config, nil
}

// A pair is a certificate that may be renewed while it is in use.
type pair struct {
	cert, key string

	mu   sync.Mutex
	at   time.Time // of the file, when it was read
	last *tls.Certificate
}

// get reads the files again when they have changed; what cannot be read while
// they are being written does not take the old one away.
func (p *pair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	info, err := os.Stat(p.cert)
	if err == nil && p.last != nil && info.ModTime().Equal(p.at) {
		return p.last, nil
	}
	if err == nil {
		var fresh tls.Certificate
		if fresh, err = tls.LoadX509KeyPair(p.cert, p.key); err == nil {
			p.last, p.at = &fresh, info.ModTime()
		}
	}
	if p.last != nil {
		return p.last, nil
	}
	return nil, err
}

// Serve answers until ctx ends, and lets requests in flight end for a moment.
// Nobody can hold a connection for long without asking anything.
func Serve(ctx context.Context, l net.Listener, handler http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       patience,
		WriteTimeout:      patience,
		IdleTimeout:       patience,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // what strangers do to a port
		BaseContext:       func(net.Listener) context.Context { return ctx }, // live pages end with it
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := server.Shutdown(ending)
	if served := <-done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
