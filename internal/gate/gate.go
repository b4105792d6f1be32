// Package gate keeps connections of ours from leading to what is not public,
// whatever a name resolves to and wherever a redirect leads.
package gate

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// A Private error is an address that is not public and so was not dialled.
type Private struct{ Address netip.Addr }

func (e *Private) Error() string { return fmt.Sprintf("%s is not a public address", e.Address) }

// A Gate stands before every connect, as the Control of a net.Dialer: it sees
// the very address that is dialled, so that no name can resolve to one thing
// for the check and to another for the dial (DNS rebinding), and no redirect
// can lead inside. Its prefixes are let through though they are not public.
type Gate []netip.Prefix

// Control refuses with a [Private] error.
func (g Gate) Control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dial %s: %w", address, err)
	}
	ip := at.Addr().WithZone("").Unmap()
	allowed := slices.ContainsFunc(g, func(p netip.Prefix) bool { return p.Contains(ip) })
	if !allowed && !public(ip) {
		return &Private{ip}
	}
	return nil
}

// public tells an address of the Internet from all others: loopback, private,
// shared, link-local, multicast, and those that IANA keeps for special purposes
// (RFC 6890). An IPv4 address wrapped into one of IPv6 is looked at itself.
func public(ip netip.Addr) bool {
	if inner, ok := wrapped(ip); ok {
		return public(inner)
	}
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, special := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		if netip.MustParsePrefix(special).Contains(ip) {
			return false
		}
	}
	return true
}

// wrapped returns the IPv4 address inside an IPv4-mapped address, one of NAT64
// (RFC 6052) or of 6to4 (RFC 3056).
func wrapped(ip netip.Addr) (netip.Addr, bool) {
	b := ip.As16()
	switch {
	case ip.Is4In6():
		return ip.Unmap(), true
	case netip.MustParsePrefix("64:ff9b::/96").Contains(ip):
		return netip.AddrFrom4([4]byte(b[12:])), true
	case netip.MustParsePrefix("2002::/16").Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}
