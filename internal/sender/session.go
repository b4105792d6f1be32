package sender

import (
	"context"
	"errors"
	"time"

	"hongyan/internal/reply"
	"hongyan/internal/smtp"
)

// A Session is one connection at a time to the account's server, had when it is
// needed and had anew when it is lost or spent. Only one goroutine may use it.
type Session struct {
	s      *Sender
	client *smtp.Client // nil = none at the moment
	mails  int          // bodies handed over on it
	used   time.Time    // when it last did something, by the wall clock
}

// Offer takes a mail up to the point where its body may leave (smtp's Offer),
// on the connection there is or on a new one. A connection that turns out dead
// is replaced once, silently, since nothing of the mail's body had left.
//
// Errors are *reply.Refusal (of the login too, which is never tried again here)
// and *reply.Lost, both meaning that the mail was certainly not taken; *Unsafe;
// or a breakdown.
func (x *Session) Offer(ctx context.Context, m smtp.Mail) error {
	if x.spent(time.Now()) {
		x.hangUp()
	}
	reused := x.client != nil
	err := x.offer(ctx, m)
	if reused && gone(err) && ctx.Err() == nil {
		x.hangUp()
		err = x.offer(ctx, m)
	}
	return err
}

func (x *Session) offer(ctx context.Context, m smtp.Mail) error {
	if x.client == nil {
		if err := x.s.may(); err != nil {
			return err
		}
		client, err := x.s.link(ctx)
		if err != nil {
			return err
		}
		x.client, x.mails = client, 0
	}
	err := x.client.Offer(ctx, m)
	x.settle(err)
	return err
}

// may is asked before a connection is made: who was frozen and wakes up finds the
// old ones gone, and must not take any from whoever has the account by now.
func (s *Sender) may() error {
	if s.a.May == nil {
		return nil
	}
	return s.a.May()
}

// gone reports whether the connection was dead before this mail: it broke, or
// the server said that it was closing (421, RFC 5321 §3.8) at the first command.
func gone(err error) bool {
	if _, lost := errors.AsType[*reply.Lost](err); lost {
		return true
	}
	r, refused := errors.AsType[*reply.Refusal](err)
	return refused && r.Code == 421 && r.Stage == reply.AtMail
}

// Deliver hands over the body of the mail that was offered last and returns the
// answer to its final dot (smtp's Deliver). next may ride along when it will
// still fit on this connection; it is to be offered either way, or nil.
//
// Errors are *reply.Refusal, *reply.Lost (certainly not taken) and *reply.Doubt
// (perhaps taken: nobody but a person may have it sent again).
func (x *Session) Deliver(ctx context.Context, next smtp.Mail) (reply.Answer, error) {
	if x.client == nil {
		return reply.Answer{}, errors.New("no mail was offered")
	}
	if x.full(x.mails + 1) {
		next = nil
	}
	answer, err := x.client.Deliver(ctx, next)
	x.mails++
	x.settle(err)
	return answer, err
}

// Pipelines reports whether a mail may ride behind the one that was offered last.
func (x *Session) Pipelines() bool {
	return x.client != nil && x.client.Pipelines() && !x.full(x.mails+1)
}

// Riding reports whether the mail to be offered next rides already.
func (x *Session) Riding() bool { return x.client != nil && x.client.Riding() }

// settle lets a connection go that can carry no other mail.
func (x *Session) settle(err error) {
	x.used = time.Now().Round(0) // without the monotonic clock, which stands still while a laptop sleeps
	r, refused := errors.AsType[*reply.Refusal](err)
	if x.client.Dead() || refused && r.Code == 421 {
		x.hangUp()
	}
}

// spent reports whether the connection is due to be renewed.
func (x *Session) spent(now time.Time) bool {
	if x.client == nil {
		return false
	}
	return x.client.Dead() || x.full(x.mails) || stale(now.Round(0).Sub(x.used), x.s.a.Idle)
}

// stale reports whether a connection was quiet for too long. A clock that was
// set back tells nothing about the silence, so it counts as too long.
func stale(quiet, idle time.Duration) bool {
	return idle > 0 && (quiet >= idle || quiet < 0)
}

func (x *Session) full(mails int) bool {
	return x.s.a.PerConnection > 0 && mails >= x.s.a.PerConnection
}

// Close says goodbye if there is a connection. How the server takes that decides
// nothing, so the error is always nil. The session may be used again; its next mail
// takes a new connection.
func (x *Session) Close() error {
	x.hangUp()
	return nil
}

func (x *Session) hangUp() {
	if x.client != nil {
		_ = x.client.Close() // QUIT, best effort: every mail has its answer already
		x.client = nil
	}
}
