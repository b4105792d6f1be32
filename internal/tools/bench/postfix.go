package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"
)

// postfix is where its two tools are. Only they are unpacked when they are
// missing; Postfix itself is never installed or started.
type postfix struct {
	bin string   // "" = in the path
	env []string // that they need
}

func findPostfix(ctx context.Context, dir string) (postfix, error) {
	if _, err := exec.LookPath("smtp-sink"); err == nil {
		return postfix{}, nil
	}
	fmt.Println("fetching smtp-sink and smtp-source from Debian's postfix package")
	fetch := exec.CommandContext(ctx, "sh", "-c", "apt-get download -qq postfix || { apt-get update -qq && apt-get download -qq postfix; } && dpkg -x postfix_*.deb postfix")
	fetch.Dir = dir
	if out, err := fetch.CombinedOutput(); err != nil {
		return postfix{}, fmt.Errorf("fetch Debian's postfix package: %w\n%s", err, out)
	}
	root, err := filepath.Abs(filepath.Join(dir, "postfix", "usr"))
	if err != nil {
		return postfix{}, err
	}
	env := append(os.Environ(), "LD_LIBRARY_PATH="+filepath.Join(root, "lib", "postfix"))
	return postfix{bin: filepath.Join(root, "sbin"), env: env}, nil
}

func (p postfix) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	if p.bin != "" {
		name = filepath.Join(p.bin, name)
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = p.env
	return cmd
}

// source sends mails of 4 KB and keeps its connections.
func (p postfix) source(ctx context.Context, addr string, sessions, mails int) (cost, error) {
	cmd := p.command(ctx, "smtp-source", "-4", "-d", "-s", strconv.Itoa(sessions), "-l", "4096", "-m", strconv.Itoa(mails),
		"-f", "a@bench.example", "-t", "b@bench.example", addr)
	return finish(cmd, func() error { return nil })
}

// A sink takes every mail and counts.
type sink struct {
	addr  string
	taken atomic.Int64
	stop  func()
}

func (p postfix) sink(ctx context.Context) (*sink, error) {
	addr, err := free()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	args := []string{"-c", addr, "1000"}
	if os.Getuid() == 0 {
		args = append([]string{"-u", "nobody"}, args...)
	}
	cmd := p.command(ctx, "smtp-sink", args...)
	counts, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, err
	}
	s := &sink{addr: addr}
	over := make(chan struct{})
	go func() { s.count(bufio.NewScanner(counts)); close(over) }()
	s.stop = func() { cancel(); <-over; _ = cmd.Wait() } // killed, as it has to be
	return s, answers(ctx, addr)
}

// count reads what smtp-sink -c writes after each mail: "sess=… quit=… mesg=…\r".
func (s *sink) count(lines *bufio.Scanner) {
	lines.Split(func(data []byte, _ bool) (int, []byte, error) {
		end := bytes.LastIndexByte(data, '\r')
		if end < 0 {
			return 0, nil, nil
		}
		return end + 1, data[:end], nil
	})
	for lines.Scan() {
		_, n, _ := bytes.Cut(lines.Bytes()[max(bytes.LastIndexByte(lines.Bytes(), '\r'), 0):], []byte("mesg="))
		if taken, err := strconv.ParseInt(string(bytes.TrimSpace(n)), 10, 64); err == nil {
			s.taken.Store(taken)
		}
	}
}

func free() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func answers(ctx context.Context, addr string) error {
	for range 100 {
		var d net.Dialer
		if conn, err := d.DialContext(ctx, "tcp", addr); err == nil {
			return conn.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("smtp-sink does not answer on " + addr)
}
