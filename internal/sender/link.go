package sender

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"time"

	"hongyan/internal/reply"
	"hongyan/internal/smtp"
)

const (
	dialTimeout = 30 * time.Second // as Postfix has it
	userTimeout = 60 * time.Second // unacknowledged data: the peer is gone
)

// link connects and logs in. A link that cannot be had is tried for again, a
// server that says no is not: repeated logins lock QQ accounts.
func (s *Sender) link(ctx context.Context) (*smtp.Client, error) {
	for try := 1; ; try++ {
		client, err := s.connect(ctx, &Probe{})
		if err == nil {
			return client, nil
		}
		if !again(err) || try >= s.a.Retry.Tries {
			return nil, err
		}
		if wait(ctx, s.a.Retry.pause(try, rand.Float64())) != nil {
			return nil, err
		}
	}
}

// again reports whether a new connection may succeed where this one failed. A
// link lost during the login counts as a failed login: some servers close
// without a word, and another try would be another failed login.
func again(err error) bool {
	lost, ok := errors.AsType[*reply.Lost](err)
	return ok && lost.Stage != reply.AtAuth
}

// pause is the wait after the n-th failure; luck is in [0, 1).
func (r Retry) pause(n int, luck float64) time.Duration {
	most := r.Cap
	if n < 32 && r.Base<<(n-1) < r.Cap {
		most = r.Base << (n - 1)
	}
	return time.Duration(luck * float64(most))
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// connect makes one try, and notes down what it learns on the way.
func (s *Sender) connect(ctx context.Context, p *Probe) (*smtp.Client, error) {
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	p.Remote = conn.RemoteAddr().String()
	if s.a.TLS == Implicit {
		if conn, err = s.secure(ctx, conn, p); err != nil {
			return nil, err
		}
	}
	client, err := smtp.Hello(ctx, conn, s.options())
	if err != nil {
		return nil, err
	}
	if err := s.enter(ctx, client, p); err != nil {
		client.Close()
		return nil, err
	}
	return client, nil
}

// enter brings a session that was greeted as far as its first mail.
func (s *Sender) enter(ctx context.Context, client *smtp.Client, p *Probe) error {
	p.Extensions = client.Extensions()
	if s.a.TLS == StartTLS {
		if err := s.upgrade(ctx, client, p); err != nil {
			return err
		}
		p.Extensions = client.Extensions()
	}
	if s.a.Username == "" {
		return nil
	}
	password, err := s.a.Password(ctx)
	if err != nil {
		return fmt.Errorf("the password of %s: %w", s.a.Username, err)
	}
	if err := client.Login(ctx, s.a.Username, password); err != nil {
		return err
	}
	p.LoggedIn = true
	return nil
}

func (s *Sender) options() smtp.Options {
	return smtp.Options{
		Helo: s.a.Helo, Frame: s.a.Frame, Pipelining: s.a.Pipelining,
		Timeouts: s.a.Timeouts, Trace: s.a.Trace, Watch: s.a.Watch, May: s.a.May,
	}
}

// dial opens the connection, or refuses to when it would be in clear where it
// must not be.
func (s *Sender) dial(ctx context.Context) (net.Conn, error) {
	if s.a.TLS == None && s.a.Username != "" {
		return nil, s.unsafe(LoginClear, nil)
	}
	d := net.Dialer{Timeout: dialTimeout, ControlContext: s.control}
	began := time.Now()
	conn, err := d.DialContext(ctx, "tcp", s.addr())
	s.took(reply.AtConnect, began)
	if u, ok := errors.AsType[*Unsafe](err); ok {
		return nil, u
	}
	if err != nil {
		return nil, &reply.Lost{Stage: reply.AtConnect, Err: err}
	}
	return conn, nil
}

func (s *Sender) took(stage reply.Stage, began time.Time) {
	if s.a.Watch != nil {
		s.a.Watch(stage, time.Since(began))
	}
}

// control sees every address before anything is sent to it.
func (s *Sender) control(_ context.Context, _, address string, c syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if s.a.TLS == None && !s.a.Insecure && !net.ParseIP(host).IsLoopback() {
		return s.unsafe(InClear, nil)
	}
	return limitSilence(c)
}

func (s *Sender) unsafe(r Reason, err error) *Unsafe {
	return &Unsafe{Addr: s.addr(), Reason: r, Err: err}
}

// secure does the handshake of implicit TLS.
func (s *Sender) secure(ctx context.Context, conn net.Conn, p *Probe) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	secured := tls.Client(conn, s.config(p))
	began := time.Now()
	err := secured.HandshakeContext(ctx)
	s.took(reply.AtStartTLS, began)
	if err != nil {
		conn.Close()
		return nil, s.distrust(reply.AtConnect, err)
	}
	return secured, nil
}

// upgrade does STARTTLS; without it there is no session.
func (s *Sender) upgrade(ctx context.Context, client *smtp.Client, p *Probe) error {
	if _, ok := client.Extensions()["STARTTLS"]; !ok {
		return s.unsafe(NoStartTLS, nil)
	}
	began := time.Now()
	err := client.StartTLS(ctx, s.config(p))
	s.took(reply.AtStartTLS, began)
	r, refused := errors.AsType[*reply.Refusal](err)
	switch {
	case err == nil, refused && !r.Local:
		return err
	case refused: // STARTTLS was offered, so all that is left is what came behind the 220
		return s.unsafe(Injected, err)
	}
	return s.distrust(reply.AtStartTLS, err)
}

// config is the one way hongyan does TLS: 1.2 or better, chain and name
// verified, nothing to switch that off.
func (s *Sender) config(p *Probe) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         s.a.ServerName,
		RootCAs:            s.a.Roots,
		ClientSessionCache: s.cache,
		VerifyConnection:   p.note,
	}
}

// distrust tells a link that broke during the handshake, which another try may
// mend, from a server that could not prove who it is, which it may not.
func (s *Sender) distrust(stage reply.Stage, err error) error {
	if _, bad := errors.AsType[*tls.CertificateVerificationError](err); bad {
		return s.unsafe(Certificate, cause(err))
	}
	if _, bad := errors.AsType[tls.RecordHeaderError](err); bad {
		return s.unsafe(NotTLS, cause(err))
	}
	if !broken(err) {
		return s.unsafe(Handshake, cause(err))
	}
	return &reply.Lost{Stage: stage, Err: cause(err)}
}

// cause takes off what the protocol room wrapped around TLS's own words.
func cause(err error) error {
	if lost, ok := errors.AsType[*reply.Lost](err); ok {
		return lost.Err
	}
	return err
}

// broken reports whether err is the network's doing, not the peer's words. An
// alert of the peer is a net.OpError too, but has no errno.
func broken(err error) bool {
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		return true
	}
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		return true
	}
	for _, e := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, context.Canceled} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
