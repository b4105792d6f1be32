package unsubscribe

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/time/rate"
)

// The rate of one visitor. It is generous, since the servers of a large
// provider post for all of its users.
const (
	perSecond = 20
	burst     = 200
	visitors  = 4096 // remembered at once
)

// limits keep one visitor from wearing the others out.
type limits struct {
	mu   sync.Mutex
	seen map[netip.Prefix]*rate.Limiter
}

func newLimits() *limits { return &limits{seen: map[netip.Prefix]*rate.Limiter{}} }

func (l *limits) allow(who netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter := l.seen[who]
	if limiter == nil {
		if len(l.seen) >= visitors {
			clear(l.seen) // everybody starts anew; nothing grows without end
		}
		limiter = rate.NewLimiter(perSecond, burst)
		l.seen[who] = limiter
	}
	return limiter.Allow()
}

// client is who asks: an IPv4 address, or the /64 that one household of IPv6
// has. A proxy on this machine says for whom it asks.
func client(r *http.Request) netip.Prefix {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, _ := netip.ParseAddr(host) // invalid is one visitor too
	if addr.IsLoopback() {
		all := strings.Split(r.Header.Get("X-Forwarded-For"), ",")
		if told, err := netip.ParseAddr(strings.TrimSpace(all[len(all)-1])); err == nil {
			addr = told
		}
	}
	addr = addr.Unmap()
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits)
	return prefix
}
