package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A cost is what one run of a program took.
type cost struct {
	wall, cpu  time.Duration
	first      time.Duration // until the server had the first mail
	peak, file int64         // bytes: of memory at most, and of its own file in it
}

// each is the processor's time for one of n, in µs.
func (c cost) each(n int) float64 { return float64(c.cpu.Microseconds()) / float64(n) }

func (c cost) plus(d cost) cost { return cost{wall: c.wall + d.wall, cpu: c.cpu + d.cpu} }

// run runs the program to its end.
func (b *bench) run(ctx context.Context, args ...string) (cost, error) {
	cmd := exec.CommandContext(ctx, b.program, args...)
	return finish(cmd, func() error { return nil })
}

func (b *bench) send(ctx context.Context, c campaign) (cost, error) {
	return b.run(ctx, "--config", c.config, "send", "--yes", c.file)
}

// sendUntil also notes when the sink had the first mail, and interrupts the
// program when the sink has had so many; 0 lets it go on to its end.
func (b *bench) sendUntil(ctx context.Context, c campaign, s *sink, most int) (cost, error) {
	cmd := exec.CommandContext(ctx, b.program, "--config", c.config, "send", "--yes", c.file)
	var first time.Duration
	var file int64
	got, err := finish(cmd, func() error {
		begun, had := time.Now(), s.taken.Load()
		for {
			time.Sleep(5 * time.Millisecond) // measuring is polling: nothing here may cost the program time
			if first == 0 && s.taken.Load() > had {
				first = time.Since(begun)
			}
			n := ownFile(cmd.Process.Pid)
			if n == 0 {
				return nil // it has ended
			}
			file = max(file, n)
			if most > 0 && s.taken.Load()-had >= int64(most) {
				most = 0
				if err := cmd.Process.Signal(os.Interrupt); err != nil {
					return err
				}
			}
		}
	})
	got.first, got.file = first, file
	return got, err
}

// ownFile is how much of the program's file is in memory; 0 when it has ended.
func ownFile(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, found := bytes.Cut(status, []byte("RssFile:"))
	if !found {
		return 0
	}
	kb, _, _ := strings.Cut(strings.TrimSpace(string(rest)), " ")
	n, err := strconv.ParseInt(kb, 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}

// finish starts a program, does something beside it, and says what it took. An
// interrupted or a not quite lucky end (3, 4, 130) is an end.
func finish(cmd *exec.Cmd, beside func() error) (cost, error) {
	var said bytes.Buffer
	cmd.Stderr = &said
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return cost{}, err
	}
	aside := beside()
	err := cmd.Wait()
	got := cost{wall: time.Since(begun), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		got.peak = usage.Maxrss << 10
	}
	if code := cmd.ProcessState.ExitCode(); code == 3 || code == 4 || code == 130 {
		err = nil
	}
	if err != nil {
		return got, fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, said.String())
	}
	return got, aside
}

// A figure is one of go test's own.
type figure struct{ ns, allocs float64 }

var benchLine = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op(?:.*?(\d+) allocs/op)?`)

// goBench runs benchmarks with go test's flags and keeps the best of each: what
// disturbs only adds.
func goBench(ctx context.Context, which string, flags ...string) (map[string]figure, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-run", "^$", "-bench", which, "-benchmem"}, flags...)...)
	cmd.Dir = filepath.Join("..", "..") // of the house, seen from the tools
	out, failed := cmd.Output()
	best := map[string]figure{}
	for _, m := range benchLine.FindAllStringSubmatch(string(out), -1) {
		ns, _ := strconv.ParseFloat(m[2], 64)     // digits, by the expression
		allocs, _ := strconv.ParseFloat(m[3], 64) // or nothing
		if had, ok := best[m[1]]; !ok || ns < had.ns {
			best[m[1]] = figure{ns, allocs}
		}
	}
	missed := strings.Contains(string(out), "--- FAIL: Benchmark") // a bound of its own; its figures are good
	if len(best) == 0 || failed != nil && !missed {
		return nil, errors.Join(failed, errors.New(string(out)))
	}
	return best, nil
}
