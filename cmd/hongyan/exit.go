package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hongyan/internal/fault"
)

// The exit codes of every command.
const (
	exitWell        = 0
	exitBreakdown   = 1
	exitFault       = 2
	exitSome        = 3
	exitEarly       = 4
	exitInterrupted = 130
)

func (d *door) exitCodes() string {
	return strings.Join([]string{
		d.Say("Exit codes:"),
		"  0    " + d.Say("all settled and well"),
		"  1    " + d.Say("breakdown of the machine"),
		"  2    " + d.Say("fault in input or usage; nothing was sent"),
		"  3    " + d.Say("finished, but some refused, skipped or in doubt"),
		"  4    " + d.Say("stopped early by a hold or a limit; the rest is due later"),
		"  130  " + d.Say("interrupted"),
	}, "\n")
}

// A usageError is a fault in the command line.
type usageError struct{ error }

func (d *door) usagef(format string, args ...any) error {
	return usageError{errors.New(d.Say(format, args...))}
}

// An ending ends the program with a code after everything was said.
type ending int

func (e ending) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// leave turns the three kinds of trouble into words and an exit code.
func (d *door) leave(err error) int {
	if err == nil {
		return exitWell
	}
	if code, ok := errors.AsType[ending](err); ok {
		return int(code)
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(d.err, d.Say("interrupted"))
		return exitInterrupted
	}
	if faults := fault.In(err); faults != nil {
		d.printFaults(faults)
		return exitFault
	}
	fmt.Fprintln(d.err, "hongyan: "+err.Error())
	if _, ok := errors.AsType[usageError](err); ok {
		fmt.Fprintln(d.err, d.Say("See: hongyan --help"))
		return exitFault
	}
	return exitBreakdown
}

// printFaults says all faults at once, each with its place and a hint.
func (d *door) printFaults(faults fault.Faults) {
	for _, f := range faults {
		fmt.Fprintln(d.err, d.place(f)+d.Text(f.What))
		if f.Hint.Format != "" {
			fmt.Fprintln(d.err, "    "+d.Text(f.Hint))
		}
	}
}

func (d *door) place(f *fault.Fault) string {
	switch {
	case f.File == "":
		return ""
	case f.Line == 0:
		return f.File + ": "
	}
	return fmt.Sprintf("%s:%d: ", f.File, f.Line)
}
