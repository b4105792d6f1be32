package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hongyan/internal/fault"
)

// exactly is cobra.ExactArgs as a fault of usage.
func (d *door) exactly(n int) cobra.PositionalArgs { return d.usage(cobra.ExactArgs(n)) }

func (d *door) atLeast(n int) cobra.PositionalArgs { return d.usage(cobra.MinimumNArgs(n)) }

func (d *door) usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) != nil {
			return d.misused(cmd, args)
		}
		return nil
	}
}

// misused says what is wrong with a command's arguments, and what was meant
// when a command's name is misspelt.
func (d *door) misused(cmd *cobra.Command, args []string) error {
	if cmd.HasParent() && len(args) > 0 && cmd.HasAvailableSubCommands() {
		return d.usagef("%s: there is no command %q", below(cmd), args[0])
	}
	if cmd.HasParent() {
		return d.usagef("write it as: %s", cmd.UseLine())
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

// below is a command without the program's name, which stands before every fault.
func below(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
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
		Short:   d.Say("print the version"),
		Example: "  hongyan version",
		Args:    d.exactly(0),
		RunE: func(*cobra.Command, []string) error {
			if d.flags.json {
				return d.answer(versionAnswer{version()})
			}
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

// wrongFlag says what is wrong with a flag, and which was meant.
func (d *door) wrongFlag(cmd *cobra.Command, err error) error {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return usageError{err}
	}
	var names []string
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	if near := fault.Near(unknown.GetSpecifiedName(), names); near != "" {
		return d.usagef("%s: there is no flag --%s; did you mean --%s?", below(cmd), unknown.GetSpecifiedName(), near)
	}
	return d.usagef("%s: there is no flag %q", below(cmd), unknown.GetSpecifiedName())
}
