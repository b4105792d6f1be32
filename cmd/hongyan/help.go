package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// help puts what cobra says by itself into the reader's language. The commands
// of root must be there already.
func (d *door) help(root *cobra.Command) {
	root.SetOut(d.out) // the completion command keeps what it finds here
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			d.helpCommand(cmd)
		case "completion":
			d.completionCommand(cmd)
		}
	}
	d.helpFlags(root)
}

func (d *door) helpCommand(cmd *cobra.Command) {
	cmd.Short = d.Say("show the help of a command")
	cmd.Long = cmd.Short
	cmd.Example = "  hongyan help send\n  hongyan help templates"
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		topic, rest, err := cmd.Root().Find(args)
		if err != nil || len(rest) > 0 {
			return d.usagef("there is no help on %q", strings.Join(args, " "))
		}
		return topic.Help()
	}
}

func (d *door) completionCommand(cmd *cobra.Command) {
	cmd.Short = d.Say("write a script that completes commands and flags in your shell")
	cmd.Long = cmd.Short
	for _, shell := range cmd.Commands() {
		shell.Short = d.Say("write the script for %s", shell.Name())
		shell.Long = shell.Short
		shell.Example = completionExample(shell.Name())
		if flag := shell.Flags().Lookup("no-descriptions"); flag != nil {
			flag.Usage = d.Say("complete without saying what things are")
		}
	}
}

// completionExample switches completion on, now or for good.
func completionExample(shell string) string {
	switch shell {
	case "bash":
		return "  source <(hongyan completion bash)\n" +
			"  hongyan completion bash > ~/.local/share/bash-completion/completions/hongyan"
	case "zsh":
		return "  source <(hongyan completion zsh)\n" +
			"  hongyan completion zsh > \"${fpath[1]}/_hongyan\""
	case "fish":
		return "  hongyan completion fish | source\n" +
			"  hongyan completion fish > ~/.config/fish/completions/hongyan.fish"
	case "powershell":
		return "  hongyan completion powershell | Out-String | Invoke-Expression\n" +
			"  hongyan completion powershell >> $PROFILE"
	}
	return ""
}

func (d *door) helpFlags(cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	if flag := cmd.Flags().Lookup("help"); flag != nil {
		flag.Usage = d.Say("show this help")
	}
	for _, below := range cmd.Commands() {
		d.helpFlags(below)
	}
}
