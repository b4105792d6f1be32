// Package unsubscribe lets recipients leave: the links that go with a mail, and
// the public pages that they lead to.
//
// A link carries its list and address in a sealed token, so that the pages need
// no table, work for mails of years ago, and show no address to whoever reads
// the link on its way. Looking changes nothing; only a POST does: one from a
// mail program (RFC 8058), or from the button of the page.
//
// The room must never send mail, set a cookie, redirect, or say whether the
// ledger knows an address.
package unsubscribe

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/netutil"

	"hongyan/internal/ledger"
)

// Books are what the pages need of the ledger.
type Books interface {
	Suppress(ctx context.Context, all ...ledger.Suppression) (added int, err error)
	Unsuppress(ctx context.Context, list, address string) (bool, error)
	Suppressed(ctx context.Context, list, address string) (s ledger.Suppression, ok bool, err error)
	Note(ctx context.Context, a ledger.Act) error
}

// Options say how the pages are served.
type Options struct {
	URL   string // where the pages are seen from outside; its path is where they are served
	Keys  *Keyring
	Books Books
	Log   *slog.Logger
}

// NewHandler returns the public pages, for a listener of their own. It takes
// care of sizes, methods, rates and headers itself; time-outs are the server's,
// see [Serve].
func NewHandler(o Options) (http.Handler, error) {
	at, err := url.Parse(o.URL)
	if err != nil {
		return nil, err
	}
	return &pages{Options: o, base: strings.TrimSuffix(at.Path, "/") + "/", limits: newLimits()}, nil
}

// Serve serves the pages on a listener until ctx ends, and closes it. Nobody
// can hold a connection for long, or many at once.
func Serve(ctx context.Context, l net.Listener, pages http.Handler) error {
	server := &http.Server{
		Handler:           pages,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    8 << 10,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // what strangers do to a public port
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(netutil.LimitListener(l, maxConnections)) }()
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

const (
	maxConnections = 256
	maxBody        = 1 << 10
)

// policy lets the page have its own style sheet and post to where it came from.
var policy = "default-src 'none'; style-src 'sha256-" + sheetDigest() +
	"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func sheetDigest() string {
	sum := sha256.Sum256([]byte(sheet))
	return base64.StdEncoding.EncodeToString(sum[:])
}
