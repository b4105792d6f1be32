package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A pseudo is a terminal of ours, with a command at it (pty(7)).
type pseudo struct {
	t    *testing.T
	desk *os.File
	fd   int // of the desk
	cmd  *exec.Cmd

	mu    sync.Mutex
	shown bytes.Buffer
	read  chan struct{} // closed when nothing more will be shown
}

// atTerminal starts the program in a folder, at a terminal of its own.
func atTerminal(t *testing.T, dir string, args ...string) *pseudo {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	desk := os.NewFile(uintptr(fd), "/dev/ptmx")
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	screen, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	p := &pseudo{t: t, desk: desk, fd: fd, cmd: program(t.Context(), dir, args...), read: make(chan struct{})}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = screen, screen, screen
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.watch()
	t.Cleanup(func() { desk.Close() })
	return p
}

func (p *pseudo) watch() {
	defer close(p.read)
	piece := make([]byte, 4<<10)
	for {
		n, err := p.desk.Read(piece)
		p.mu.Lock()
		p.shown.Write(piece[:n])
		p.mu.Unlock()
		if err != nil { // EIO when the last program has left the terminal
			return
		}
	}
}

func (p *pseudo) screen() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shown.String()
}

func (p *pseudo) shows(text string) {
	p.t.Helper()
	eventually(p.t, "shown: "+text, func() bool { return strings.Contains(p.screen(), text) })
}

func (p *pseudo) press(key string) {
	p.t.Helper()
	if _, err := io.WriteString(p.desk, key); err != nil {
		p.t.Fatal(err)
	}
}

// echoes reports whether the terminal shows what is typed.
func (p *pseudo) echoes() bool {
	p.t.Helper()
	state, err := unix.IoctlGetTermios(p.fd, unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// exitOf waits for the end of a command.
func exitOf(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0
}

// mailing is a folder from which 40 mails leave to the sandbox, five a second.
func mailing(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range letterFiles(40) {
		put(t, filepath.Join(dir, name), strings.Replace(text, "per_second: 20", "gap: 200ms", 1))
	}
	return dir
}

const interrupt = "\x03"

func TestTheFirstInterruptEndsWhatIsNotSending(t *testing.T) {
	t.Parallel()
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	dir := mailing(t)
	put(t, filepath.Join(dir, "silent.yaml"), fmt.Sprintf(
		"accounts:\n  silent: {provider: custom, host: 127.0.0.1, port: %d, tls: none, address: a@example.com}\n", silent.Addr().(*net.TCPAddr).Port))
	for _, c := range []struct{ line, at string }{
		{"send campaigns/news.yaml", "[y/N]"},
		{"password", "Password:"},
		{"account test --config silent.yaml silent", ""},
	} {
		p := atTerminal(t, dir, strings.Fields(c.line)...)
		if c.at == "" {
			conn, err := silent.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
		}
		p.shows(c.at)
		pressed := time.Now()
		p.press(interrupt)
		code := exitOf(t, p.cmd)
		if took := time.Since(pressed); took >= grace {
			t.Errorf("%s: it took %v", c.line, took)
		}
		if !p.echoes() {
			t.Errorf("%s: the terminal does not show any more what is typed", c.line)
		}
		<-p.read
		if strings.Contains(p.screen(), "Stopping after") {
			t.Errorf("%s: nothing is in flight:\n%s", c.line, p.screen())
		}
		if code != exitInterrupted {
			t.Errorf("%s: exit code %d\n%s", c.line, code, p.screen())
		}
	}
}

func TestAClosedTerminalEndsARunAfterTheMailInFlight(t *testing.T) {
	t.Parallel()
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP) // what is caught here is not ignored there, even if nohup runs the tests
	defer signal.Stop(hup)
	dir := mailing(t)
	p := atTerminal(t, dir, "send", "--yes", "campaigns/news.yaml")
	captured(t, dir, 2)
	p.desk.Close()
	if code := exitOf(t, p.cmd); code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
	whole(t, dir)
}

func TestAReaderWhoGoesAwayEndsARunAfterTheMailInFlight(t *testing.T) {
	t.Parallel()
	dir := mailing(t)
	cmd := program(t.Context(), dir, "send", "--yes", "--log-level", "debug", "campaigns/news.yaml")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	drained := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, r) // until it is closed
		close(drained)
	}()
	captured(t, dir, 2)
	r.Close()
	<-drained
	if code := exitOf(t, cmd); code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
	whole(t, dir)
}

func TestWhoIgnoresTheEndOfTheTerminalGoesOn(t *testing.T) {
	t.Parallel()
	dir := mailing(t)
	cmd := program(t.Context(), dir)
	cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", "trap '' HUP; exec hongyan send --yes campaigns/news.yaml"} // as nohup does
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	captured(t, dir, 2)
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	captured(t, dir, 10)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := exitOf(t, cmd); code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
}

// captured waits until the sandbox has taken n mails.
func captured(t *testing.T, dir string, n int) {
	t.Helper()
	eventually(t, "that many were sent", func() bool {
		found, err := filepath.Glob(filepath.Join(dir, "state", "sandbox", "sandbox", "*.eml"))
		return err == nil && len(found) >= n
	})
}

// whole checks that a run ended before its work and left nothing in doubt.
func whole(t *testing.T, dir string) {
	t.Helper()
	said, err := program(t.Context(), dir, "verify").Output()
	if err != nil || strings.Contains(string(said), "in-doubt") || strings.Contains(string(said), "sending") || !strings.Contains(string(said), "queued") {
		t.Errorf("%s, %v", said, err)
	}
}
