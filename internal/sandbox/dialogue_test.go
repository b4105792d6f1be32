package sandbox_test

import (
	"bufio"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hongyan/internal/sandbox"
)

// A dialogue is a script: what to set up, then C: lines that are said, S: lines
// that must be heard, B: bytes in hex, F: a line in its frame, TLS a handshake,
// END that the server has closed the connection.
func TestEveryDialogueGoesAsWritten(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob("testdata/dialogue/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			play(t, file)
		})
	}
}

func play(t *testing.T, file string) {
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	o, script := stage(t, string(src))
	s := start(t, o)
	a := &actor{t: t, file: file, s: s, raw: dial(t, s)}
	a.conn = a.raw
	if o.TLS == "" {
		a.secure()
	}
	a.in = bufio.NewReader(a.conn)
	for i, line := range script {
		a.line = i + 1
		a.do(line)
	}
}

// stage reads the lines that set the scene; they become empty, so that line
// numbers stay right.
func stage(t *testing.T, src string) (o sandbox.Options, script []string) {
	t.Helper()
	for line := range strings.Lines(src) {
		line = strings.TrimSuffix(line, "\n")
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "profile":
			o.Profile = rest
		case "tls":
			o.TLS = sandbox.Mode(rest)
		case "login":
			o.Username, o.Password, _ = strings.Cut(rest, " ")
		case "limit":
			o.Limits.Mails = number(t, rest)
		case "perconnection":
			o.Limits.PerConnection = number(t, rest)
		default:
			script = append(script, line)
			continue
		}
		script = append(script, "")
	}
	return o, script
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// an actor plays the client's part of a script.
type actor struct {
	t    *testing.T
	file string
	line int
	s    *sandbox.Server
	raw  net.Conn
	conn net.Conn
	in   *bufio.Reader
}

func (a *actor) do(line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "C:":
		a.say(strings.ReplaceAll(rest, `\r`, "\r"))
	case "S:":
		a.hear(rest)
	case "F:":
		n := len(rest) + 2
		a.bytes([]byte{0, 0, 0, byte(16 + n), 0, 0, 0, byte(n), 0, 0, 0, 0, 0, 0, 0, 0})
		a.hear(rest)
	case "B:":
		want, err := hex.DecodeString(strings.ReplaceAll(rest, " ", ""))
		if err != nil {
			a.fail("bad hex: %v", err)
		}
		a.bytes(want)
	case "TLS":
		a.secure()
		a.in = bufio.NewReader(a.conn)
	case "END":
		if b, err := a.in.ReadByte(); !errors.Is(err, io.EOF) {
			a.fail("want the end, got %q, %v", b, err)
		}
	case "", "#":
	default:
		a.fail("what is %q?", line)
	}
}

func (a *actor) say(line string) {
	if _, err := io.WriteString(a.conn, line+"\r\n"); err != nil {
		a.fail("%v", err)
	}
}

func (a *actor) hear(want string) {
	got, err := a.in.ReadString('\n')
	if got != want+"\r\n" {
		a.fail("\n got %q, %v\nwant %q", got, err, want)
	}
}

func (a *actor) bytes(want []byte) {
	got := make([]byte, len(want))
	if _, err := io.ReadFull(a.in, got); err != nil || string(got) != string(want) {
		a.fail("\n got % x, %v\nwant % x", got, err, want)
	}
}

func (a *actor) secure() {
	conn := tls.Client(a.raw, &tls.Config{RootCAs: a.s.Roots(), ServerName: "localhost"})
	if err := conn.Handshake(); err != nil {
		a.fail("%v", err)
	}
	a.conn = conn
}

func (a *actor) fail(format string, args ...any) {
	a.t.Helper()
	a.t.Fatalf("%s:%d: "+format, append([]any{a.file, a.line}, args...)...)
}

// start runs a sandbox until the test is over.
func start(t *testing.T, o sandbox.Options) *sandbox.Server {
	t.Helper()
	s, err := sandbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(t.Context()) }() // t.Context ends just before the clean-up
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

func dial(t *testing.T, s *sandbox.Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}
