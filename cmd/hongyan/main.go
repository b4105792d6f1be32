// Command hongyan sends one mail per recipient of a list, from a Markdown
// template, through accounts whose limits it never exceeds, and writes down
// what became of each.
//
// This package is the door: commands, wiring, words and exit codes. It holds
// no rule of the trade.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // limits and dates name time zones; not every machine has them
)

func main() {
	// What lives is small and what is composed is used again: collecting a little
	// more often than is the rule costs next to nothing and keeps a long run small.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(75)
	}
	os.Exit(enter(newDoor(os.Args[1:]), os.Args[1:]))
}

// enter runs one command line in the present process and returns its exit code.
//
// The first interrupt asks the command to end after the mail in flight, the
// second ends it at once.
func enter(d *door, args []string) int {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		if _, ok := <-signals; !ok {
			return
		}
		close(d.interrupted)
		fmt.Fprintln(d.err, d.say("Stopping after the mail in flight; press Ctrl-C again to stop at once."))
		<-signals
		cancel()
	}()

	root := newRoot(d)
	root.SetArgs(args)
	root.SetIn(d.in)
	root.SetOut(d.out)
	root.SetErr(d.err)
	err := root.ExecuteContext(ctx)
	d.endLog()
	return d.leave(err)
}
