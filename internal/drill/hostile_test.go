package drill_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/sandbox"
)

// serve starts a sandbox that ends with the test.
func serve(t *testing.T, o sandbox.Options) *sandbox.Server {
	t.Helper()
	s, err := sandbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	if err := s.Listen(ctx, ""); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s
}

// at is the account that a sandbox serves; more settings may follow.
func at(s *sandbox.Server, more string) string {
	port := s.Addr()[strings.LastIndexByte(s.Addr(), ':')+1:]
	return fmt.Sprintf("provider: custom, host: 127.0.0.1, port: %s, address: a@example.com, %s", port, more)
}

// mailsOf is what the sandbox took, by recipient.
func mailsOf(s *sandbox.Server) map[string][]string {
	taken := map[string][]string{}
	for _, m := range s.Mails() {
		for _, to := range m.To {
			taken[to] = append(taken[to], m.ID)
		}
	}
	return taken
}

// TestWhatAServerDoesToOneMail sends to a recipient with whom the server plays
// a trick, and to one with whom it does not. The trick decides what becomes of
// its own recipient and of nobody else, and what the server took and what the
// ledger says never disagree.
func TestWhatAServerDoesToOneMail(t *testing.T) {
	t.Parallel()
	s := serve(t, sandbox.Options{TLS: sandbox.Plain, Limits: sandbox.Limits{Grey: time.Hour, Slow: time.Second}})
	for _, c := range []struct {
		trick string
		state ledger.State
		code  int
	}{
		{"anybody", ledger.Sent, 0},
		{"slow", ledger.Sent, 0},
		{"nobody", ledger.Refused, 3},
		{"550", ledger.Refused, 3},
		{"content", ledger.Refused, 3},
		{"early", ledger.Refused, 3}, // an answer within the body is an answer
		{"full", ledger.Deferred, 4},
		{"greylist", ledger.Deferred, 4},
		{"later", ledger.Deferred, 4},
		{"tarpit", ledger.Deferred, 4},
		{"450", ledger.Deferred, 4},
		{"421", ledger.Deferred, 4},
		{"throttle", ledger.Deferred, 4},
		{"drop-before-dot", ledger.Deferred, 4}, // after DATA, before the body
		{"drop-in-body", ledger.InDoubt, 3},     // a small body may be there whole
		{"drop-at-dot", ledger.InDoubt, 3},      // not taken, but who knows
		{"drop-after-dot", ledger.InDoubt, 3},   // taken, but who knows
		{"garbage", ledger.InDoubt, 3},
		{"endless", ledger.InDoubt, 3},
	} {
		t.Run(c.trick, func(t *testing.T) {
			t.Parallel()
			tricked, other := c.trick+"@trick.example", c.trick+"-not@example.com"
			d := newDesk(t, at(s, "tls: none"), other, tricked)
			code, said := d.do(t, "send", "--yes", "--no-wait", "drill.yaml")
			b, _ := d.read(t, onlyOf(mailsOf(s), tricked, other))
			if code != c.code || b.state(tricked) != c.state || b.state(other) != ledger.Sent {
				t.Errorf("exit code %d, %s for %s, %s for the other\n%s", code, b.state(tricked), c.trick, b.state(other), said)
			}
		})
	}
}

func onlyOf(taken map[string][]string, names ...string) map[string][]string {
	out := map[string][]string{}
	for to, ids := range taken {
		if slices.Contains(names, to) {
			out[to] = ids
		}
	}
	return out
}

func (b books) state(address string) ledger.State {
	for _, e := range b.entries {
		if e.Address == address {
			return e.State
		}
	}
	return ""
}

// TestWhatAServerDoesToEverybody meets servers to which nothing may be
// entrusted, and servers that refuse before anybody is named: nobody is mailed,
// nobody is blamed, and the exit code says who has to act.
func TestWhatAServerDoesToEverybody(t *testing.T) {
	t.Parallel()
	const login = `tls: implicit, ca_file: ca.pem, secret: "env:CODE"`
	answers := func(stage sandbox.Stage, a sandbox.Action) func(sandbox.Stage, int) sandbox.Action {
		return func(at sandbox.Stage, _ int) sandbox.Action {
			if at == stage {
				return a
			}
			return sandbox.Action{}
		}
	}
	for _, c := range []struct {
		name    string
		server  sandbox.Options
		account string
		code    int
		says    string
	}{
		{"no STARTTLS", sandbox.Options{TLS: sandbox.Plain}, `tls: starttls, ca_file: ca.pem, secret: "env:CODE"`, 1, "does not offer STARTTLS"},
		{"STARTTLS refused", sandbox.Options{TLS: sandbox.StartTLS, Hook: answers(sandbox.AtStartTLS, sandbox.Action{Reply: "454 not now"})}, `tls: starttls, ca_file: ca.pem, secret: "env:CODE"`, 4, "454"},
		{"no TLS at all", sandbox.Options{TLS: sandbox.Plain}, login, 1, "does not speak TLS"},
		{"a certificate of nobody", sandbox.Options{}, `tls: implicit, secret: "env:CODE"`, 1, "certificate"},
		{"a certificate for another", sandbox.Options{}, login + ", server_name: mail.example.org", 1, "certificate"},
		{"TLS of long ago", sandbox.Options{MaxTLS: tls.VersionTLS10}, login, 1, "TLS"},
		{"a wrong code", sandbox.Options{Username: "a@example.com", Password: "another"}, login, 4, "535"},
		{"nobody is welcome", sandbox.Options{Hook: answers(sandbox.AtGreeting, sandbox.Action{Reply: "554 go away", Cut: sandbox.Close})}, login, 4, "554"},
		{"too busy", sandbox.Options{Hook: answers(sandbox.AtGreeting, sandbox.Action{Reply: "421 too busy", Cut: sandbox.Close})}, login, 4, "421"},
		{"another trade", sandbox.Options{Hook: answers(sandbox.AtGreeting, sandbox.Action{Reply: "HTTP/1.1 400 Bad Request", Cut: sandbox.Close})}, login, 4, ""},
		{"a greeting without end", sandbox.Options{Hook: answers(sandbox.AtGreeting, sandbox.Action{Reply: "220-and another line", Endless: true})}, login, 4, ""},
		{"an EHLO without end", sandbox.Options{Hook: answers(sandbox.AtEhlo, sandbox.Action{Reply: "250-X", Endless: true})}, login, 4, ""},
		{"hung up at once", sandbox.Options{Hook: answers(sandbox.AtConnect, sandbox.Action{Cut: sandbox.Reset})}, login, 4, ""},
		{"hung up at the login", sandbox.Options{Hook: answers(sandbox.AtAuth, sandbox.Action{Mute: true, Cut: sandbox.Drop})}, login, 4, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, c.server)
			d := newDesk(t, at(s, c.account), addresses(3)...)
			d.write(t, "ca.pem", string(s.PEM()))
			d.env = append(d.env, "CODE=canary-4711")
			code, said := d.do(t, "send", "--yes", "--no-wait", "drill.yaml")
			b, _ := d.read(t, mailsOf(s))
			if code != c.code || !strings.Contains(said, c.says) || s.Taken() > 0 {
				t.Errorf("exit code %d, %d taken:\n%s", code, s.Taken(), said)
			}
			for _, e := range b.entries {
				if e.State != ledger.Queued && e.State != ledger.Deferred || e.Attempts > 0 {
					t.Errorf("%s: %s after %d attempts", e, e.State, e.Attempts)
				}
			}
		})
	}
}
