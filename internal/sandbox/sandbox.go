// Package sandbox is an SMTP server on loopback that behaves like a provider
// and keeps what it took: for the demo, for rehearsals and for tests. It owns
// the profiles (the banners, limits, refusal texts and quirks of real
// providers, as data under profiles/), the certificate it makes on the spot and
// the folder of captured mails. It must never be reachable from outside by
// default, never relay, and know nothing of campaigns or of hongyan's client.
//
// What happens to a mail is chosen by its recipient's local part; the domain
// and anything after a plus sign are free, so nobody+17@example.com works:
//
//	nobody           there is no such mailbox
//	full             the mailbox is full
//	greylist         451 at the first try, taken later
//	throttle         the account is throttled at the first try, taken later
//	content          refused for what it says
//	later            a temporary failure after the final dot, every time
//	slow             taken after some seconds
//	tarpit           refused, one byte at a time
//	early            refused while the body is still being sent
//	drop-before-dot  the link goes before the body (nothing was taken)
//	drop-in-body     the link goes within the body (nothing was taken)
//	drop-at-dot      the link goes instead of the last answer; not taken
//	drop-after-dot   the link goes instead of the last answer; taken
//	reset-after-dot  taken, answered, and the link reset
//	garbage          taken, and the answer is not SMTP
//	endless          taken, and the answer never ends
//	mute             taken, and never answered
//	421, 450, 550 …  that code after RCPT TO; 421 also ends the connection
//
// Everybody else gets the mail.
package sandbox

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Mode says how a connection is protected.
type Mode string

const (
	Implicit Mode = "implicit" // TLS from the first byte, as on port 465
	StartTLS Mode = "starttls" // in clear until STARTTLS, as on port 587
	Plain    Mode = "none"     // in clear, without logins
)

// Options of a sandbox; the zero value is a well-behaved server with implicit
// TLS that lets every login in and keeps the mails in memory.
type Options struct {
	Profile            string            // one of Profiles; "" = "plain"
	TLS                Mode              // "" = Implicit
	Username, Password string            // the login that is let in; with no Username and no Logins every login is
	Logins             map[string]string // further logins and their codes
	Dir                string            // folder of captured mails and of accepted.log; "" = none
	Record             string            // path of accepted.log when it is not to be in Dir
	Sync               bool              // sync accepted.log after every line (the .eml files always are)
	Keep               int               // so many newest mails are kept; 0 = 10,000 in Dir, 1,000 in memory
	Limits             Limits            // laid over the profile's
	Remote             bool              // may listen on other addresses than loopback
	Idle               time.Duration     // a silent client is sent away after this; 0 = 5 minutes
	Certificate        *tls.Certificate  // instead of the one made on the spot
	MaxTLS             uint16            // the only TLS version spoken, to rehearse a downgrade; 0 = modern ones
	Log                *slog.Logger      // nil = silent

	// Hook, when not nil, is asked at each stage that is reached, by all
	// connections at once; n is 1 when it is reached for the first time.
	Hook func(stage Stage, n int) Action
}

// Limits are those of the provider; zero = the profile's, negative = none.
type Limits struct {
	Mails         int           // of one login within Per
	Per           time.Duration // length of that window; 0 = one minute
	PerConnection int           // mails on one connection
	Connections   int           // of one login at the same time
	Size          int64         // bytes of a mail
	Grey          time.Duration // how long greylist@ is not taken; 0 = the profile's
	Slow          time.Duration // how long slow@ takes; 0 = the profile's
}

// A Server is one sandbox. Its methods may be called from several goroutines.
type Server struct {
	o         Options
	p         *profile
	log       *slog.Logger
	tls       *tls.Config
	leaf      *x509.Certificate
	listener  net.Listener
	mailroom  *mailroom
	mu        sync.Mutex // guards the rest
	accounts  map[string]*account
	tries     map[string]*try
	stages    map[Stage]int
	conns     int
	anonymous bool // every login is let in
}

// New makes a sandbox: it reads the profile, makes the certificate and opens
// the folder. Nothing is reachable before Listen.
func New(o Options) (*Server, error) {
	p, err := load(cmp.Or(o.Profile, "plain"))
	if err != nil {
		return nil, err
	}
	o.TLS, o.Idle = cmp.Or(o.TLS, Implicit), cmp.Or(o.Idle, 5*time.Minute)
	p.limit(o.Limits)
	s := &Server{
		o: o, p: p, log: o.Log,
		accounts: map[string]*account{}, tries: map[string]*try{}, stages: map[Stage]int{},
		anonymous: o.Username == "" && len(o.Logins) == 0,
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.certify(); err != nil {
		return nil, fmt.Errorf("sandbox: certificate: %w", err)
	}
	if s.mailroom, err = openMailroom(o); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return s, nil
}

// ErrOutside means that an address is none of loopback's.
var ErrOutside = errors.New("can be reached from outside; only loopback addresses are allowed")

// Listen takes the address, "127.0.0.1:0" when it is "". An address that is
// reachable from outside is refused unless Options.Remote says otherwise.
func (s *Server) Listen(ctx context.Context, addr string) error {
	addr = cmp.Or(addr, "127.0.0.1:0")
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if !s.o.Remote && !tcp.IP.IsLoopback() {
		return fmt.Errorf("sandbox: %s %w", addr, ErrOutside)
	}
	var lc net.ListenConfig
	s.listener, err = lc.Listen(ctx, "tcp", tcp.String())
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	return nil
}

// Run serves until ctx ends, then ends all connections, waits for them, closes
// the record and returns nil. It must be called once, after Listen.
func (s *Server) Run(ctx context.Context) error {
	if s.listener == nil {
		return errors.New("sandbox: Run without Listen")
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { s.listener.Close() })
	defer stop()
	var open sync.WaitGroup
	err := s.accept(ctx, &open)
	cancel()
	open.Wait()
	return errors.Join(err, s.mailroom.close())
}

func (s *Server) accept(ctx context.Context, open *sync.WaitGroup) error {
	for {
		conn, err := s.listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				conn.Close()
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
		n := s.arrived()
		open.Go(func() { s.serve(ctx, conn, n) })
	}
}

func (s *Server) arrived() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns++
	return s.conns
}

// Addr is where it listens, "127.0.0.1:34567"; "" before Listen.
func (s *Server) Addr() string {
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// Taken is the number of mails accepted since New.
func (s *Server) Taken() int { return s.mailroom.count() }

// Mails are the newest mails accepted, oldest first, at most Options.Keep.
func (s *Server) Mails() []Mail { return s.mailroom.list() }

// Connections is the number of connections accepted since New.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}
