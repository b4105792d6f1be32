// Package smtp owns the protocol: one session of RFC 5321 as a client, over a
// connection it is given. It reports facts: an answer, a refusal, a lost link or
// a doubt. It must never dial, retry, judge or log a body.
package smtp

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"time"

	"hongyan/internal/reply"
)

// Options are what a caller knows about the server. The zero value is a careful
// session: lock-step, no login without TLS, the timeouts of RFC 5321.
type Options struct {
	Helo       string // our name in EHLO; it ends up in public headers. "" = "localhost"
	Frame      bool   // QUIRK(qq): skip the binary frame before replies after DATA, never RSET
	Pipelining bool   // PIPELINING may be used when it is announced
	ClearAuth  bool   // a login without TLS is allowed: loopback or the user's express wish
	Timeouts   Timeouts
	Trace      io.Writer // the dialogue, a line each, credentials masked, bodies left out; nil = none
}

// Timeouts are the longest waits for a whole reply, not for a byte of it. A zero
// means the default of RFC 5321 §4.5.3.2 that stands beside it.
type Timeouts struct {
	Greeting time.Duration // 5 min
	Command  time.Duration // 5 min: EHLO, STARTTLS and its handshake, AUTH, RSET
	Mail     time.Duration // 5 min
	Rcpt     time.Duration // 5 min
	Data     time.Duration // 2 min: for the 354
	Block    time.Duration // 3 min: each write of at most 64 KiB
	Dot      time.Duration // 10 min: for the answer that decides
	Early    time.Duration // 5 s: for the reason, after a write failed
	Quit     time.Duration // 5 s
}

// A Mail is what a session sends. Implementations are pointers: a mail is known
// again by its identity.
type Mail interface {
	Envelope() (from, to string) // bare addr-specs; from may be ""
	Wire() [][]byte              // dot-stuffed, CRLF line ends, ends with CRLF, without the final dot
	Size() int64                 // bytes before dot-stuffing
}

// A Client is one session. Only one goroutine may use it at a time.
type Client struct{}

// Hello reads the greeting and says EHLO. The connection is the client's from
// here on; after an error it is closed.
func Hello(ctx context.Context, conn net.Conn, o Options) (*Client, error) { return &Client{}, nil }

// StartTLS turns the session into a TLS one and says EHLO again. It never goes
// on in clear: without a valid handshake the client is dead.
func (c *Client) StartTLS(ctx context.Context, conf *tls.Config) error { return nil }

// Login proves who we are, by PLAIN or else LOGIN.
func (c *Client) Login(ctx context.Context, user, password string) error { return nil }

// Extensions returns what the server announced, by upper-case keyword.
func (c *Client) Extensions() map[string]string { return nil }

// Offer takes a mail up to the server's 354; it costs nothing if m rode behind
// the last dot. Errors are *reply.Refusal or *reply.Lost.
func (c *Client) Offer(ctx context.Context, m Mail) error { return nil }

// Deliver sends the body of the mail offered last and returns the answer to its
// final dot, which alone decides. Where pipelining may be used, next's envelope
// leaves in the same write and next must be offered next. Errors are
// *reply.Refusal, *reply.Lost or *reply.Doubt.
func (c *Client) Deliver(ctx context.Context, next Mail) (reply.Answer, error) {
	return reply.Answer{}, nil
}

// Dead reports that the session cannot carry another mail.
func (c *Client) Dead() bool { return false }

// Close says QUIT, ignores the answer and closes the connection.
func (c *Client) Close() error { return nil }
