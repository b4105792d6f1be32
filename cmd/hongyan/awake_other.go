//go:build !linux

package main

import "time"

// awake is a steady clock. Where none is known that goes on while the machine
// sleeps, a sleep counts as no time at all: slow, but never too fast.
func awake() time.Duration { return time.Since(started) }

var started = time.Now()
