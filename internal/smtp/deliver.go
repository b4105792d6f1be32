package smtp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hongyan/internal/reply"
)

// Deliver sends the body of the mail offered last and returns the answer to its
// final dot, which alone decides. Where pipelining may be used, next's envelope
// leaves in the same write, and next must be the next mail that is offered.
// Errors: *reply.Refusal, *reply.Lost, *reply.Doubt.
//
// The context ends the wait for the answer too: a caller who does not want a
// doubt gives one that is not cancelled.
//
// What a broken link means (RFC 1047): the server may have taken the mail if the
// last byte of the final dot left us, and it cannot have if that byte did not.
// It left if the kernel took it: a write that fails says how many bytes it took.
// Over TLS it may have left if the write that failed held it.
//
//	all bytes up to the dot taken, no answer   Doubt
//	fewer, no answer                           Lost
//	any number, a whole 4yz or 5yz             Refusal, the server's reason
//	all, a 2yz                                 sent
//	fewer, a 2yz                               Doubt: it claims what cannot be
//	all, nonsense                              Doubt
func (c *Client) Deliver(ctx context.Context, next Mail) (reply.Answer, error) {
	m := c.offered
	if m == nil {
		return reply.Answer{}, errors.New("no mail was offered")
	}
	c.offered = nil
	defer c.wire.hold(ctx)()
	if c.wire.unasked() {
		return reply.Answer{}, c.interrupted(ctx, reply.AtDot)
	}
	tail := ".\r\n" + c.ride(next)
	left := c.send(ctx, m.Wire(), tail)
	if w, withheld := errors.AsType[*withheld](left.err); withheld {
		// What the server would say of half a mail is not worth the wait: somebody
		// else may be waiting for the connection.
		c.dead = true
		c.wire.conn.Close()
		return reply.Answer{}, &reply.Lost{Stage: reply.AtDot, Sent: left.body, Err: w.why}
	}
	return c.verdict(ctx, left)
}

// ride lets next's envelope follow the dot, if it can, and returns its commands.
func (c *Client) ride(next Mail) string {
	if next == nil || !c.pipes() {
		return ""
	}
	g, err := c.envelope(next)
	if err != nil {
		return "" // its own Offer will say so
	}
	c.rider = next
	return g.String()
}

// A withheld body was not sent to its end.
type withheld struct{ why error }

func (w *withheld) Error() string { return w.why.Error() }

// What has left of a mail.
type departed struct {
	body  int64 // bytes of the body
	whole bool  // the final dot may have left
	err   error // why no more
}

func (c *Client) send(ctx context.Context, body [][]byte, tail string) departed {
	var size int64
	for _, part := range body {
		size += int64(len(part))
	}
	if c.wire.trace != nil {
		_, next, _ := strings.Cut(tail, "\r\n")
		c.wire.note("> ", fmt.Sprintf("[body of %d bytes and the final dot]", size))
		for line := range strings.Lines(next) {
			c.wire.note("> ", strings.TrimSpace(line))
		}
	}
	sure, most, err := c.wire.write(ctx, c.limits.Block, c.may, append(body[:len(body):len(body)], []byte(tail))...)
	return departed{body: min(sure, size), whole: most >= size+int64(len(".\r\n")), err: err}
}

// verdict hears the answer to the dot and says what became of the mail.
func (c *Client) verdict(ctx context.Context, left departed) (reply.Answer, error) {
	limit := c.limits.Dot
	if !left.whole {
		limit = c.limits.Early // Postfix does so too: the server may have said why it hung up
	}
	began := c.timed()
	code, lines, err := c.wire.hear(ctx, limit)
	c.took(reply.AtDot, began)
	c.open = false
	c.dead = c.dead || left.err != nil || err != nil
	if err != nil {
		return reply.Answer{}, c.silence(left, err)
	}
	a := reply.New(reply.AtDot, code, lines...)
	switch {
	case code >= 400:
		return a, c.refuse(a)
	case code >= 300:
		c.dead = true
		return a, c.silence(left, surprise(a.Reply()))
	case !left.whole:
		return a, &reply.Doubt{Sent: left.body, Err: surprise(a.Reply())}
	}
	return a, nil
}

// silence is a mail without an answer that counts.
func (c *Client) silence(left departed, err error) error {
	if left.whole {
		return &reply.Doubt{Sent: left.body, Err: err}
	}
	return &reply.Lost{Stage: reply.AtDot, Sent: left.body, Err: left.err}
}
