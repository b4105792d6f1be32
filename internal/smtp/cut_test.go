package smtp_test

import (
	"bufio"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hongyan/internal/reply"
	"hongyan/internal/smtp"
)

// A sink is a server that takes everything and remembers whom it took a mail
// for, before it says so.
type sink struct {
	extensions  string // the last lines of the answer to EHLO
	taken       map[string]int
	heard, said int // bytes on the wire
}

// A meter counts the bytes on the wire.
type meter struct {
	net.Conn
	s *sink
}

func (m meter) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	m.s.heard += n
	return n, err
}

func (m meter) Write(p []byte) (int, error) {
	n, err := m.Conn.Write(p)
	m.s.said += n
	return n, err
}

// serve is one session; whoever waits for its end may read the sink.
func (s *sink) serve(conn net.Conn) {
	conn = meter{conn, s}
	defer func() { conn.Close() }()
	r := bufio.NewReaderSize(conn, 1<<17)
	io.WriteString(conn, "220 mx.example\r\n")
	var to string
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		answer := "250 ok\r\n"
		switch verb {
		case "EHLO":
			answer = "250-mx.example\r\n" + s.extensions
		case "RCPT":
			to = strings.TrimSuffix(strings.TrimPrefix(rest, "TO:<"), ">")
		case "DATA":
			io.WriteString(conn, "354 go\r\n")
			if !s.take(r, to) {
				return
			}
		case "STARTTLS":
			io.WriteString(conn, "220 go\r\n")
			conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate()}})
			r, answer = bufio.NewReaderSize(conn, 1<<17), ""
		case "QUIT":
			io.WriteString(conn, "221 bye\r\n")
			return
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			return
		}
	}
}

// whom names who got a mail.
func (s *sink) whom() string {
	if len(s.taken) == 0 {
		return "none"
	}
	return strings.ReplaceAll(strings.Join(slices.Sorted(maps.Keys(s.taken)), " "), "@example.org", "")
}

// take reads a body to its dot; the mail is taken when the dot is whole.
func (s *sink) take(r *bufio.Reader, to string) bool {
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			s.taken[to]++
			return true
		}
	}
}

// A queue is one direction of a link: it takes every byte at once, as a kernel
// does, hands on the first so many (< 0: all) and then ends.
type queue struct {
	mu    sync.Mutex
	some  sync.Cond
	bytes []byte
	left  int
	ended bool
}

func newQueue(left int) *queue {
	q := &queue{left: left, ended: left == 0}
	q.some.L = &q.mu
	return q
}

func (q *queue) Write(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := len(p)
	if q.left >= 0 {
		n = min(n, q.left)
		q.left -= n
		q.ended = q.ended || q.left == 0
	}
	q.bytes = append(q.bytes, p[:n]...)
	q.some.Broadcast()
	return len(p), nil
}

func (q *queue) Read(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.bytes) == 0 {
		if q.ended {
			return 0, io.EOF
		}
		q.some.Wait()
	}
	n := copy(p, q.bytes)
	q.bytes = q.bytes[n:]
	return n, nil
}

func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.some.Broadcast()
}

// An end is one end of a link of two queues. If took is not negative, its kernel
// takes so many bytes and then the link is reset.
type end struct {
	in, out *queue
	took    int
}

func (e *end) Read(p []byte) (int, error) { return e.in.Read(p) }

func (e *end) Write(p []byte) (int, error) {
	if e.took < 0 {
		return e.out.Write(p)
	}
	n := min(len(p), e.took)
	e.out.Write(p[:n])
	e.took -= n
	if n < len(p) {
		e.out.end()
		return n, syscall.ECONNRESET
	}
	return n, nil
}

func (e *end) Close() error {
	e.out.end()
	e.in.end()
	return nil
}

func (e *end) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (e *end) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (e *end) SetDeadline(time.Time) error      { return nil }
func (e *end) SetReadDeadline(time.Time) error  { return nil }
func (e *end) SetWriteDeadline(time.Time) error { return nil }

// A cut says where the link ends: after so many bytes of the client that
// arrived, of the server that arrived, or that the client's kernel took.
type cut struct{ out, in, took int }

func whole() cut { return cut{-1, -1, -1} }

