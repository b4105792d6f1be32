package smtp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"hongyan/internal/reply"
	"hongyan/internal/smtp"
)

// dial connects to a server on loopback that serves one connection.
func dial(t *testing.T, serve func(net.Conn)) net.Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		conn, err := l.Accept()
		if err == nil {
			serve(conn)
		}
	})
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); l.Close(); served.Wait() })
	return conn
}

func TestEveryByteOfABodyArrivesInOrder(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"tcp", "tls"} {
		for _, size := range []int{1, 4096, 64<<10 - 3, 64<<10 - 2, 64 << 10, 300_000} {
			big := newLetter("1").padded(size)
			big.wire = append(big.wire, []byte(strings.Repeat("one long segment\r\n", size/36)))
			want := big.text()
			var got locked
			conn := dial(t, func(conn net.Conn) { record(conn, mode == "tls", &got) })
			if mode == "tls" {
				conn = tls.Client(conn, &tls.Config{RootCAs: pool(t), ServerName: "mx.example"})
			}
			c, err := smtp.Hello(t.Context(), conn, smtp.Options{Pipelining: true})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // a write must leave the mail as it was
				if err := c.Offer(t.Context(), big); err != nil {
					t.Fatal(err)
				}
				if _, err := c.Deliver(t.Context(), big); err != nil {
					t.Fatal(err)
				}
				if got.take() != want {
					t.Errorf("%s, %d bytes: the body differs", mode, size)
				}
			}
			c.Close()
		}
	}
}

// A locked buffer is filled by one goroutine and taken by another.
type locked struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *locked) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.WriteString(line)
}

func (l *locked) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.b.Reset()
	return l.b.String()
}

// record serves one session and keeps the bodies.
func record(conn net.Conn, secure bool, body *locked) {
	if secure {
		conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate()}})
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	io.WriteString(conn, "220 mx\r\n")
	for {
		line, err := r.ReadString('\n')
		switch {
		case err != nil:
			return
		case strings.HasPrefix(line, "EHLO"):
			io.WriteString(conn, "250-mx\r\n250 PIPELINING\r\n")
		case line == "DATA\r\n":
			io.WriteString(conn, "354 go\r\n")
			for line, err = r.ReadString('\n'); err == nil && line != ".\r\n"; line, err = r.ReadString('\n') {
				body.add(line)
			}
			io.WriteString(conn, "250 taken\r\n")
		default:
			io.WriteString(conn, "250 ok\r\n")
		}
	}
}

// A brittle link breaks in the middle of the write that has the n-th byte.
type brittle struct {
	net.Conn
	left int
}

func (b *brittle) Write(p []byte) (int, error) {
	if b.left < len(p) {
		n, _ := b.Conn.Write(p[:b.left])
		b.left = 0
		b.Conn.Close()
		return n, syscall.EPIPE
	}
	b.left -= len(p)
	return b.Conn.Write(p)
}

// A brittleTLS looks like TLS: what it says about its bytes counts for nothing.
type brittleTLS struct{ brittle }

func (*brittleTLS) ConnectionState() tls.ConnectionState { return tls.ConnectionState{} }

