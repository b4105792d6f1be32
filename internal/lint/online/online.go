// Package online tells what only a network can: whether links answer, what the
// sender's domain says of SPF, DKIM and DMARC, and whether recipients' domains
// take mail at all. Its answers are findings of lint. What does not answer in
// time "could not be checked": silence is never held against a link or a domain.
//
// The room must never reach anything that is not public, whatever a name
// resolves to; it must never follow a link that belongs to one recipient, and
// never know lists, accounts or commands.
package online

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/gate"
	"hongyan/internal/lint"
)

// Options are how the network is asked. The zero value will do.
type Options struct {
	Resolver *net.Resolver // nil: the system's
	Timeout  time.Duration // of one question; 0 = 5 s
	Workers  int           // questions at once; 0 = 8

	// The rest is for tests, whose servers stand on loopback, on ports and with
	// certificates of their own.
	Allow []netip.Prefix    // may be dialled though it is not public
	Ports map[string]string // where a port is really served
	Roots *x509.CertPool    // nil: the system's
}

// A Checker asks. It is safe for concurrent use.
type Checker struct {
	options  Options
	resolver *net.Resolver
	dialer   net.Dialer
	client   http.Client
}

// New returns a Checker. No proxy of the environment is used: behind one nobody
// could tell which address is dialled.
func New(o Options) *Checker {
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	if o.Workers == 0 {
		o.Workers = 8
	}
	c := &Checker{options: o, resolver: o.Resolver}
	if c.resolver == nil {
		c.resolver = net.DefaultResolver
	}
	c.dialer = net.Dialer{Resolver: c.resolver, Control: gate.Gate(o.Allow).Control}
	c.client = http.Client{CheckRedirect: redirects, Transport: &http.Transport{
		DialContext: c.dial, TLSClientConfig: &tls.Config{RootCAs: o.Roots}, ForceAttemptHTTP2: true,
		MaxResponseHeaderBytes: 64 << 10, DisableKeepAlives: true,
	}}
	return c
}

// dial makes the name absolute, so that no search domain of this machine's
// network is tried.
func (c *Checker) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err != nil {
		host = absolute(host)
	}
	if elsewhere, ok := c.options.Ports[port]; ok {
		port = elsewhere
	}
	return c.dialer.DialContext(ctx, network, net.JoinHostPort(host, port))
}

func absolute(name string) string { return strings.TrimSuffix(name, ".") + "." }

// each does the work of 0 to n-1, a few at once, and waits for all.
func (c *Checker) each(ctx context.Context, n int, work func(i int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(c.options.Workers, n) {
		workers.Go(func() {
			for i := range next {
				work(i)
			}
		})
	}
	for i := range n {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait()
}

// ask gives one question its time.
func ask[T any](ctx context.Context, c *Checker, question func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	return question(ctx)
}

// notFound tells that a server said so; a server that says nothing does not.
func notFound(err error) bool {
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && e.IsNotFound
}

// unsure tells that the error says nothing about what was asked for.
func unsure(err error) bool {
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return !e.IsNotFound
	}
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

// reason is an error without the layers that repeat what was asked.
func reason(err error) fault.Text {
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return fault.Textf("no answer in time")
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return fault.Textf("%s", e.Err)
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return fault.Textf("%s", err.Error())
}

func unchecked(what string, err error) lint.Finding {
	return lint.Found("online-unchecked", fault.Textf("%s could not be checked: %s", what, reason(err)), fault.Text{})
}
