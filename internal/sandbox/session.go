package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	longestLine = 16 << 10 // of a command; an AUTH answer may be 12 KiB (RFC 4954 §4)
	mostErrors  = 20       // commands out of order or unknown before the server has had enough
	farewell    = 2 * time.Second
)

// A session is one connection's dialogue.
type session struct {
	*Server
	ctx    context.Context
	raw    net.Conn // as accepted
	conn   net.Conn // raw, or TLS over it
	in     *bufio.Reader
	out    *bufio.Writer
	log    *slog.Logger
	n      int // number of this connection
	secure bool
	over   bool // nothing more is read
	cut    Cut
	framed bool // a DATA is done: answers wear the frame
	faults int
	mails  int // taken on this connection

	helloed bool
	login   string
	mailing bool // MAIL FROM was taken
	from    string
	to      []string
}

// serve speaks with one client until either side ends or ctx does.
func (s *Server) serve(ctx context.Context, conn net.Conn, n int) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	x := &session{Server: s, ctx: ctx, raw: conn, n: n, log: s.log.With("connection", n)}
	x.take(conn)
	x.log.Info("connected", "from", conn.RemoteAddr())
	if x.welcome() {
		for !x.over {
			x.turn()
		}
	}
	x.end()
}

// take makes conn the connection that is spoken over.
func (x *session) take(conn net.Conn) {
	x.conn = conn
	x.out = bufio.NewWriter(conn)
	x.in = bufio.NewReaderSize(&mouth{x}, 64<<10)
}

// mouth reads from the connection, and lets everything be heard that was said
// before it listens again; so the answers to a pipelined group travel together.
type mouth struct{ x *session }

func (m *mouth) Read(p []byte) (int, error) {
	if err := m.x.flush(); err != nil {
		return 0, err
	}
	if err := m.x.conn.SetReadDeadline(time.Now().Add(m.x.o.Idle)); err != nil {
		return 0, err
	}
	return m.x.conn.Read(p)
}

func (x *session) flush() error {
	if x.out.Buffered() == 0 {
		return nil
	}
	if err := x.conn.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	return x.out.Flush()
}

// welcome brings the client as far as the greeting.
func (x *session) welcome() bool {
	a := x.action(AtConnect, nil, time.Now())
	if !x.act(a, a.Reply) {
		return false
	}
	if x.o.TLS == Implicit && !x.shake() {
		return false
	}
	x.answer(AtGreeting, x.p.Greeting)
	return !x.over
}

// shake does the TLS handshake.
func (x *session) shake() bool {
	conn := tls.Server(x.raw, x.tls)
	ctx, cancel := context.WithTimeout(x.ctx, 30*time.Second)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		x.log.Info("no TLS", "error", err)
		x.over, x.cut = true, Drop
		return false
	}
	x.secure = true
	x.take(conn)
	return true
}

// turn reads one command and answers it.
func (x *session) turn() {
	line, err := x.line()
	switch {
	case err == nil:
		x.command(line)
	case errors.Is(err, bufio.ErrBufferFull):
		x.say("toolong")
	case errors.Is(err, os.ErrDeadlineExceeded):
		x.say("idle")
	default:
		x.over, x.cut = true, Drop
	}
}

// line reads one line without its end; too long ones are bufio.ErrBufferFull.
func (x *session) line() (string, error) {
	line, err := x.in.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	if len(line) > longestLine {
		return "", bufio.ErrBufferFull
	}
	return string(bytes.TrimRight(line, "\r\n")), nil
}

// say gives the profile's reply of this name.
func (x *session) say(name string) {
	words := x.p.Replies[name]
	if strings.HasPrefix(words, "50") {
		x.faults++
	}
	x.write(words)
	x.hangUp(name)
}

// hangUp ends the dialogue if the provider does so after this reply.
func (x *session) hangUp(name string) {
	if slices.Contains(x.p.Hangup, name) {
		x.over, x.cut = true, Close
	}
}

// answer gives the server's own answer at a stage, or what the hook or the
// recipients' conduct wants instead, and returns what was said ("" = nothing).
func (x *session) answer(stage Stage, own string) string {
	to := x.to
	if stage == AtRcpt {
		to = x.to[len(x.to)-1:]
	}
	a := x.action(stage, to, time.Now())
	if a.Mute {
		own = ""
	} else if a.Reply != "" {
		own = a.Reply
	}
	x.act(a, own)
	return own
}

// act says the words as the action wants them said and does with the
// connection what it wants done; it reports whether the dialogue goes on.
func (x *session) act(a Action, words string) bool {
	if a.Wait > 0 && !x.wait(a.Wait) {
		return false
	}
	switch {
	case words == "" && a.Mute && a.Cut == Stay:
		x.silence()
	case a.Endless:
		x.ramble(words)
	case a.Drip > 0:
		x.drip(words, a.Drip)
	case words != "":
		x.write(words)
	}
	if a.Cut != Stay {
		x.over, x.cut = true, a.Cut
	}
	return !x.over
}

// wait lets d pass; it reports false when the server ended meanwhile.
func (x *session) wait(d time.Duration) bool {
	if x.flush() != nil {
		x.over = true
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-x.ctx.Done():
		x.over, x.cut = true, Drop
		return false
	}
}

// silence hears the client out without ever answering.
func (x *session) silence() {
	_, _ = io.Copy(io.Discard, x.in) // until it leaves or tires us
	x.over, x.cut = true, Drop
}

// ramble says the same line until the client has had enough.
func (x *session) ramble(words string) {
	for x.ctx.Err() == nil && x.flush() == nil {
		x.write(words)
	}
	x.over, x.cut = true, Drop
}

// drip says the words one byte at a time.
func (x *session) drip(words string, pause time.Duration) {
	for _, b := range x.wire(words) {
		_ = x.out.WriteByte(b) // the flush in wait tells
		if !x.wait(pause) {
			return
		}
	}
}

// write puts a reply on the wire; a failed write shows at the next read.
func (x *session) write(words string) {
	if words == "" {
		return
	}
	x.log.Debug("says", "reply", words)
	_, _ = x.out.Write(x.wire(words))
}

// wire is a reply as bytes: holes filled, lines ended, frame put on.
func (x *session) wire(words string) []byte {
	if strings.Contains(words, "{") {
		words = x.fill(words)
	}
	payload := strings.ReplaceAll(words, "\n", "\r\n") + "\r\n"
	if !x.framed {
		return []byte(payload)
	}
	return append(frame(len(payload)), payload...)
}

// end leaves the client in the way the cut says.
func (x *session) end() {
	switch x.cut {
	case Reset:
		_ = x.flush()
		if tcp, ok := x.raw.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // close then sends RST
		}
	case Drop:
		_ = x.flush()
	default:
		x.part()
	}
	if x.login != "" {
		x.leave(x.login, x.n)
	}
	x.log.Info("gone", "mails", x.mails)
}

// part ends in good order: the last words are heard even by a client that is
// still speaking, because a close with unread input would reset the link.
func (x *session) part() {
	_ = x.flush()
	if c, ok := x.conn.(*tls.Conn); ok {
		_ = c.CloseWrite()
	}
	tcp, ok := x.raw.(*net.TCPConn)
	if !ok || tcp.CloseWrite() != nil {
		return
	}
	_ = x.raw.SetReadDeadline(time.Now().Add(farewell))
	_, _ = io.Copy(io.Discard, x.raw)
}
