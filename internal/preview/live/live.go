// Package live shows a campaign's mails in the browser as they would be sent
// now, and shows them anew when one of its files changes. A mail is composed
// when it is looked at, so that a list of a million opens as fast as one of
// ten; nothing is written to disk.
//
// The room must never send, never write, never change anything on request, and
// never be reachable from another machine, from another site in the same
// browser, or by another user who does not know its address.
package live

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"hongyan/internal/preview"
)

// A Fault is something that the user has to mend, in the reader's language.
type Fault struct {
	Place      string // "file:line"; "" when it stands in no file
	What, Hint string
}

// A Row is what is known of a recipient without composing the mail.
type Row struct {
	Line    int // of the list
	Address string
	Faulty  bool // the row cannot become a mail
}

// A Mail is what one row becomes: a mail, or faults. Line and Address are always there.
type Mail struct {
	preview.Mail
	Faults []Fault
}

// An Edition is a campaign as its files stood when they were looked at. Its
// methods but Close may be called concurrently.
type Edition interface {
	Len() int
	Row(i int) Row
	// Mails composes the mails of the rows from (inclusive) to to (exclusive).
	// What is wrong with a row is in its Mail; an error is a breakdown.
	Mails(ctx context.Context, from, to int) ([]Mail, error)
	Close() error
}

// A Look is what a look at the campaign's files showed: an edition or faults.
type Look struct {
	Edition Edition // nil when Faults say why
	Faults  []Fault
	Files   []string // files and folders that it depends on, whether they are there or not
}

// Server serves the pages. Its fields are set before Listen.
type Server struct {
	Look func(context.Context) (Look, error) // an error is a breakdown
	Lang string                              // "en" or "zh": the page's first language

	key      string // the first part of every path: who does not know it sees nothing
	listener net.Listener

	mu      sync.RWMutex // guards the fields below; held while an edition is asked
	look    Look
	version int
	changed chan struct{} // closed with the next version
}

// ErrExposed is an address that other machines could reach.
var ErrExposed = errors.New("can be reached from outside; only loopback addresses are allowed")

// Listen opens the port; "127.0.0.1:0" chooses a free one. Only loopback
// addresses are taken.
func (s *Server) Listen(ctx context.Context, address string) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("preview: %w", err)
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		_ = listener.Close() // nobody was served
		return fmt.Errorf("preview: %s %w", address, ErrExposed)
	}
	s.listener, s.key, s.changed = listener, rand.Text(), make(chan struct{})
	return nil
}

// URL is where the page is, after Listen.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() + "/" + s.key + "/" }

// Run serves until ctx ends. It looks at the campaign first, and again whenever
// one of its files has changed. It returns the first breakdown.
func (s *Server) Run(ctx context.Context) error {
	defer s.listener.Close() //nolint:errcheck // closed by the server already
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w, err := newWatch()
	if err != nil {
		return fmt.Errorf("preview: %w", err)
	}
	defer w.close()
	defer s.end()
	if err := s.refresh(ctx, w); err != nil {
		return err
	}
	server := &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	var parts sync.WaitGroup
	defer parts.Wait()
	parts.Go(func() { cancel(s.follow(ctx, w)) })
	parts.Go(func() {
		<-ctx.Done()
		_ = server.Close() // a page that is cut off asks again, or its reader is gone
	})
	err = server.Serve(s.listener)
	cancel(err)
	if cause := context.Cause(ctx); cause != nil && cause != context.Canceled && cause != http.ErrServerClosed { //nolint:errorlint // our own causes
		return fmt.Errorf("preview: %w", cause)
	}
	return nil
}

// follow looks again after each change until ctx ends.
func (s *Server) follow(ctx context.Context, w *watch) error {
	for {
		if err := w.next(ctx); err != nil {
			return err
		}
		if err := s.refresh(ctx, w); err != nil {
			return err
		}
	}
}

// refresh looks at the campaign, and once more if something changed meanwhile: in
// a folder that is new, or was made anew, nobody watched yet.
func (s *Server) refresh(ctx context.Context, w *watch) error {
	begun := time.Now()
	if err := s.lookOnce(ctx); err != nil {
		return err
	}
	for range 3 {
		if err := w.follow(s.look.Files); err != nil || !w.changedSince(begun) {
			return err
		}
		begun = time.Now()
		if err := s.lookOnce(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) lookOnce(ctx context.Context) error {
	look, err := s.Look(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.look.Edition
	s.look = look
	s.version++
	close(s.changed)
	s.changed = make(chan struct{})
	if old != nil {
		return old.Close()
	}
	return nil
}

// end closes the last edition.
func (s *Server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.look.Edition != nil {
		_ = s.look.Edition.Close() // only read from
		s.look = Look{}
	}
}
