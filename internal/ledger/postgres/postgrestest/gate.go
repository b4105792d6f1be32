package postgrestest

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// A Gate is the way to the database, which can be shut: then what is under way
// gets no answer, and nobody gets through, until it opens again.
type Gate struct {
	net.Listener
	server string
	mu     sync.Mutex
	shut   bool
	conns  map[net.Conn]bool
	wg     sync.WaitGroup
}

// NewGate opens a gate to a server.
func NewGate(t testing.TB, server *Server) *Gate {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &Gate{Listener: l, server: server.Addr(), conns: map[net.Conn]bool{}}
	g.wg.Go(g.accept)
	t.Cleanup(func() { l.Close(); g.Shut(true); g.wg.Wait() })
	return g
}

func (g *Gate) accept() {
	for {
		c, err := g.Accept()
		if err != nil {
			return
		}
		up, err := net.Dial("tcp", g.server)
		if err != nil || !g.enter(c, up) {
			c.Close()
			continue
		}
		g.wg.Go(func() { io.Copy(up, c); up.Close() })
		g.wg.Go(func() { io.Copy(c, up); c.Close() })
	}
}

func (g *Gate) enter(pair ...net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range pair {
		if g.shut {
			c.Close()
		}
		g.conns[c] = true
	}
	return !g.shut
}

// Shut shuts the gate, or opens it again.
func (g *Gate) Shut(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = shut
	for c := range g.conns {
		c.Close()
		delete(g.conns, c)
	}
}

// Through is the URL of a place by way of the gate.
func (g *Gate) Through(url string) string {
	return strings.Replace(url, g.server, g.Addr().String(), 1)
}
