package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hongyan/internal/reply"
)

// completions teaches the shell what may follow, from what the help says: a
// CAMPAIGN is a YAML file, a flag of a|b takes one of those.
func (d *door) completions(cmd *cobra.Command) {
	if strings.Contains(cmd.Use, "CAMPAIGN") {
		cmd.ValidArgsFunction = yamlFiles
	}
	cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		if follow := d.follows(flag); follow != nil {
			_ = cmd.RegisterFlagCompletionFunc(flag.Name, follow) // an error: it is registered already
		}
	})
	for _, below := range cmd.Commands() {
		d.completions(below)
	}
}

// follows is what completes a flag's value; nil leaves it to the shell.
func (d *door) follows(flag *pflag.Flag) cobra.CompletionFunc {
	value, _ := pflag.UnquoteUsage(flag)
	switch {
	case strings.Contains(value, "|"):
		return cobra.FixedCompletions(strings.Split(value, "|"), cobra.ShellCompDirectiveNoFileComp)
	case flag.Name == "provider":
		return cobra.FixedCompletions(reply.Providers(), cobra.ShellCompDirectiveNoFileComp)
	case flag.Name == "config":
		return yamlFiles
	}
	return nil
}

func yamlFiles(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

// accountNames completes the accounts of the configuration.
func (d *door) accountNames(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	conf, err := d.config()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return slices.Sorted(maps.Keys(conf.Accounts)), cobra.ShellCompDirectiveNoFileComp
}
