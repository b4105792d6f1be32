package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
)

// This file is how a command ends that somebody wants to end, or that nobody
// watches any more.

// grace is how long a command that was called off may take to put things down.
const grace = 5 * time.Second

// heed hears who wants the command to end. The first interrupt calls it off, or
// lets the mails in flight land where there are any; then the second calls it
// off. What does not end even so is hopeless. A terminal or a reader that has
// gone away counts as a first interrupt, however often it is told.
func (d *door) heed(cancel context.CancelFunc) (hopeless <-chan struct{}, deafen func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		signal.Notify(d.gone, syscall.SIGHUP)
	}
	late := make(chan struct{})
	go func() { // for as long as the process lives
		select {
		case <-signals:
		case <-d.gone:
		}
		close(d.interrupted)
		if d.flying.Load() {
			fmt.Fprintln(d.err, d.Say("Stopping after the mail in flight; press Ctrl-C again to stop at once."))
			<-signals
		}
		cancel()
		select {
		case <-signals:
		case <-time.After(grace):
		}
		close(late)
	}()
	return late, func() { signal.Stop(signals); signal.Stop(d.gone) }
}

// depart says that from here on mails may be in flight: neither the first
// interrupt nor a reader who has gone away may end the process before they have
// landed.
func (d *door) depart() {
	d.flying.Store(true)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // what is written then fails, and no more
}

// landed says that others have the mails.
func (d *door) landed() { d.flying.Store(false) }

// soft is ctx until the first interrupt.
func (d *door) soft(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancel(ctx)
	go func() {
		select {
		case <-d.interrupted:
			end()
		case <-ctx.Done():
		}
	}()
	return ctx, end
}

// typed is what a person types, unless there is an interrupt first: a terminal
// that is read from knows no context.
func (d *door) typed(read func() (string, error)) (text string, err error) {
	done := make(chan struct{})
	var got string
	var failed error
	go func() { // after an interrupt it ends with the process
		got, failed = read()
		close(done)
	}()
	select {
	case <-done:
		return got, failed
	case <-d.interrupted:
		fmt.Fprintln(d.err)
		return "", context.Canceled
	}
}

// A pipe is an output that somebody reads who may go away.
type pipe struct {
	file *os.File
	gone chan<- os.Signal
}

// voice is a file that the program speaks to. Whoever ignores SIGPIPE wants the
// program to go on when nobody reads it.
func (d *door) voice(f *os.File) io.Writer {
	if term.IsTerminal(int(f.Fd())) || signal.Ignored(syscall.SIGPIPE) {
		return f
	}
	return pipe{f, d.gone}
}

func (p pipe) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		select {
		case p.gone <- syscall.SIGPIPE:
		default: // it is known
		}
	}
	return n, err
}
