package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"
)

// logging is a door whose log goes to w.
func logging(t *testing.T, w io.Writer, args ...string) *door {
	t.Helper()
	d := newDoor(nil)
	d.err = w
	if err := newRoot(d).ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	log, err := d.logger()
	if err != nil {
		t.Fatal(err)
	}
	d.log = log
	return d
}

func TestTroubleIsNeverLeftOutOfTheLog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := logging(t, &out, "--log-level", "debug", "--log-format", "json", "--log-sample", "50")
	log := d.log.With("campaign", "c").WithGroup("g")
	for range 3000 {
		log.Debug("sent", "line", 7)
		log.Info("refused")
		log.Warn("broken")
	}
	for range 40 {
		d.log.Debug("other")
	}
	d.endLog()
	count := map[string]int{}
	for line := range strings.Lines(out.String()) {
		var entry struct{ Level, Msg, Campaign string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		count[entry.Level+" "+entry.Msg+" "+entry.Campaign]++
	}
	if count["INFO refused c"] != 3000 || count["WARN broken c"] != 3000 || count["DEBUG other "] != 40 {
		t.Errorf("%v", count)
	}
	if n := count["DEBUG sent c"]; n < 50+29 || n > 400 {
		t.Errorf("%d of 3000 were kept", n)
	}
}

// A stuck reader takes nothing until the test is over.
type stuck struct{ over <-chan struct{} }

func (s stuck) Write(p []byte) (int, error) {
	<-s.over
	return len(p), nil
}

func TestNoMailWaitsForWhoReadsTheLog(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	defer close(over)
	d := logging(t, stuck{over}, "--log-level", "info")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 3 * backlog {
			d.log.Info("settled")
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("the log waits for its reader")
	}
	begun := time.Now()
	d.spool.end()
	if time.Since(begun) > 20*lately {
		t.Error("the end waits for the reader")
	}
}

func TestLinesLeftOutAreCounted(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	over := make(chan struct{})
	s := newSpool(&slow{w: &out, wait: over})
	for range 3 * backlog {
		io.WriteString(s, "line\n")
	}
	close(over)
	missed := s.end()
	if written := int64(strings.Count(out.String(), "\n")); written+missed != 3*backlog || missed == 0 {
		t.Errorf("%d written and %d missed of %d", written, missed, 3*backlog)
	}
}

// A slow reader begins late.
type slow struct {
	w    io.Writer
	wait <-chan struct{}
}

func (s *slow) Write(p []byte) (int, error) {
	<-s.wait
	return s.w.Write(p)
}
