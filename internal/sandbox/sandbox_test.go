package sandbox_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hongyan/internal/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inClear is a sandbox that can be talked to without TLS and logins.
var inClear = sandbox.Options{TLS: sandbox.Plain}

// mailTo sends one mail over a new connection in clear and returns the answers
// to MAIL, RCPT, DATA and the dot, as far as they came.
func mailTo(t *testing.T, s *sandbox.Server, to string) []string {
	t.Helper()
	c := textproto.NewConn(dial(t, s))
	defer c.Close()
	read := func() string { line, _ := c.ReadLine(); return line }
	read()
	c.PrintfLine("HELO a")
	read()
	var answers []string
	for _, words := range []string{"MAIL FROM:<you@example.com>", "RCPT TO:<" + to + ">", "DATA", letter} {
		c.PrintfLine("%s", words)
		answer := read()
		answers = append(answers, answer)
		if answer == "" || answer[0] > '3' {
			break
		}
	}
	return answers
}

const letter = "From: you@example.com\r\nMessage-ID: <1@example.com>\r\n\r\nhello\r\n."

func last(answers []string) string { return answers[len(answers)-1] }

func TestTheRecipientChoosesWhatHappens(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		to      string
		answers int // MAIL 1, RCPT 2, DATA 3, dot 4
		last    string
		taken   int
	}{
		{"li", 4, "250", 1},
		{"slow", 4, "250", 1},
		{"nobody", 2, "550 5.1.1", 0},
		{"NoBody+tag", 2, "550 5.1.1", 0},
		{"full", 2, "452 4.2.2", 0},
		{"greylist", 2, "451 4.7.1", 0},
		{"throttle", 2, "451 4.7.0", 0},
		{"content", 4, "554 5.7.1", 0},
		{"later", 4, "451 4.3.0", 0},
		{"early", 4, "554 5.7.1", 0},
		{"drop-before-dot", 3, "", 0},
		{"drop-in-body", 4, "", 0},
		{"drop-at-dot", 4, "", 0},
		{"drop-after-dot", 4, "", 1},
		{"reset-after-dot", 4, "250", 1},
		{"garbage", 4, "\x16\x03\x01 this is not SMTP", 1},
		{"endless", 4, "250-and another line", 1},
		{"421", 2, "421", 0},
		{"452+1", 2, "452", 0},
		{"999", 4, "250", 1},
	} {
		t.Run(c.to, func(t *testing.T) {
			t.Parallel()
			o := inClear
			o.Limits.Slow = time.Millisecond
			s := start(t, o)
			got := mailTo(t, s, c.to+"@example.com")
			if len(got) != c.answers || !strings.HasPrefix(last(got), c.last) || c.last == "" && last(got) != "" {
				t.Errorf("answers %q", got)
			}
			if s.Taken() != c.taken {
				t.Errorf("taken %d, want %d", s.Taken(), c.taken)
			}
		})
	}
}

func TestGreylistingEndsWithTime(t *testing.T) {
	t.Parallel()
	o := inClear
	o.Limits.Grey = time.Hour
	s := start(t, o)
	mailTo(t, s, "greylist@example.com")
	if got := mailTo(t, s, "greylist@example.com"); last(got)[:3] != "451" {
		t.Errorf("too early: %q", got)
	}
	o.Limits.Grey = time.Nanosecond
	s = start(t, o)
	mailTo(t, s, "greylist@example.com")
	if got := mailTo(t, s, "greylist+2@example.com"); last(got)[:3] != "451" {
		t.Errorf("another address: %q", got)
	}
	if got := mailTo(t, s, "greylist@example.com"); last(got)[:3] != "250" {
		t.Errorf("in time: %q", got)
	}
}

func TestAThrottleIsOverAtTheSecondTry(t *testing.T) {
	t.Parallel()
	s := start(t, inClear)
	first, second := mailTo(t, s, "throttle@example.com"), mailTo(t, s, "throttle@example.com")
	if last(first)[:3] != "451" || last(second)[:3] != "250" {
		t.Errorf("first %q, second %q", first, second)
	}
}

