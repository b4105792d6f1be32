package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// unread lets go of what starting has read of the program's own file. A line at
// work needs a tenth of it, which comes back by itself (madvise(2), MADV_DONTNEED).
// Whatever is in the way, the program is larger than it need be, and that is all.
func unread() {
	own, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	var start, end uintptr
	for line := range strings.Lines(string(maps)) {
		fields := strings.Fields(line)
		if !strings.HasSuffix(fields[0], ":") { // the head of a mapping
			start, end = 0, 0
			if strings.HasPrefix(fields[1], "r") && !strings.Contains(fields[1], "w") && strings.HasSuffix(line, " "+own+"\n") {
				_, _ = fmt.Sscanf(fields[0], "%x-%x", &start, &end) // zeros if it cannot be read
			}
			continue
		}
		// What the loader has written into it would not come back.
		if fields[0] == "Anonymous:" && fields[1] == "0" && end > start {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, start, end-start, unix.MADV_DONTNEED)
		}
	}
}
