// Package smtp owns the protocol: one session of RFC 5321 as a client, over a
// connection it is given. It reports facts: an answer, a refusal, a lost link or
// a doubt. It must never dial, retry, judge or log a body.
package smtp

import (
	"cmp"
	"context"
	"io"
	"maps"
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
	Watch      Watch     // nil = nobody
	// May is asked before each write of a body but its first, which the caller
	// answers for: a process that was frozen in the middle may have lost the right
	// to send. An error withholds the rest and with it the dot; nil = it may.
	May func() error
}

// A Watch is told how long each answer was waited for: the greeting, MAIL, RCPT,
// DATA, the final dot; of a login, the whole exchange. Answers that came together
// cost one wait, which is the first one's. It must return at once, and may be
// called by several sessions at a time.
type Watch func(stage reply.Stage, took time.Duration)

// Timeouts are the longest waits for a whole reply, not for a byte of it. A zero
// means the default that stands beside it, of RFC 5321 §4.5.3.2 where it has one.
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

func (t Timeouts) filled() Timeouts {
	return Timeouts{
		Greeting: cmp.Or(t.Greeting, 5*time.Minute),
		Command:  cmp.Or(t.Command, 5*time.Minute),
		Mail:     cmp.Or(t.Mail, 5*time.Minute),
		Rcpt:     cmp.Or(t.Rcpt, 5*time.Minute),
		Data:     cmp.Or(t.Data, 2*time.Minute),
		Block:    cmp.Or(t.Block, 3*time.Minute),
		Dot:      cmp.Or(t.Dot, 10*time.Minute),
		Early:    cmp.Or(t.Early, 5*time.Second),
		Quit:     cmp.Or(t.Quit, 5*time.Second),
	}
}

// A Mail is what a session sends. Implementations are pointers: a mail is known
// again by its identity.
type Mail interface {
	Envelope() (from, to string) // bare addr-specs; from may be ""
	Wire() [][]byte              // dot-stuffed, CRLF line ends, ends with CRLF, without the final dot
	Size() int64                 // bytes before dot-stuffing
}

// A Client is one session. Only one goroutine may use it at a time. Once dead,
// because the link broke, the server said 421 or nonsense, it stays dead.
type Client struct {
	wire      *wire
	limits    Timeouts
	helo      string
	frame     bool
	mayPipe   bool
	clearAuth bool
	watch     Watch
	may       func() error

	announced map[string]string
	dead      bool
	open      bool // the server has taken a MAIL that nothing has ended yet
	offered   Mail // its 354 has come, its body is to follow
	rider     Mail // its envelope left behind the last dot, its replies are unread
}

// Hello reads the greeting and says EHLO. The connection is the client's from
// here on; after an error it is closed. Errors: *reply.Refusal, *reply.Lost.
func Hello(ctx context.Context, conn net.Conn, o Options) (*Client, error) {
	c := &Client{
		wire: newWire(conn, o.Trace), limits: o.Timeouts.filled(), helo: cmp.Or(o.Helo, "localhost"),
		frame: o.Frame, mayPipe: o.Pipelining, clearAuth: o.ClearAuth, watch: o.Watch, may: o.May,
	}
	defer c.wire.hold(ctx)()
	if err := c.greet(ctx); err != nil {
		c.dead = true
		c.wire.conn.Close()
		return nil, err
	}
	return c, nil
}

func (c *Client) greet(ctx context.Context) error {
	began := c.timed()
	_, err := c.hear(ctx, reply.AtGreeting, c.limits.Greeting)
	c.took(reply.AtGreeting, began)
	if err != nil {
		return err
	}
	return c.ehlo(ctx)
}

// timed is when a stage began, if anybody wants to know how long it took.
func (c *Client) timed() (began time.Time) {
	if c.watch != nil {
		began = time.Now()
	}
	return began
}

func (c *Client) took(stage reply.Stage, began time.Time) {
	if c.watch != nil {
		c.watch(stage, time.Since(began))
	}
}

// Extensions returns what the server announced: keyword in upper case to its
// parameters. It is what holds now: after StartTLS, what was said inside TLS.
func (c *Client) Extensions() map[string]string { return maps.Clone(c.announced) }

// Dead reports that the session cannot carry another mail.
func (c *Client) Dead() bool { return c.dead }

// Pipelines reports whether the next mail's envelope may ride behind a dot.
func (c *Client) Pipelines() bool { return !c.dead && c.pipes() }

// Riding reports whether the envelope of the mail to be offered next has left.
func (c *Client) Riding() bool { return !c.dead && c.rider != nil }

// Close ends the session and always closes the connection. QUIT and its answer
// decide nothing, so there is no error to heed. Where the server waits for a
// body, QUIT would be taken for one: then the link just ends.
func (c *Client) Close() error {
	if !c.dead && c.offered == nil && c.rider == nil {
		ctx := context.Background()
		if c.wire.say(ctx, c.limits.Quit, "QUIT") == nil {
			c.wire.hear(ctx, c.limits.Quit)
		}
	}
	c.dead = true
	c.wire.conn.Close()
	return nil
}

// ask says one command and hears its reply.
func (c *Client) ask(ctx context.Context, stage reply.Stage, limit time.Duration, line string) (reply.Answer, error) {
	if err := c.wire.say(ctx, limit, line); err != nil {
		return reply.Answer{}, c.lose(stage, err)
	}
	return c.hear(ctx, stage, limit)
}

// hear reads the reply of a stage before the body. What it expects comes back as
// an answer; a no as *reply.Refusal; anything else ends the session as *reply.Lost.
func (c *Client) hear(ctx context.Context, stage reply.Stage, limit time.Duration) (reply.Answer, error) {
	code, lines, err := c.wire.hear(ctx, limit)
	if err != nil {
		return reply.Answer{}, c.lose(stage, err)
	}
	a := reply.New(stage, code, lines...)
	switch {
	case code >= 400:
		return a, c.refuse(a)
	case !expected(stage, code):
		return a, c.lose(stage, surprise(a.Reply()))
	}
	return a, nil
}

func expected(stage reply.Stage, code int) bool {
	switch stage {
	case reply.AtData:
		return code == 354
	case reply.AtAuth:
		return code == 235 || code == 334
	}
	return code < 300
}

// lose ends the session at a stage before the body.
func (c *Client) lose(stage reply.Stage, err error) error {
	c.dead = true
	return &reply.Lost{Stage: stage, Err: err}
}

func (c *Client) refuse(a reply.Answer) *reply.Refusal {
	if a.Code == 421 { // RFC 5321 §3.8: the server closes
		c.dead = true
	}
	return &reply.Refusal{Answer: a}
}

// local is a refusal that needs no server.
func local(stage reply.Stage, code int, enhanced, text string) *reply.Refusal {
	return &reply.Refusal{Answer: reply.Answer{
		Stage: stage, Code: code, Enhanced: enhanced, Text: reply.Clean(text), Local: true,
	}}
}