func TestTheHookStepsInAtTheNthTime(t *testing.T) {
	t.Parallel()
	o := inClear
	o.Hook = func(stage sandbox.Stage, n int) sandbox.Action {
		if stage == sandbox.AtRcpt && n == 2 {
			return sandbox.Action{Reply: "450 second\n450 time", Drip: time.Microsecond}
		}
		return sandbox.Action{}
	}
	s := start(t, o)
	var got []string
	for range 3 {
		got = append(got, last(mailTo(t, s, "li@example.com"))[:3])
	}
	if want := []string{"250", "450", "250"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAMutedServerWaitsForTheClientToLeave(t *testing.T) {
	t.Parallel()
	s := start(t, inClear)
	raw := dial(t, s)
	c := textproto.NewConn(raw)
	c.PrintfLine("HELO a\r\nMAIL FROM:<you@example.com>\r\nRCPT TO:<mute@example.com>\r\nDATA\r\n%s", letter)
	for range 5 {
		c.ReadLine()
	}
	raw.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if line, err := c.ReadLine(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("heard %q, %v", line, err)
	}
	if s.Taken() != 1 {
		t.Error("it was to be taken")
	}
}

func TestAMailIsOnDiskBeforeItIsAnswered(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "mails")
	var found []string
	o := sandbox.Options{TLS: sandbox.Plain, Dir: dir, Sync: true, Hook: func(stage sandbox.Stage, _ int) sandbox.Action {
		if stage == sandbox.AtTaken {
			found = names(t, dir)
		}
		return sandbox.Action{}
	}}
	s := start(t, o)
	mailTo(t, s, "li/../x@example.com")
	if want := []string{"000001-li_.._x@example.com.eml", "accepted.log"}; !slices.Equal(found, want) {
		t.Errorf("found %q", found)
	}
	m := s.Mails()[0]
	data, err := m.Bytes()
	if err != nil || string(data) != strings.TrimSuffix(letter, ".") || m.Data != nil {
		t.Errorf("%q, %v, %q in memory", data, err, m.Data)
	}
	record, _ := os.ReadFile(filepath.Join(dir, "accepted.log"))
	fields := strings.Split(string(record), "\t")
	if len(fields) != 4 || fields[2] != "li/../x@example.com" || fields[3] != "1@example.com\n" {
		t.Errorf("record %q", record)
	}
	if _, err := time.Parse(time.RFC3339Nano, fields[0]); err != nil {
		t.Error(err)
	}
}

func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Error(err)
	}
	for _, f := range files {
		out = append(out, f.Name())
	}
	return out
}

func TestOnlyTheNewestMailsAreKeptAndNoneIsOverwritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := sandbox.Options{TLS: sandbox.Plain, Dir: dir, Keep: 2}
	for range 2 {
		s := start(t, o)
		mailTo(t, s, "x@example.com")
		mailTo(t, s, "a@example.com")
		mailTo(t, s, "b@example.com")
		if m := s.Mails(); len(m) != 2 || m[0].To[0] != "a@example.com" {
			t.Errorf("remembered %+v", m)
		}
	}
	if got, want := names(t, dir), []string{"000005-a@example.com.eml", "000006-b@example.com.eml", "accepted.log"}; !slices.Equal(got, want) {
		t.Errorf("kept %q", got)
	}
	record, _ := os.ReadFile(filepath.Join(dir, "accepted.log"))
	if n := strings.Count(string(record), "\n"); n != 6 {
		t.Errorf("%d lines in the record, want all 6", n)
	}
}

func TestAMailThatCannotBeKeptIsNotTaken(t *testing.T) {
	t.Parallel()
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skip("no /dev/full on this system")
	}
	dir := t.TempDir()
	s := start(t, sandbox.Options{TLS: sandbox.Plain, Dir: dir, Record: full})
	if got := mailTo(t, s, "li@example.com"); last(got) != "451 4.3.0 the mail could not be kept" {
		t.Errorf("answers %q", got)
	}
	if s.Taken() != 0 || len(names(t, dir)) != 0 {
		t.Errorf("taken %d, left %q", s.Taken(), names(t, dir))
	}
}

