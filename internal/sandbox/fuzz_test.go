package sandbox

import (
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzAnyClient says anything at all to the server. Whatever it hears are
// replies, and it is told "queued" exactly as often as a mail was kept.
func FuzzAnyClient(f *testing.F) {
	f.Add("EHLO a\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<li@b.c>\r\nDATA\r\nFrom: a@b.c\r\n\r\nhi\r\n.\r\nQUIT\r\n")
	f.Add("EHLO a\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<li@b.c>\r\nDATA\r\nFrom: a@b.c\r\n\r\n\r.\r\n.\r\r\n.\n.\r\n.\r\n")
	f.Add("HELO\r\nRCPT TO:<@>\r\nAUTH PLAIN =\r\nSTARTTLS\r\n\x00\r\n\n")
	f.Add("EHLO a\r\nMAIL FROM:<>SIZE=9\r\nMAIL FROM:<" + strings.Repeat("a", 70_000))
	reply := regexp.MustCompile(`^(\d{3}[ -][^\r\n]*\r\n)*$`)
	f.Fuzz(func(t *testing.T, words string) {
		if strings.Contains(strings.ToLower(words), "@") && special.MatchString(words) {
			t.Skip("a recipient that asks for trouble")
		}
		s, err := New(Options{TLS: Plain, Idle: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		client, server := net.Pipe()
		done := make(chan []byte)
		go func() { heard, _ := io.ReadAll(client); done <- heard }()
		go func() { s.serve(t.Context(), server, 1); server.Close() }()
		_, _ = io.WriteString(client, words) // the server may leave first
		_, _ = io.WriteString(client, "\r\n.\r\nQUIT\r\n")
		client.SetReadDeadline(time.Now().Add(3 * time.Second))
		heard := string(<-done)
		client.Close()
		if !reply.MatchString(heard) {
			t.Errorf("not replies: %q", heard)
		}
		if n := strings.Count(heard, "queued as"); n != s.Taken() {
			t.Errorf("told %d times, kept %d", n, s.Taken())
		}
	})
}

var special = regexp.MustCompile(`(?i)slow|tarpit|early|drop|reset|garbage|endless|mute`)

// FuzzPath: a path that is accepted has an address without brackets or blanks
// that stands in the line as it is.
func FuzzPath(f *testing.F) {
	for _, line := range []string{"FROM:<a@b> SIZE=1", "from: <>", "FROM:a@b", "FROM:<a b>", "FROM:<<a>>", "FROM:<a@b"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		address, _, ok := path(line, "FROM:")
		if ok && (strings.ContainsAny(address, "<> ") || !strings.Contains(line, "<"+address+">")) {
			t.Errorf("%q from %q", address, line)
		}
	})
}

// TestEveryProfileIsWhole: no reply is missing, each begins with a code, and
// each conduct stands at a stage that is reached.
func TestEveryProfileIsWhole(t *testing.T) {
	t.Parallel()
	stages := []Stage{AtMail, AtRcpt, AtData, AtBody, AtDot, AtTaken}
	code := regexp.MustCompile(`^[2-5]\d\d[ -]`)
	for _, name := range Profiles() {
		p, err := load(name)
		if err != nil {
			t.Fatal(err)
		}
		plain, _ := load("plain")
		for key, words := range p.Replies {
			if plain.Replies[key] == "" || !code.MatchString(words) {
				t.Errorf("%s: reply %s: %q", name, key, words)
			}
		}
		for _, words := range []string{p.Greeting, p.Helo, p.Limits.Rate.Reply, p.Limits.Connection.Reply, p.Limits.Connections.Reply} {
			if !code.MatchString(words) {
				t.Errorf("%s: %q", name, words)
			}
		}
		for who, c := range p.Recipients {
			if !slices.Contains(stages, c.At) || c.Action == (Action{}) {
				t.Errorf("%s: %s: %+v", name, who, c)
			}
		}
		for _, key := range p.Hangup {
			if p.Replies[key] == "" {
				t.Errorf("%s hangs up at %q, which is no reply", name, key)
			}
		}
	}
}
