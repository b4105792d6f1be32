package smtp

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/emersion/go-sasl"

	"hongyan/internal/reply"
)

// ehlo says EHLO and keeps what is announced. A server too old for it (5yz) gets
// HELO, and then nothing is announced: no TLS, no login.
func (c *Client) ehlo(ctx context.Context) error {
	c.announced = map[string]string{}
	if err := c.wire.say(ctx, c.limits.Command, "EHLO "+c.helo); err != nil {
		return c.lose(reply.AtEhlo, err)
	}
	code, lines, err := c.wire.hear(ctx, c.limits.Command)
	switch {
	case err != nil:
		return c.lose(reply.AtEhlo, err)
	case code >= 500:
		_, err := c.ask(ctx, reply.AtEhlo, c.limits.Command, "HELO "+c.helo)
		return err
	case code >= 400:
		return c.refuse(reply.New(reply.AtEhlo, code, lines...))
	case code >= 300:
		return c.lose(reply.AtEhlo, surprise(lines[0]))
	}
	c.announced = announced(lines[1:])
	return nil
}

// announced reads the lines of an EHLO reply behind the greeting. Unknown ones
// are kept, of double ones the first that says more. QQ and NetEase repeat
// AUTH as "AUTH=LOGIN", for clients of the last century.
func announced(lines []string) map[string]string {
	out := map[string]string{}
	for _, line := range lines {
		keyword, params, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name, mechanism, ok := strings.Cut(keyword, "="); ok {
			keyword, params = name, strings.TrimSpace(mechanism+" "+params)
		}
		keyword, params = strings.ToUpper(keyword), strings.Join(strings.Fields(params), " ")
		switch {
		case keyword == "":
		case keyword == "AUTH":
			out[keyword] = union(out[keyword], strings.ToUpper(params))
		case out[keyword] == "":
			out[keyword] = params
		}
	}
	return out
}

func union(a, b string) string {
	words := strings.Fields(a)
	for word := range strings.FieldsSeq(b) {
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

func (c *Client) has(keyword string) bool {
	_, ok := c.announced[keyword]
	return ok
}

// StartTLS turns the session into a TLS one and says EHLO again. There is no way
// on in clear: after an error the session is dead. Errors: *reply.Refusal
// (a local one if the server does not offer TLS, as after a downgrade attack, or
// if plaintext was pushed in behind its answer), *reply.Lost, whose cause tells
// about certificates.
func (c *Client) StartTLS(ctx context.Context, conf *tls.Config) error {
	defer c.wire.hold(ctx)()
	err := c.startTLS(ctx, conf)
	if err != nil {
		c.dead = true
	}
	return err
}

func (c *Client) startTLS(ctx context.Context, conf *tls.Config) error {
	if !c.has("STARTTLS") {
		return local(reply.AtStartTLS, 530, "5.7.10", "the server does not offer TLS; nothing was sent in clear")
	}
	if _, err := c.ask(ctx, reply.AtStartTLS, c.limits.Command, "STARTTLS"); err != nil {
		return err
	}
	if c.wire.r.Buffered() > 0 { // CVE-2011-0411: it would count as said inside TLS
		return local(reply.AtStartTLS, 554, "5.7.5", "someone put plaintext behind the answer to STARTTLS")
	}
	c.wire.within(ctx, c.limits.Command)
	secured := tls.Client(c.wire.conn, conf)
	if err := secured.HandshakeContext(ctx); err != nil {
		return c.lose(reply.AtStartTLS, why(ctx, c.limits.Command, err))
	}
	c.wire.mu.Lock()
	c.wire.conn, c.wire.r = secured, bufio.NewReader(secured)
	c.wire.mu.Unlock()
	return c.ehlo(ctx) // RFC 3207 §4.2: what was announced in clear is forgotten
}

func isTLS(conn net.Conn) bool {
	_, ok := conn.(interface{ ConnectionState() tls.ConnectionState })
	return ok
}

// Login proves who we are, by PLAIN or else LOGIN. Without TLS, or when the
// server offers neither, it refuses by itself and says nothing. Errors:
// *reply.Refusal, *reply.Lost. Servers may hang up after a refusal.
func (c *Client) Login(ctx context.Context, user, password string) error {
	if !isTLS(c.wire.conn) && !c.clearAuth {
		return local(reply.AtAuth, 538, "5.7.11", "no login without TLS")
	}
	if strings.Contains(user+password, "\x00") {
		return local(reply.AtAuth, 535, "5.7.8", "a NUL in the login")
	}
	offered := strings.Fields(c.announced["AUTH"])
	defer c.wire.hold(ctx)()
	switch {
	case slices.Contains(offered, sasl.Plain):
		return c.authenticate(ctx, sasl.NewPlainClient("", user, password))
	case slices.Contains(offered, sasl.Login):
		return c.authenticate(ctx, &login{inner: sasl.NewLoginClient(user, password)})
	}
	return local(reply.AtAuth, 504, "5.7.4", "the server offers neither PLAIN nor LOGIN, but: "+strings.Join(offered, " "))
}

func (c *Client) authenticate(ctx context.Context, mechanism sasl.Client) error {
	name, first, err := mechanism.Start()
	if err != nil {
		return err
	}
	began := c.timed()
	defer func() { c.took(reply.AtAuth, began) }()
	line, shown := "AUTH "+name, "AUTH "+name
	if first != nil {
		line, shown = line+" "+base64.StdEncoding.EncodeToString(first), shown+" [masked]"
	}
	a, err := c.askMasked(ctx, line, shown)
	for err == nil && a.Code == 334 {
		challenge, _ := base64.StdEncoding.DecodeString(a.Text) // prompts are only prompts
		response, wrong := mechanism.Next(challenge)
		if wrong != nil {
			return c.giveUp(ctx, wrong)
		}
		a, err = c.askMasked(ctx, base64.StdEncoding.EncodeToString(response), "[masked]")
	}
	return err
}

func (c *Client) askMasked(ctx context.Context, line, shown string) (reply.Answer, error) {
	if err := c.wire.sayMasked(ctx, c.limits.Command, line, shown); err != nil {
		return reply.Answer{}, c.lose(reply.AtAuth, err)
	}
	return c.hear(ctx, reply.AtAuth, c.limits.Command)
}

// giveUp cancels an exchange in which the server asks for what we cannot answer
// (RFC 4954 §4: a lone "*", answered by 501).
func (c *Client) giveUp(ctx context.Context, wrong error) error {
	_, err := c.askMasked(ctx, "*", "*")
	if refusal, ok := errors.AsType[*reply.Refusal](err); ok {
		return refusal
	}
	return c.lose(reply.AtAuth, wrong)
}

// A login answers LOGIN's prompts in their order. What they say differs in case
// and words (NetEase asks for "username:", Exchange for "Username:"), and the
// user name waits for its prompt, because not every server takes it before.
type login struct {
	inner sasl.Client
	user  []byte
	asked int
}

func (l *login) Start() (string, []byte, error) {
	name, user, err := l.inner.Start()
	l.user = user
	return name, nil, err
}

func (l *login) Next([]byte) ([]byte, error) {
	l.asked++
	switch l.asked {
	case 1:
		return l.user, nil
	case 2:
		return l.inner.Next([]byte("Password:"))
	}
	return nil, sasl.ErrUnexpectedServerChallenge
}