func TestOnlyLoopbackIsListenedOn(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:25"} {
		s, err := sandbox.New(sandbox.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Listen(t.Context(), addr); err == nil || !strings.Contains(err.Error(), "reached from outside") {
			t.Errorf("%s: %v", addr, err)
		}
	}
	s, _ := sandbox.New(sandbox.Options{Remote: true})
	if err := s.Listen(t.Context(), "0.0.0.0:0"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestAnUnknownProfileIsToldWithTheKnownOnes(t *testing.T) {
	t.Parallel()
	_, err := sandbox.New(sandbox.Options{Profile: "hotmail"})
	if err == nil || !strings.Contains(err.Error(), "gmail, netease, outlook, plain, qq") {
		t.Error(err)
	}
}

func TestTheEndOfTheServerEndsAllConnections(t *testing.T) {
	t.Parallel()
	s, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	idle := tls.Client(dial(t, s), &tls.Config{RootCAs: s.Roots(), ServerName: "127.0.0.1"})
	if _, err := bufio.NewReader(idle).ReadString('\n'); err != nil { // it has greeted
		t.Fatal(err)
	}
	shy := dial(t, s) // never begins its handshake
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, conn := range []net.Conn{idle, shy} {
		if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("still open: %v", err)
		}
	}
}

func TestASilentClientIsSentAway(t *testing.T) {
	t.Parallel()
	o := inClear
	o.Idle = 20 * time.Millisecond
	heard, err := io.ReadAll(dial(t, start(t, o)))
	if want := "220 sandbox.localhost ESMTP hongyan sandbox\r\n421 4.4.2 nothing was heard from you for too long\r\n"; string(heard) != want || err != nil {
		t.Errorf("%q, %v", heard, err)
	}
}

func TestTheThirdConnectionOfALoginIsOneTooMany(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Options{Profile: "outlook", Limits: sandbox.Limits{Connections: 2}})
	var answers []string
	for range 3 {
		conn := tls.Client(dial(t, s), &tls.Config{RootCAs: s.Roots(), ServerName: "127.0.0.1"})
		c := textproto.NewConn(conn)
		c.PrintfLine("EHLO a\r\nAUTH LOGIN eW91QG91dGxvb2suY29t\r\nYQ==\r\nMAIL FROM:<you@outlook.com>")
		c.PrintfLine("RCPT TO:<li@example.com>\r\nDATA\r\nFrom: you@outlook.com\r\n\r\n.")
		for range 14 { // greeting, 7 of EHLO, prompt, 235, MAIL, RCPT, DATA, dot
			line, err := c.ReadLine()
			if err != nil {
				t.Fatal(err)
			}
			answers = append(answers, line)
		}
	}
	if got := []string{answers[13][:3], answers[27][:3], answers[41]}; got[0] != "250" || got[1] != "250" ||
		got[2] != "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded" {
		t.Errorf("got %q", got)
	}
}

func TestManyConnectionsAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	const conns, each = 40, 25
	dir := t.TempDir()
	s := start(t, sandbox.Options{TLS: sandbox.Plain, Record: filepath.Join(dir, "accepted.log")})
	var all sync.WaitGroup
	for i := range conns {
		conn := dial(t, s)
		all.Go(func() {
			var words strings.Builder
			words.WriteString("HELO a\r\n")
			for j := range each {
				fmt.Fprintf(&words, "MAIL FROM:<you@example.com>\r\nRCPT TO:<c%d-%d@example.com>\r\nDATA\r\n%s\r\n", i, j, letter)
			}
			words.WriteString("QUIT\r\n")
			go io.WriteString(conn, words.String())
			heard, err := io.ReadAll(conn)
			if n := strings.Count(string(heard), "queued as"); n != each || err != nil {
				t.Errorf("%d queued, %v", n, err)
			}
		})
	}
	all.Wait()
	record, err := os.ReadFile(filepath.Join(dir, "accepted.log"))
	if err != nil || s.Taken() != conns*each || len(s.Mails()) != conns*each || s.Connections() != conns {
		t.Errorf("taken %d, remembered %d, connections %d, %v", s.Taken(), len(s.Mails()), s.Connections(), err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(record)) {
		seen[strings.Split(line, "\t")[2]] = true
	}
	if len(seen) != conns*each {
		t.Errorf("%d recipients in the record", len(seen))
	}
}

func TestCommandsInjectedBeforeTLSAreNotObeyed(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Options{TLS: sandbox.StartTLS})
	conn := dial(t, s)
	io.WriteString(conn, "EHLO a\r\nSTARTTLS\r\nMAIL FROM:<evil@example.com>\r\n")
	heard, _ := io.ReadAll(conn)
	if strings.Count(string(heard), "\r\n220 ") != 1 || strings.Contains(string(heard), "503") {
		t.Errorf("heard %q", heard)
	}
}

func TestABodyTooBigIsHeardOutAndRefused(t *testing.T) {
	t.Parallel()
	o := inClear
	o.Limits.Size = 100
	s := start(t, o)
	conn := dial(t, s)
	big := strings.Repeat("0123456789012345678\r\n", 5000)
	go io.WriteString(conn, "HELO a\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<li@example.com>\r\nDATA\r\n"+big+".\r\nQUIT\r\n")
	heard, _ := io.ReadAll(conn)
	if !strings.HasSuffix(string(heard), "\r\n552 5.3.4 the mail is too big\r\n221 2.0.0 bye\r\n") || s.Taken() != 0 {
		t.Errorf("heard %q", heard)
	}
}
