package gate_test

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"hongyan/internal/gate"
)

func control(g gate.Gate, address string) error {
	return g.Control("tcp", net.JoinHostPort(address, "443"), nil)
}

func TestWhatIsPublicIsDialled(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"8.8.8.8", "172.32.0.1", "100.128.0.1", "192.169.0.1", "240e::1", "2400:3200::1", "::ffff:8.8.8.8", "64:ff9b::808:808"} {
		if err := control(nil, address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestWhatIsNotPublicIsNotDialled(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
		"::1", "::", "fe80::1", "fe80::1%eth0", "fd12::1", "2001:db8::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:c0a8:101::1",
	} {
		err := control(nil, address)
		if private, ok := errors.AsType[*gate.Private](err); !ok {
			t.Errorf("%s: %v", address, err)
		} else if private.Error() == "" {
			t.Error("no words for", address)
		}
	}
}

func TestWhatIsAllowedIsDialled(t *testing.T) {
	t.Parallel()
	g := gate.Gate{netip.MustParsePrefix("127.0.0.0/8")}
	if err := control(g, "127.0.0.1"); err != nil {
		t.Error(err)
	}
	if err := control(g, "10.0.0.1"); err == nil {
		t.Error("another network was dialled")
	}
	if err := g.Control("tcp", "no address", nil); err == nil {
		t.Error("something that is no address was dialled")
	}
}
