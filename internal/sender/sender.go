// Package sender owns an account's connections: it dials, secures them with
// TLS, logs in, uses them again, recycles and closes them. It hands on the facts
// that the protocol room reports. It must never judge an answer, try a mail a
// second time that a server had seen of, pace, or write the ledger.
package sender

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"hongyan/internal/smtp"
)

// Mode says how a connection is protected. There is no way back from one to a
// weaker one, whatever the server says.
type Mode string

const (
	Implicit Mode = "implicit" // TLS from the first byte (RFC 8314 §3.3), port 465
	StartTLS Mode = "starttls" // STARTTLS or nothing (RFC 3207), port 587
	None     Mode = "none"     // in clear: loopback only, and never with a login
)

// An Account is a mailbox at a provider and how to reach it.
type Account struct {
	Name       string
	Host       string
	Port       int
	TLS        Mode                                  // "" = Implicit
	Roots      *x509.CertPool                        // nil = the system's
	ServerName string                                // that the certificate must be for; "" = Host
	Helo       string                                // our name in EHLO; "" = "[127.0.0.1]"
	Username   string                                // "" = no login
	Password   func(context.Context) (string, error) // asked at each login, never kept
	Insecure   bool                                  // None may leave the loopback

	Frame         bool          // QUIRK(qq): see smtp.Options
	Pipelining    bool          // may be used when announced
	PerConnection int           // mails after which a connection is renewed; 0 = no limit
	Idle          time.Duration // unused for so long, a connection is renewed; 0 = no limit

	Retry    Retry
	Timeouts smtp.Timeouts
	Trace    io.Writer    // the dialogue, credentials masked; several sessions write to it at once; nil = none
	May      func() error // asked before a connection is made, and see smtp.Options; nil = it may
	Watch    smtp.Watch   // told of connect, of securing the link (starttls, either way), and of what smtp tells; nil = nobody
}

// Retry says how a connection that cannot be had is tried for again: full
// jitter, a random wait up to min(Cap, Base·2ⁿ) after the n-th failure.
type Retry struct {
	Tries int           // in all; 0 = 6
	Base  time.Duration // 0 = 1 s
	Cap   time.Duration // 0 = 5 min
}

// A Sender opens sessions for one account; they share the TLS session cache. It
// may be used from several goroutines.
type Sender struct {
	a     Account
	cache tls.ClientSessionCache
}

// New makes a sender; nothing is dialled yet.
func New(a Account) *Sender {
	a.TLS = cmp.Or(a.TLS, Implicit)
	a.ServerName = cmp.Or(a.ServerName, a.Host)
	a.Helo = cmp.Or(a.Helo, "[127.0.0.1]") // QQ writes our name into Received, so it must tell nothing
	a.Retry.Tries = cmp.Or(a.Retry.Tries, 6)
	a.Retry.Base = cmp.Or(a.Retry.Base, time.Second)
	a.Retry.Cap = cmp.Or(a.Retry.Cap, 5*time.Minute)
	return &Sender{a: a, cache: tls.NewLRUClientSessionCache(8)}
}

// Open makes a session; it dials when the first mail is offered.
func (s *Sender) Open(context.Context) *Session { return &Session{s: s} }

// addr is host:port.
func (s *Sender) addr() string { return net.JoinHostPort(s.a.Host, strconv.Itoa(s.a.Port)) }

// An Unsafe error says that a connection was not protected as the account
// demands, so nothing was entrusted to it. Trying again does not help; a person
// has to look at the account's settings, or at who is in between.
type Unsafe struct {
	Addr   string // host:port
	Reason Reason
	Err    error // nil, or what TLS said
}

// A Reason says in what way a connection was unsafe.
type Reason string

const (
	Certificate Reason = "the certificate cannot be trusted"
	Handshake   Reason = "no agreement on TLS"
	NotTLS      Reason = "the server does not speak TLS on this port"
	NoStartTLS  Reason = "the server does not offer STARTTLS"
	Injected    Reason = "something was slipped in before TLS"
	InClear     Reason = "a connection without TLS may not leave this machine"
	LoginClear  Reason = "a login without TLS would show the password"
)

func (u *Unsafe) Error() string {
	if u.Err == nil {
		return fmt.Sprintf("%s: %s", u.Addr, u.Reason)
	}
	return fmt.Sprintf("%s: %s: %v", u.Addr, u.Reason, u.Err)
}

func (u *Unsafe) Unwrap() error { return u.Err }
