package sender

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAPeerThatIsGoneIsGivenUpAfterAMinute(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := New(Account{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port})
	conn, err := s.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var ms int
	var failed error
	if err := raw.Control(func(fd uintptr) { ms, failed = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT) }); err != nil {
		t.Fatal(err)
	}
	if failed != nil || ms != 60_000 {
		t.Errorf("TCP_USER_TIMEOUT is %d ms, %v", ms, failed)
	}
}
