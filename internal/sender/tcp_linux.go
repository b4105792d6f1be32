package sender

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// limitSilence has the kernel give a connection up when what we sent stays
// unacknowledged for userTimeout (tcp(7)), instead of after some 15 minutes. A
// server that is merely slow to answer acknowledges, and is waited for.
func limitSilence(c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return failed
}
