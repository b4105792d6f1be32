package sender

import (
	"crypto/tls"
	"net"
	"strconv"
	"testing"
	"time"

	"hongyan/internal/sandbox"
)

func TestPausesGrowToTheCapWithFullJitter(t *testing.T) {
	t.Parallel()
	r := Retry{Base: time.Second, Cap: 5 * time.Minute}
	for _, c := range []struct {
		n    int
		luck float64
		want time.Duration
	}{
		{1, 0, 0},
		{1, 0.5, 500 * time.Millisecond},
		{2, 0.5, time.Second},
		{5, 0.25, 4 * time.Second},
		{9, 1, 256 * time.Second},
		{10, 1, 300 * time.Second},
		{31, 1, 300 * time.Second},
		{1000, 1, 300 * time.Second},
	} {
		if got := r.pause(c.n, c.luck); got != c.want {
			t.Errorf("after failure %d with luck %v: %v, want %v", c.n, c.luck, got, c.want)
		}
	}
}

func TestAClockSetBackMakesAConnectionOld(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		quiet time.Duration
		idle  time.Duration
		want  bool
	}{
		{30 * time.Second, time.Minute, false},
		{time.Minute, time.Minute, true},
		{-time.Second, time.Minute, true},
		{24 * time.Hour, 0, false},
	} {
		if got := stale(c.quiet, c.idle); got != c.want {
			t.Errorf("quiet for %v, idle limit %v: %v", c.quiet, c.idle, got)
		}
	}
}

func TestTheSecondConnectionResumesTheTLSSession(t *testing.T) {
	t.Parallel()
	server, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Listen(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Run(t.Context()) }()
	t.Cleanup(func() { <-done })
	host, port, _ := net.SplitHostPort(server.Addr())
	number, _ := strconv.Atoi(port)
	s := New(Account{Host: host, Port: number, Roots: server.Roots()})
	if _, err := s.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	var p Probe
	conn, err := tls.Dial("tcp", server.Addr(), s.config(&p))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if !conn.ConnectionState().DidResume || p.Subject != "CN=hongyan sandbox" {
		t.Errorf("resumed %v, %+v", conn.ConnectionState().DidResume, p)
	}
}
