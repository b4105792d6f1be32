package drill_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"hongyan/internal/message"
	"hongyan/internal/reply"
	"hongyan/internal/run"
)

// An office is the post office as one account of one process sees it.
type office struct {
	*process
	account account
	inside  *atomic.Int32 // of its connections
}

func (o office) Open() run.Session { return &counter{office: o} }

// A counter is one connection to the office.
type counter struct {
	office
	linked bool
	mails  int // that were taken on this connection
	riding bool
	open   *message.Message
	fate   fate
}

// A fate is what happens to one mail at the office.
type fate struct {
	way    time.Duration // until the answer to the envelope
	offer  error         // that answer, if it is not a 354
	body   time.Duration // how long the body takes
	cut    bool          // the link is lost within the body
	dot    error         // the answer to the dot, if it is not a 250
	mute   bool          // the link is lost instead of the last answer
	keep   bool          // of a mail whose end nobody heard: it was taken
	think  time.Duration // until the last answer
	riding bool          // a refusal leaves the mail behind it riding
}

// fateOf draws what will happen to a recipient's n-th mail.
func (o office) fateOf(address string, n int) fate {
	r := o.chance(address, n)
	f := fate{
		way: time.Duration(r.IntN(300)) * time.Millisecond, body: time.Duration(r.IntN(100)) * time.Millisecond,
		think: time.Duration(r.IntN(900)) * time.Millisecond, keep: r.IntN(2) == 0, riding: r.IntN(2) == 0,
	}
	if o.calm || r.Float64() >= o.account.trouble {
		return f
	}
	switch r.IntN(8) {
	case 0:
		f.offer = &reply.Lost{Stage: reply.AtRcpt, Err: io.EOF}
	case 1, 2:
		f.offer = refusalBefore(r)
	case 3:
		f.cut = true
	case 4:
		f.mute = true
	case 5, 6:
		f.dot = refusalAfter(r)
	case 7: // an answer may take ten minutes (RFC 5321 §4.5.3.2.6)
		f.think = 9*time.Minute + 59*time.Second
	}
	if r.IntN(5) == 0 {
		f.way += time.Duration(r.IntN(200)) * time.Second
	}
	return f
}

func refusalBefore(r *rand.Rand) error {
	all := []reply.Answer{
		reply.New(reply.AtMail, 421, "Closing connection."),
		reply.New(reply.AtMail, 451, "MI:SFQ 163 smtp5,HdxpCgB3A, please try again"),
		reply.New(reply.AtRcpt, 450, "4.2.0 Greylisted, try again in 7 minutes"),
		reply.New(reply.AtRcpt, 550, "5.1.1 no such user"),
		reply.New(reply.AtRcpt, 452, "4.2.2 mailbox full"),
		reply.New(reply.AtData, 554, "this is new"),
		reply.New(reply.AtMail, 503, "Error: need EHLO and AUTH first !"),
	}
	return &reply.Refusal{Answer: all[r.IntN(len(all))]}
}

func refusalAfter(r *rand.Rand) error {
	all := []reply.Answer{
		reply.New(reply.AtDot, 550, "Too many attempts. Unable to send. Try again later"),
		reply.New(reply.AtDot, 550, "Connection frequency limited"),
		reply.New(reply.AtDot, 550, "Mailbox unavailable or access denied"),
		reply.New(reply.AtDot, 550, "The recipient may contain a non-existent account, please check the recipient address."),
		reply.New(reply.AtDot, 550, "The mail may contain inappropriate words or content."),
		reply.New(reply.AtDot, 451, "Temporary failure. Try again later"),
		reply.New(reply.AtDot, 552, "Message too large"),
		reply.New(reply.AtDot, 550, "a text that nobody has seen"),
		reply.New(reply.AtDot, 421, "Closing connection."),
	}
	return &reply.Refusal{Answer: all[r.IntN(len(all))]}
}

// Offer links up if need be and asks.
func (c *counter) Offer(ctx context.Context, m *message.Message) error {
	if c.riding && c.open == m {
		c.riding = false
		return c.answered(ctx)
	}
	c.riding = false
	if err := c.link(ctx); err != nil {
		return err
	}
	c.propose(m)
	return c.answered(ctx)
}

