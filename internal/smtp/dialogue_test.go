package smtp_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hongyan/internal/reply"
	"hongyan/internal/smtp"
)

var update = flag.Bool("update", false, "write the golden outcomes anew")

// A dialogue script has a line for each thing that happens:
//
//	! frame pipelining clear   what the client is told
//	* offer 1                  what the client is asked to do:
//	                           hello, starttls, login, offer N, deliver [N], cancel, close
//	= sent: 250 OK             what comes of it (golden, see -update)
//	> MAIL FROM:<a@b>          what the client says; "[body N]", "[part of N]", "[end]" are words for
//	                           a body with its dot, the beginning of a body, and a client that hangs up
//	< 250 OK                   what the server says; "[close]", "[wait 9m59s]", "[tls]", "[endless]",
//	                           "[drip]" are words; \x00 escapes work; \ at the end: no line end
//
// One write of the client must hold all ">" lines up to the next "<" line.
type script struct {
	options smtp.Options
	acts    []string
	server  []string
}

func readScript(t *testing.T, src string) (s script) {
	t.Helper()
	for line := range strings.Lines(src) {
		line = strings.TrimRight(line, "\r\n")
		mark, rest, _ := strings.Cut(line, " ")
		switch mark {
		case "", "#", "=":
		case "!":
			s.options.Frame = strings.Contains(rest, "frame")
			s.options.Pipelining = strings.Contains(rest, "pipelining")
			s.options.ClearAuth = strings.Contains(rest, "clear")
		case "*":
			s.acts = append(s.acts, rest)
		case "<", ">":
			s.server = append(s.server, line)
		default:
			t.Fatalf("what is %q?", line)
		}
	}
	return s
}

func TestDialogues(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/dialogue/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no dialogues", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			t.Parallel()
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var outcomes []string
			synctest.Test(t, func(t *testing.T) { outcomes = play(t, readScript(t, string(src))) })
			got := withOutcomes(string(src), outcomes)
			if *update {
				if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(src) {
				t.Errorf("the outcomes differ (see -update); got\n%s", got)
			}
		})
	}
}

// withOutcomes puts the outcomes behind the acts they belong to.
func withOutcomes(src string, outcomes []string) string {
	var b strings.Builder
	for line := range strings.Lines(src) {
		if strings.HasPrefix(line, "= ") {
			continue
		}
		b.WriteString(line)
		if strings.HasPrefix(line, "* ") && len(outcomes) > 0 {
			b.WriteString("= " + outcomes[0] + "\n")
			outcomes = outcomes[1:]
		}
	}
	return b.String()
}

// play runs a script and returns an outcome for each act.
func play(t *testing.T, s script) []string {
	near, far := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- serve(far, s.server) }()
	var trace bytes.Buffer
	s.options.Helo, s.options.Trace = "me.example", &trace
	p := &player{t: t, conn: near, options: s.options, letters: map[string]*letter{}, ctx: t.Context()}
	var out []string
	for _, act := range s.acts {
		out = append(out, p.do(act)+life(p.c))
	}
	if p.c != nil {
		p.c.Close()
	}
	near.Close()
	if err := <-done; err != nil {
		t.Errorf("the server: %v\n%s", err, trace.String())
	}
	for _, secret := range []string{canary, "AGE", "Y2FuYXJ5"} {
		if strings.Contains(trace.String(), secret) {
			t.Errorf("the trace tells the secret:\n%s", trace.String())
		}
	}
	return out
}

const canary = "canary-7f3a"

type player struct {
	t       *testing.T
	ctx     context.Context
	conn    net.Conn
	options smtp.Options
	c       *smtp.Client
	letters map[string]*letter
}

func (p *player) letter(n string) *letter {
	if p.letters[n] == nil {
		p.letters[n] = newLetter(n)
		switch n {
		case "big":
			p.letters[n].padded(200_000)
		case "utf8":
			p.letters[n].to = "李@example.org"
		case "break":
			p.letters[n].to = "b@example.org>\r\nRCPT TO:<c@example.org"
		}
	}
	return p.letters[n]
}

