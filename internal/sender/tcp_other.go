//go:build !linux

package sender

import "syscall"

// limitSilence leaves the connection to the system's own patience.
func limitSilence(syscall.RawConn) error { return nil }
