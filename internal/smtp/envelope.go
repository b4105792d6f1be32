package smtp

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hongyan/internal/reply"
)

// Offer takes a mail up to the server's 354. If it rode behind the last dot, its
// commands have left already and only their replies are read. Errors:
// *reply.Refusal (a local one if the mail cannot be offered here at all: too big,
// or an address that no command can carry), *reply.Lost.
func (c *Client) Offer(ctx context.Context, m Mail) error {
	if c.dead {
		return c.lose(reply.AtMail, errors.New("the session is over"))
	}
	defer c.wire.hold(ctx)()
	if rider := c.rider; rider != nil {
		c.rider = nil
		if rider != m {
			return c.lose(reply.AtMail, errors.New("another mail was announced"))
		}
		return c.settle(ctx, m)
	}
	if c.offered != nil {
		return c.lose(reply.AtMail, errors.New("the body of the mail before is missing"))
	}
	group, err := c.envelope(m)
	if err != nil {
		return err
	}
	return c.offer(ctx, m, group)
}

func (c *Client) offer(ctx context.Context, m Mail, g group) error {
	if c.wire.unasked() {
		return c.interrupted(ctx, reply.AtMail)
	}
	if c.open && !c.frame { // on a frame server the next MAIL tells: RSET draws odd bytes there
		if _, err := c.ask(ctx, reply.AtMail, c.limits.Command, "RSET"); err != nil {
			return c.lose(reply.AtMail, errors.New(err.Error()))
		}
		c.open = false
	}
	if c.pipes() {
		for _, line := range g.lines() {
			c.wire.note("> ", line)
		}
		if _, _, err := c.wire.write(ctx, c.limits.Mail, nil, []byte(g.String())); err != nil {
			return c.lose(reply.AtMail, err)
		}
		return c.settle(ctx, m)
	}
	return c.stepwise(ctx, m, g)
}

// stepwise is lock-step: each command waits for the reply to the one before.
func (c *Client) stepwise(ctx context.Context, m Mail, g group) error {
	for i, step := range c.steps() {
		if err := c.wire.say(ctx, step.limit, g[i]); err != nil {
			return c.lose(step.stage, err)
		}
		if err := c.heed(ctx, step); err != nil {
			return err
		}
	}
	c.offered = m
	return nil
}

// settle reads the replies to a group that left in one write, every one of them
// (RFC 2920 §3.1). The first refusal is the mail's; what follows from it is not.
func (c *Client) settle(ctx context.Context, m Mail) error {
	var refusal error
	for _, step := range c.steps() {
		err := c.heed(ctx, step)
		if refusal == nil {
			refusal = err
		}
		if c.dead {
			return refusal
		}
		if step.stage == reply.AtData && err == nil && refusal != nil {
			c.cancel(ctx)
		}
	}
	if refusal == nil {
		c.offered = m
	}
	return refusal
}

// cancel ends a DATA that was let in although nobody is to get the mail: a lone
// dot, to be refused (RFC 2920 §3.1). Whatever the answer, nothing was sent.
func (c *Client) cancel(ctx context.Context) {
	c.open = false
	_, err := c.ask(ctx, reply.AtDot, c.limits.Dot, ".")
	if _, ok := errors.AsType[*reply.Refusal](err); err != nil && !ok {
		c.dead = true
	}
}

// A step is a command of the envelope.
type step struct {
	stage reply.Stage
	limit time.Duration
}

func (c *Client) steps() [3]step {
	return [3]step{
		{reply.AtMail, c.limits.Mail}, {reply.AtRcpt, c.limits.Rcpt}, {reply.AtData, c.limits.Data},
	}
}

// heed hears the reply to a step and keeps count of the open transaction.
func (c *Client) heed(ctx context.Context, s step) error {
	began := c.timed()
	a, err := c.hear(ctx, s.stage, s.limit)
	c.took(s.stage, began)
	switch {
	case s.stage == reply.AtMail && a.Code == 503 && c.open:
		// The server still holds to the mail before: nobody has looked at this one.
		return c.lose(s.stage, errors.New(a.Reply()))
	case s.stage == reply.AtMail && err == nil:
		c.open = true
	case s.stage == reply.AtData && err == nil:
		c.wire.framed = c.frame
	}
	return err
}

// interrupted hears what the server says unasked and ends the session: a 421 is
// a refusal, any other word means that answers no longer fit the questions.
func (c *Client) interrupted(ctx context.Context, stage reply.Stage) error {
	a, err := c.hear(ctx, stage, c.limits.Early)
	if c.dead { // a goodbye, or nonsense
		return err
	}
	return c.lose(stage, surprise(a.Reply()))
}

func (c *Client) pipes() bool { return c.mayPipe && c.has("PIPELINING") }

// A group is MAIL, RCPT and DATA of one mail.
type group [3]string

func (g group) lines() []string { return g[:] }
func (g group) String() string  { return g[0] + "\r\n" + g[1] + "\r\n" + g[2] + "\r\n" }

// envelope puts a mail's commands together, or tells why it cannot be offered to
// this server at all.
func (c *Client) envelope(m Mail) (group, error) {
	from, to := m.Envelope()
	if !sound(from) {
		return group{}, local(reply.AtMail, 501, "5.1.7", fmt.Sprintf("%q is no address", from))
	}
	if to == "" || !sound(to) {
		return group{}, local(reply.AtRcpt, 501, "5.1.3", fmt.Sprintf("%q is no address", to))
	}
	mail := "MAIL FROM:<" + from + ">"
	if c.has("SIZE") {
		size, limit := m.Size(), c.announced["SIZE"]
		if most, err := strconv.ParseInt(limit, 10, 64); err == nil && most > 0 && size > most {
			return group{}, local(reply.AtMail, 552, "5.3.4",
				fmt.Sprintf("the mail has %d bytes, the server takes %d", size, most))
		}
		mail += " SIZE=" + strconv.FormatInt(size, 10)
	}
	if !ascii(from) || !ascii(to) {
		if !c.has("SMTPUTF8") {
			return group{}, local(reply.AtRcpt, 553, "5.6.7",
				fmt.Sprintf("the server does not know addresses beyond ASCII, such as %q", strange(from, to)))
		}
		mail += " SMTPUTF8"
	}
	return group{mail, "RCPT TO:<" + to + ">", "DATA"}, nil
}

// sound tells that an address can stand between angle brackets and nothing else
// can: no space, no control, no bracket, no broken UTF-8, at most 254 bytes (RFC
// 5321 §4.5.3.1.3).
func sound(address string) bool {
	return len(address) <= 254 && utf8.ValidString(address) && !strings.ContainsFunc(address, func(r rune) bool {
		return r <= ' ' || r == '<' || r == '>' || r >= 0x7f && r < 0xa0
	})
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}

func strange(from, to string) string {
	if ascii(from) {
		return to
	}
	return from
}
