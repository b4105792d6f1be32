package main

import "runtime/debug"

// relieve gives back to the system what was needed until here and is free now.
func relieve() {
	debug.FreeOSMemory()
	unread()
}
