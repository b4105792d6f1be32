// Command hongyan sends one mail per recipient of a list, from a Markdown
// template, through accounts whose limits it never exceeds, and writes down
// what became of each.
//
// This package is the door: commands, wiring, words and exit codes. It holds
// no rule of the trade.
package main

import (
	"context"
	"os"
	"runtime/debug"
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
func enter(d *door, args []string) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	hopeless, deafen := d.heed(cancel)
	defer deafen()

	root := newRoot(d)
	root.SetArgs(args)
	root.SetIn(d.in)
	root.SetOut(d.out)
	root.SetErr(d.err)
	ended := make(chan error, 1)
	go func() { ended <- root.ExecuteContext(ctx) }()
	var err error
	select {
	case err = <-ended:
	case <-hopeless: // it ends with the process
		err = context.Canceled
	}
	if err != nil && ctx.Err() != nil {
		err = context.Canceled // whatever became of what was called off
	}
	d.endLog()
	return d.leave(err)
}
