package postgrestest

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A Cost is what a server has done so far.
type Cost struct {
	CPU     time.Duration // of all its processes; 0 where there is no /proc
	Commits int64
}

// Cost says what the server has done since it was started.
func (s *Server) Cost(t testing.TB) Cost {
	t.Helper()
	commits, err := strconv.ParseInt(s.Do(t, "SELECT sum(xact_commit)::bigint FROM pg_stat_database"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return Cost{s.cpu(), commits}
}

// cpu adds up what the kernel says of the server and of those that it has
// started, also when they have ended.
func (s *Server) cpu() time.Duration {
	me := strconv.Itoa(s.proc.Process.Pid)
	all, _ := filepath.Glob("/proc/[0-9]*/stat") // only a bad pattern is an error
	ticks := 0
	for _, path := range all {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// Behind the name, in brackets: state, parent, …, utime, stime, and those
		// of children that have ended.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		switch {
		case filepath.Base(filepath.Dir(path)) == me:
			ticks += sum(fields[11:15])
		case fields[1] == me:
			ticks += sum(fields[11:13])
		}
	}
	return time.Duration(ticks) * time.Second / 100 // Linux tells hundredths
}

func sum(numbers []string) (total int) {
	for _, s := range numbers {
		n, _ := strconv.Atoi(s) // the kernel's own
		total += n
	}
	return total
}
