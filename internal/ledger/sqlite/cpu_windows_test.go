package sqlite_test

import (
	"syscall"
	"testing"
	"time"
)

// cpu is what this process has had of the cores.
func cpu(b *testing.B) time.Duration {
	me, err := syscall.GetCurrentProcess()
	if err != nil {
		b.Fatal(err)
	}
	var born, ended, system, user syscall.Filetime
	if err := syscall.GetProcessTimes(me, &born, &ended, &system, &user); err != nil {
		b.Fatal(err)
	}
	return span(system) + span(user)
}

// span reads a length of time, which Windows counts in steps of 100 ns.
func span(t syscall.Filetime) time.Duration {
	return time.Duration(int64(t.HighDateTime)<<32|int64(t.LowDateTime)) * 100
}