// play sends three mails over the cut link; it returns what became of each, the
// sink, and how many bytes either side had to say.
func (k cut) play(t *testing.T, extensions string, secure *tls.Config) (out [3]string, s *sink) {
	t.Helper()
	s = &sink{taken: map[string]int{}, extensions: extensions}
	there, back := newQueue(k.out), newQueue(k.in)
	client, server := &end{in: back, out: there, took: k.took}, &end{in: there, out: back, took: -1}
	var all sync.WaitGroup
	all.Go(func() { s.serve(server) })
	out = session(t, client, secure)
	client.Close()
	all.Wait()
	return out, s
}

func session(t *testing.T, conn net.Conn, secure *tls.Config) (out [3]string) {
	ctx := t.Context()
	for i := range out {
		out[i] = "lost"
	}
	c, err := smtp.Hello(ctx, conn, smtp.Options{Helo: "me", Pipelining: true})
	if err != nil {
		return out
	}
	defer c.Close()
	if secure != nil && c.StartTLS(ctx, secure) != nil {
		return out
	}
	mails := []smtp.Mail{newLetter("1"), newLetter("2"), newLetter("3"), nil}
	for i := range out {
		err := c.Offer(ctx, mails[i])
		if err == nil {
			_, err = c.Deliver(ctx, mails[i+1])
		}
		out[i] = kind(err)
	}
	return out
}

func kind(err error) string {
	if err == nil {
		return "sent"
	}
	word, _, _ := strings.Cut(outcome(reply.Answer{}, err), ":")
	return word
}

// honest checks what must hold wherever a link is cut.
func honest(t *testing.T, where string, out [3]string, s *sink) {
	t.Helper()
	for i, became := range out {
		took := s.taken[fmt.Sprintf("%d@example.org", i+1)]
		switch {
		case took > 1:
			t.Errorf("%s: mail %d was taken %d times", where, i+1, took)
		case took == 1 && became != "sent" && became != "doubt":
			t.Errorf("%s: mail %d was taken and is %s", where, i+1, became)
		case took == 0 && became != "lost" && became != "doubt":
			t.Errorf("%s: mail %d was not taken and is %s", where, i+1, became)
		}
	}
}

func TestACutAtAnyByte(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, mode := range []struct{ name, extensions string }{
		{"lock-step", "250 8BITMIME\r\n"}, {"pipelined", "250 PIPELINING\r\n"},
	} {
		_, all := whole().play(t, mode.extensions, nil)
		sweep(t, &got, mode.name+", the client's byte did not arrive", all.heard, func(i int) ([3]string, *sink) {
			return cut{i, -1, -1}.play(t, mode.extensions, nil)
		})
		sweep(t, &got, mode.name+", the client's kernel did not take the byte", all.heard, func(i int) ([3]string, *sink) {
			return cut{-1, -1, i}.play(t, mode.extensions, nil)
		})
		sweep(t, &got, mode.name+", the server's byte did not arrive", all.said, func(i int) ([3]string, *sink) {
			return cut{-1, i, -1}.play(t, mode.extensions, nil)
		})
	}
	golden(t, "testdata/cuts.txt", got.String())
}

// sweep cuts after each byte and writes the runs of equal outcomes.
func sweep(t *testing.T, w io.Writer, title string, n int, play func(int) ([3]string, *sink)) {
	t.Helper()
	fmt.Fprintf(w, "# %s\n", title)
	first, before := 0, ""
	for i := range n + 1 {
		out, s := play(i)
		honest(t, fmt.Sprintf("%s, byte %d", title, i), out, s)
		line := strings.Join(out[:], ", ") + "; taken: " + s.whom()
		if i > 0 && line != before {
			fmt.Fprintf(w, "%4d–%-4d %s\n", first, i-1, before)
			first = i
		}
		before = line
	}
	fmt.Fprintf(w, "%4d–%-4d %s\n", first, n, before)
}

var stride = flag.Int("stride", 13, "bytes between two cuts of TLS; 1 for all")

// Over TLS the records have other lengths each time, so there is no table: what
// must hold holds at every byte.
func TestACutAtAnyByteOfTLS(t *testing.T) {
	t.Parallel()
	conf := &tls.Config{RootCAs: pool(t), ServerName: "mx.example"}
	const extensions = "250-STARTTLS\r\n250 PIPELINING\r\n"
	_, all := whole().play(t, extensions, conf)
	for i := 0; i <= max(all.heard, all.said); i += *stride {
		for name, k := range map[string]cut{"out": {i, -1, -1}, "in": {-1, i, -1}, "took": {-1, -1, i}} {
			out, s := k.play(t, extensions, conf)
			honest(t, fmt.Sprintf("%s, byte %d", name, i), out, s)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs (see -update); got\n%s", name, got)
	}
}
