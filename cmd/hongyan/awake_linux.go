package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// awake is a steady clock that goes on while the machine sleeps (clock_gettime(2)).
func awake() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0 // a clock that stands still is safe: no time passes by it
	}
	return time.Duration(ts.Nano())
}