func (p *player) do(act string) string {
	verb, arg, _ := strings.Cut(act, " ")
	switch verb {
	case "hello":
		c, err := smtp.Hello(p.ctx, p.conn, p.options)
		p.c = c
		return outcome(reply.Answer{}, err)
	case "starttls":
		return outcome(reply.Answer{}, p.c.StartTLS(p.ctx, &tls.Config{RootCAs: pool(p.t), ServerName: "mx.example"}))
	case "login":
		return outcome(reply.Answer{}, p.c.Login(p.ctx, "a@example.com", canary))
	case "offer":
		return outcome(reply.Answer{}, p.c.Offer(p.ctx, p.letter(arg)))
	case "deliver":
		var next smtp.Mail
		if arg != "" {
			next = p.letter(arg)
		}
		a, err := p.c.Deliver(p.ctx, next)
		return outcome(a, err)
	case "announced":
		return fmt.Sprint(p.c.Extensions())
	case "close":
		return outcome(reply.Answer{}, p.c.Close())
	case "cancel":
		return p.cancel(arg)
	}
	p.t.Fatalf("do what? %q", act)
	return ""
}

// cancel has the acts that follow interrupted after a while.
func (p *player) cancel(after string) string {
	d, err := time.ParseDuration(after)
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeoutCause(p.ctx, d, io.ErrNoProgress)
	p.t.Cleanup(cancel)
	p.ctx = ctx
	return "ok"
}

// A host plays the server's side of a script.
type host struct {
	conn net.Conn
	r    *bufio.Reader
}

func serve(conn net.Conn, lines []string) error {
	h := &host{conn: conn, r: bufio.NewReaderSize(conn, 1<<20)}
	defer func() { h.conn.Close() }()
	for _, line := range lines {
		play := h.say
		if line[0] == '>' {
			play = h.expect
		}
		if err := play(line[2:]); err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
		if line == "< [close]" {
			return nil
		}
	}
	h.conn.SetReadDeadline(time.Now().Add(time.Hour))
	if rest, _ := io.ReadAll(h.r); len(rest) > 0 && !bytes.Equal(rest, []byte("QUIT\r\n")) {
		return fmt.Errorf("the client said more: %q", rest)
	}
	return nil
}

func (h *host) expect(want string) error {
	if n, ok := word(want, "[body "); ok {
		want = newLetter(n).text() + ".\r\n"
	} else if n, ok := word(want, "[part of "); ok {
		want = newLetter(n).wire2()
	} else if want == "[end]" {
		want = ""
		if b, err := h.r.ReadByte(); err == nil {
			return fmt.Errorf("the client said more: %q", b)
		}
	} else {
		want += "\r\n"
	}
	got := make([]byte, len(want))
	n, err := io.ReadFull(h.r, got)
	if string(got[:n]) != want {
		return fmt.Errorf("the client said %q (%v)", got[:n], err)
	}
	return nil
}

// wire2 is the first segment of a body.
func (l *letter) wire2() string { return string(l.wire[0]) }

func word(s, head string) (string, bool) {
	s, ok := strings.CutPrefix(s, head)
	return strings.TrimSuffix(s, "]"), ok
}

func (h *host) say(what string) error {
	if d, ok := word(what, "[wait "); ok {
		pause, err := time.ParseDuration(d)
		<-time.After(pause)
		return err
	}
	switch what {
	case "[close]":
		return nil
	case "[tls]":
		secured := tls.Server(h.conn, &tls.Config{Certificates: []tls.Certificate{certificate()}})
		h.conn, h.r = secured, bufio.NewReaderSize(secured, 1<<20)
		return secured.Handshake()
	case "[endless]":
		return h.flood("250-and so on\r\n", 0)
	case "[line without end]":
		return h.flood("and so on, ", 0)
	case "[drip]":
		return h.flood("2", time.Second)
	}
	text := what + "\r\n"
	if before, ok := strings.CutSuffix(what, `\`); ok {
		text = before
	}
	raw, err := strconv.Unquote(`"` + strings.ReplaceAll(text, "\r\n", `\r\n`) + `"`)
	if err != nil {
		return err
	}
	_, err = io.WriteString(h.conn, raw)
	return err
}

// flood says a thing again and again until the client hangs up.
func (h *host) flood(what string, every time.Duration) error {
	for {
		if _, err := io.WriteString(h.conn, what); err != nil {
			return nil
		}
		<-time.After(every)
	}
}
