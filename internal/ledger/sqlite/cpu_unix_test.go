//go:build unix

package sqlite_test

import (
	"syscall"
	"testing"
	"time"
)

// cpu is what this process has had of the cores.
func cpu(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
