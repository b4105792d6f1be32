package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"hongyan/internal/fault"
)

// exactly is cobra.ExactArgs as a fault of usage.
func (d *door) exactly(n int) cobra.PositionalArgs { return d.usage(cobra.ExactArgs(n)) }

func (d *door) atLeast(n int) cobra.PositionalArgs { return d.usage(cobra.MinimumNArgs(n)) }

func (d *door) usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return d.misused(cmd, args, err)
		}
		return nil
	}
}

// misused says what is wrong with a command's arguments, and what was meant
// when a command's name is misspelt.
func (d *door) misused(cmd *cobra.Command, args []string, err error) error {
	if cmd.HasParent() {
		return usageError{fmt.Errorf("%s: %w", cmd.CommandPath(), err)}
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	if near := fault.Near(args[0], names); near != "" {
		return d.usagef("there is no command %q; did you mean %q?", args[0], near)
	}
	return d.usagef("there is no command %q", args[0])
}

// shorten makes a path relative to the working folder where that is shorter.
func shorten(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(wd, path)
	if err != nil || strings.HasPrefix(rel, "..") {
		return path
	}
	return rel
}

func newVersion(d *door) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   d.say("print the version"),
		Example: "  hongyan version",
		Args:    d.exactly(0),
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintln(d.out, "hongyan "+version())
			return nil
		},
	}
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	var out strings.Builder
	out.WriteString(info.Main.Version + " " + info.GoVersion)
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			out.WriteString(" " + setting.Value)
		}
	}
	return out.String()
}