func TestAFailedWriteOverTLSIsADoubtOnlyIfItHeldTheDot(t *testing.T) {
	t.Parallel()
	const envelope = len("EHLO localhost\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<1@example.org>\r\nDATA\r\n")
	for _, c := range []struct {
		taken     int // bytes of body and dot that the kernel took
		over, tls string
	}{
		{0, "lost", "lost"},             // the first block of two: the dot was not in it
		{64<<10 - 1, "lost", "lost"},    // not even its end
		{64 << 10, "lost", "doubt"},     // the second block holds the dot
		{64<<10 + 100, "lost", "doubt"}, // more of it
	} {
		for name, want := range map[string]string{"plain": c.over, "tls": c.tls} {
			client, server := net.Pipe()
			var served sync.WaitGroup
			served.Go(func() { record(server, false, new(locked)) })
			var conn net.Conn = &brittle{client, envelope + c.taken}
			if name == "tls" {
				conn = &brittleTLS{brittle{client, envelope + c.taken}}
			}
			s, err := smtp.Hello(t.Context(), conn, smtp.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Offer(t.Context(), newLetter("1").padded(100_000)); err != nil {
				t.Fatal(err)
			}
			_, err = s.Deliver(t.Context(), nil)
			if got := kind(err); got != want || !s.Dead() {
				t.Errorf("%s, %d bytes taken: %s (%v), want %s", name, c.taken, got, err, want)
			}
			s.Close()
			served.Wait()
		}
	}
}

func TestABadCertificateEndsTheSession(t *testing.T) {
	t.Parallel()
	for name, conf := range map[string]*tls.Config{
		"unknown issuer": {ServerName: "mx.example"},
		"another host":   {ServerName: "smtp.qq.com", RootCAs: pool(t)},
		"expired":        {ServerName: "mx.example", RootCAs: pool(t), Time: func() time.Time { return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC) }},
	} {
		there, back := newQueue(-1), newQueue(-1)
		s := &sink{taken: map[string]int{}, extensions: "250 STARTTLS\r\n"}
		var served sync.WaitGroup
		served.Go(func() { s.serve(&end{in: there, out: back, took: -1}) })
		c, err := smtp.Hello(t.Context(), &end{in: back, out: there, took: -1}, smtp.Options{})
		if err != nil {
			t.Fatal(err)
		}
		err = c.StartTLS(t.Context(), conf)
		if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok || !c.Dead() || !is[*reply.Lost](err) {
			t.Errorf("%s: got %v", name, err)
		}
		if err := c.Login(t.Context(), "a", "b"); !is[*reply.Refusal](err) {
			t.Errorf("%s: a login in clear: %v", name, err)
		}
		c.Close()
		served.Wait()
	}
}

func TestACancelledContextTouchesNoLaterOperation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		go record(server, false, new(locked))
		c, err := smtp.Hello(t.Context(), client, smtp.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			ctx, cancel := context.WithCancel(t.Context())
			m := newLetter("1")
			if err := c.Offer(ctx, m); err != nil {
				t.Fatal(err)
			}
			cancel()
			if _, err := c.Deliver(context.WithoutCancel(ctx), nil); err != nil {
				t.Fatal("a cancelled Offer broke the Deliver behind it:", err)
			}
		}
		c.Close()
	})
}

func TestABodyNeedsAnOffer(t *testing.T) {
	t.Parallel()
	client, server := net.Pipe()
	var served sync.WaitGroup
	served.Go(func() { record(server, false, new(locked)) })
	c, err := smtp.Hello(t.Context(), client, smtp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Deliver(t.Context(), nil)
	if err == nil || kind(err) != "broken" {
		t.Errorf("got %v", err)
	}
	c.Close()
	served.Wait()
}

// TestABodyIsWithheldFromItsDot when whoever sends it has lost the right to: what
// leaves in one write is not asked about, a longer one before each further write.
func TestABodyIsWithheldFromItsDot(t *testing.T) {
	t.Parallel()
	lost := errors.New("another worker has the account")
	for _, c := range []struct {
		size, asked int
		from        int // the question that is answered with no
		want        string
	}{
		{1000, 0, 1, "sent"}, {200_000, 3, 9, "sent"}, {200_000, 1, 1, "lost"}, {200_000, 3, 3, "lost"},
	} {
		client, server := net.Pipe()
		s := &sink{taken: map[string]int{}, extensions: "250 8BITMIME\r\n"}
		var served sync.WaitGroup
		served.Go(func() { s.serve(server) })
		asked := 0
		session, err := smtp.Hello(t.Context(), client, smtp.Options{May: func() error {
			if asked++; asked >= c.from {
				return lost
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		if err := session.Offer(t.Context(), newLetter("1").padded(c.size)); err != nil {
			t.Fatal(err)
		}
		_, err = session.Deliver(t.Context(), nil)
		session.Close()
		served.Wait()
		if got := kind(err); got != c.want || asked != c.asked || errors.Is(err, lost) != (c.want == "lost") || (len(s.taken) == 0) != (c.want == "lost") {
			t.Errorf("%+v: %s (%v), asked %d times, taken %v", c, got, err, asked, s.taken)
		}
	}
}
