package smtp_test

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"hongyan/internal/reply"
	"hongyan/internal/smtp"
)

// A tape plays a server's bytes whatever the client says, and keeps that.
type tape struct {
	says  io.Reader
	heard bytes.Buffer
}

func (p *tape) Read(b []byte) (int, error)     { return p.says.Read(b) }
func (p *tape) Write(b []byte) (int, error)    { return p.heard.Write(b) }
func (*tape) Close() error                     { return nil }
func (*tape) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (*tape) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (*tape) SetDeadline(time.Time) error      { return nil }
func (*tape) SetReadDeadline(time.Time) error  { return nil }
func (*tape) SetWriteDeadline(time.Time) error { return nil }

// serverBytes is what the servers of the dialogues say.
func serverBytes(f *testing.F) (out [][]byte) {
	files, err := filepath.Glob("testdata/dialogue/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatal("no dialogues", err)
	}
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		var said strings.Builder
		for line := range strings.Lines(string(src)) {
			text, ok := strings.CutPrefix(strings.TrimSpace(line), "< ")
			if raw, err := strconv.Unquote(`"` + text + `"`); ok && err == nil {
				said.WriteString(raw + "\r\n")
			}
		}
		out = append(out, []byte(said.String()))
	}
	return out
}

// FuzzServer has arbitrary bytes answer the client: it must end with one of the
// three errors or a mail that is sent, say only whole lines, and send a body
// only behind a 354.
func FuzzServer(f *testing.F) {
	for _, said := range serverBytes(f) {
		f.Add(said, true, true)
		f.Add(said, false, false)
	}
	f.Fuzz(func(t *testing.T, said []byte, pipelining, frame bool) {
		conn := &tape{says: bytes.NewReader(said)}
		c, err := smtp.Hello(t.Context(), conn, smtp.Options{Pipelining: pipelining, Frame: frame, ClearAuth: true})
		if err != nil {
			expectKind(t, err)
			return
		}
		expectKind(t, c.Login(t.Context(), "me", "secret"))
		mails := []*letter{newLetter("1"), newLetter("2"), newLetter("3")}
		for i, m := range mails {
			err := c.Offer(t.Context(), m)
			expectKind(t, err)
			if err != nil {
				continue
			}
			var next smtp.Mail
			if i+1 < len(mails) {
				next = mails[i+1]
			}
			a, err := c.Deliver(t.Context(), next)
			expectKind(t, err)
			if err == nil && a.Code/100 != 2 {
				t.Fatalf("sent with %d", a.Code)
			}
			if err != nil && !is[*reply.Refusal](err) && !c.Dead() {
				t.Fatalf("alive after %v", err)
			}
		}
		c.Close()
		wholeLines(t, conn.heard.Bytes())
		if n := bytes.Count(said, []byte("354")); n < bytes.Count(conn.heard.Bytes(), []byte("Subject: ")) {
			t.Fatalf("more bodies than the %d times the server may have said 354", n)
		}
	})
}

func expectKind(t *testing.T, err error) {
	t.Helper()
	if err != nil && kind(err) == "broken" {
		t.Fatalf("neither refusal nor lost nor doubt: %v", err)
	}
}

// wholeLines fails on a bare CR or LF and on a NUL.
func wholeLines(t *testing.T, wire []byte) {
	t.Helper()
	rest := bytes.ReplaceAll(wire, []byte("\r\n"), nil)
	if i := bytes.IndexAny(rest, "\r\n\x00"); i >= 0 {
		t.Fatalf("a bare line end left: %q", rest[max(0, i-20):min(len(rest), i+20)])
	}
	if len(wire) > 0 && !bytes.HasSuffix(wire, []byte("\r\n")) {
		t.Fatalf("half a line left: %q", wire[max(0, len(wire)-40):])
	}
}

// FuzzReply reads arbitrary bytes as a greeting.
func FuzzReply(f *testing.F) {
	for _, said := range serverBytes(f) {
		f.Add(said)
	}
	f.Add([]byte("220-\r\n220-\xff\xfe\r\n220\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		conn := &tape{says: bytes.NewReader(said)}
		_, err := smtp.Hello(t.Context(), conn, smtp.Options{})
		if err == nil {
			return
		}
		expectKind(t, err)
		if text := err.Error(); reply.Clean(text) != text {
			t.Errorf("%q could write to a terminal", text)
		}
	})
}

// FuzzEnvelope puts arbitrary addresses into commands.
func FuzzEnvelope(f *testing.F) {
	f.Add("a@example.com", "b@example.org")
	f.Add("", "b@example.org> NOTIFY=NEVER")
	f.Add("a@example.com>\r\nRSET", "李@example.org")
	f.Add("a b@example.com", "b\x00@example.org")
	commands := regexp.MustCompile(`^EHLO localhost\r\n(MAIL FROM:<[^<>\s]*> SIZE=[0-9]+( SMTPUTF8)?\r\nRCPT TO:<[^<>\s]+>\r\nDATA\r\n)?$`)
	f.Fuzz(func(t *testing.T, from, to string) {
		conn := &tape{says: strings.NewReader("220 mx\r\n250-mx\r\n250-PIPELINING\r\n250-SIZE\r\n250 SMTPUTF8\r\n250 ok\r\n250 ok\r\n354 go\r\n")}
		c, err := smtp.Hello(t.Context(), conn, smtp.Options{Pipelining: true})
		if err != nil {
			t.Fatal(err)
		}
		m := newLetter("1")
		m.from, m.to = from, to
		expectKind(t, c.Offer(t.Context(), m))
		if heard := conn.heard.String(); !commands.MatchString(heard) {
			t.Fatalf("the commands are %q", heard)
		}
	})
}
