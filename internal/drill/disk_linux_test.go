package drill_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestAFullDiskForgetsNothing sends from a file system that really is full in
// the end, and goes on when there is room again.
func TestAFullDiskForgetsNothing(t *testing.T) {
	t.Parallel()
	const recipients = 3000
	w := newWitness(t)
	d := newDesk(t, to(w, 2), addresses(recipients)...)
	mount(t, d.state(), 0, "size=1m")
	for room := 1; ; room *= 2 {
		code, said := d.do(t, "send", "--yes", "drill.yaml")
		w.quiet()
		taken, err := w.taken()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d MiB: exit code %d, %d mails taken", room, code, len(taken))
		if room == 1 && code != 1 {
			t.Fatalf("the disk never was full: exit code %d:\n%s", code, said)
		}
		mount(t, d.state(), syscall.MS_REMOUNT, fmt.Sprintf("size=%dm", 2*room))
		if code == 1 && room < 64 {
			continue
		}
		if _, totals := d.read(t, taken); code != 0 && code != 3 || totals.Sent+totals.InDoubt != recipients || len(taken) < totals.Sent {
			t.Fatalf("exit code %d, %+v:\n%s", code, totals, said)
		}
		return
	}
}

// TestAReadOnlyDiskSendsNothing says so before anything leaves.
func TestAReadOnlyDiskSendsNothing(t *testing.T) {
	t.Parallel()
	w := newWitness(t)
	d := newDesk(t, to(w, 1), addresses(3)...)
	mount(t, d.state(), 0, "size=8m")
	mount(t, d.state(), syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
	code, said := d.do(t, "send", "--yes", "drill.yaml")
	if code != 1 || !strings.Contains(said, "read-only") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	if taken, err := w.taken(); err != nil || len(taken) > 0 {
		t.Errorf("%d mails were taken (%v)", len(taken), err)
	}
}

// mount puts a file system in memory at dir, or changes the one there; who may
// not do that skips the test, and CI may.
func mount(t *testing.T, dir string, flags uintptr, options string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	err := syscall.Mount("drill", dir, "tmpfs", flags, options)
	if flags&syscall.MS_REMOUNT == 0 && errors.Is(err, syscall.EPERM) {
		t.Skip("file systems may not be mounted here")
	}
	if err != nil {
		t.Fatal(err)
	}
	if flags&syscall.MS_REMOUNT == 0 {
		t.Cleanup(func() {
			if err := syscall.Unmount(dir, 0); err != nil {
				t.Error(err)
			}
		})
	}
}