// link dials and logs in; the office is not always there.
func (c *counter) link(ctx context.Context) error {
	if c.linked {
		return nil
	}
	if !c.step() || ctx.Err() != nil || nap(ctx, 200*time.Millisecond) != nil {
		return &reply.Lost{Stage: reply.AtConnect, Err: errDead}
	}
	if !c.calm {
		r := c.chance("link "+c.account.name, c.nth("link "+c.account.name))
		switch r.IntN(40) {
		case 0, 1:
			return &reply.Lost{Stage: reply.AtConnect, Err: io.EOF}
		case 2:
			return &reply.Refusal{Answer: reply.New(reply.AtAuth, 535, "Login Fail. Please enter your authorization code to login.")}
		case 3, 4:
			return &reply.Refusal{Answer: reply.New(reply.AtGreeting, 421, "Service not available")}
		}
	}
	if c.inside.Add(1) > int32(c.account.room) {
		c.inside.Add(-1)
		return full(c.chance("full "+c.account.name, c.nth("full "+c.account.name)))
	}
	c.linked, c.mails = true, 0
	return nil
}

// full is how an office says that so many connections are too many.
func full(r *rand.Rand) error {
	all := []error{
		&reply.Refusal{Answer: reply.New(reply.AtGreeting, 421, "Too many connections")},
		&reply.Refusal{Answer: reply.New(reply.AtGreeting, 451, "not so many of you")},
		&reply.Lost{Stage: reply.AtGreeting, Err: io.EOF},
	}
	return all[r.IntN(len(all))]
}

func (c *counter) leave() {
	if c.linked {
		c.linked = false
		c.inside.Add(-1)
	}
}

// nth counts how often something was asked about.
func (w *world) nth(what string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[what]++
	return w.asked[what]
}

func (c *counter) propose(m *message.Message) {
	c.open, c.fate = m, c.fateOf(m.To, c.nth(m.To))
}

// answered waits for the answer to the envelope.
func (c *counter) answered(ctx context.Context) error {
	if nap(ctx, c.fate.way) != nil || !c.step() {
		return c.gone(&reply.Lost{Stage: reply.AtMail, Err: errDead})
	}
	err := c.fate.offer
	if lost, ok := errors.AsType[*reply.Lost](err); ok {
		return c.gone(lost)
	}
	if c.account.each > 0 && c.mails >= c.account.each {
		err = &reply.Refusal{Answer: reply.New(reply.AtMail, 451, "MI:DMC 163 smtp5,HdxpCgB3A")}
	}
	if refusal, ok := errors.AsType[*reply.Refusal](err); ok && refusal.Code == 421 {
		c.leave()
	}
	return err
}

func (c *counter) gone(err error) error {
	c.Close()
	return err
}

// Deliver takes the body. Whether it was taken is decided in one place: here.
func (c *counter) Deliver(ctx context.Context, next *message.Message) (reply.Answer, error) {
	mail, f := c.open, c.fate
	if !c.step() {
		return reply.Answer{}, c.gone(&reply.Lost{Stage: reply.AtDot, Err: errDead})
	}
	c.leaves(mail.To)
	dead := nap(ctx, f.body) != nil
	if f.cut || dead && !f.keep {
		return reply.Answer{}, c.gone(&reply.Lost{Stage: reply.AtDot, Sent: mail.Size() / 2, Err: io.EOF})
	}
	if f.dot == nil && (f.keep || !f.mute && !dead) {
		c.take(mail.To)
	}
	dead = dead || !c.step() || nap(ctx, f.think) != nil || !c.step()
	if f.mute || dead {
		return reply.Answer{}, c.gone(&reply.Doubt{Sent: mail.Size(), Err: io.EOF})
	}
	refusal, refused := errors.AsType[*reply.Refusal](f.dot)
	c.open = nil
	if !refused {
		c.mails++
	}
	if refused && refusal.Code == 421 {
		c.leave()
		return reply.Answer{}, f.dot
	}
	if next != nil && c.account.pipelines && (!refused || f.riding) {
		c.propose(next)
		c.riding = true
	}
	return reply.New(reply.AtDot, 250, "OK: queued as."), f.dot
}

func (c *counter) Pipelines() bool { return c.account.pipelines }
func (c *counter) Riding() bool    { return c.riding }

func (c *counter) Close() error {
	c.leave()
	c.riding, c.open = false, nil
	return nil
}

// leaves notes when the turn of a mail whose body leaves was.
func (c *counter) leaves(address string) {
	w := c.world
	w.mu.Lock()
	defer w.mu.Unlock()
	_, domain, _ := strings.Cut(address, "@")
	w.left[c.account.name] = append(w.left[c.account.name], w.turns[domain])
}

func (c *counter) take(address string) {
	w := c.world
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sum.mails.Add(1)
	w.taken[address]++
	w.since[address]++
}
