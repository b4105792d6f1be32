package main

import (
	"cmp"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"hongyan/internal/catalogue"
	"hongyan/internal/config"
	"hongyan/internal/data"
	"hongyan/internal/lint/online"
	"hongyan/internal/metrics"
)

// A door is one call of the program: its streams, its flags and its language.
type door struct {
	catalogue.Words
	in          io.Reader
	out, err    io.Writer
	env         func(string) string
	interrupted chan struct{}  // closed at the first interrupt
	flying      atomic.Bool    // mails may be in flight
	gone        chan os.Signal // cap 1: nobody is there any more
	online      online.Options
	net         data.Net
	said        map[data.Source]any // by servers, while one command looks again and again; nil: they are asked each time
	log         *slog.Logger
	spool       *spool           // of the log
	metrics     *metrics.Metrics // nil: nobody wants them

	flags struct {
		config, state, lang, logLevel, logFormat string
		logSample                                uint32
		json                                     bool
	}
}

func newDoor(args []string) *door {
	d := &door{in: os.Stdin, env: os.Getenv, interrupted: make(chan struct{}), gone: make(chan os.Signal, 1)}
	d.out, d.err = d.voice(os.Stdout), d.voice(os.Stderr)
	d.flags.config = flagAhead(args, "--config")
	d.Words = catalogue.In(cmp.Or(flagAhead(args, "--lang"), d.env("HONGYAN_LANG"), d.configured(),
		d.env("LC_ALL"), d.env("LC_MESSAGES"), d.env("LANG"))) // as POSIX orders them
	return d
}

// configured is the language that the configuration asks for. Its faults are
// told by the commands that need it.
func (d *door) configured() string {
	conf, err := d.config()
	if err != nil {
		return ""
	}
	return conf.Lang
}

// flagAhead looks for a flag ahead of cobra, whose help texts depend on the language.
func flagAhead(args []string, flag string) string {
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg, flag+"="); ok {
			return value
		}
		if arg == flag && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}

func newRoot(d *door) *cobra.Command {
	root := &cobra.Command{
		Use:           "hongyan",
		Short:         d.Say("hongyan sends one mail per recipient, forgets nobody and mails nobody twice"),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          d.usage(cobra.NoArgs),
		PersistentPreRunE: func(*cobra.Command, []string) (err error) {
			if lang := d.flags.lang; lang != "" && !catalogue.Speaks(lang) {
				return d.usagef("--lang: %q is neither en nor zh", lang)
			}
			d.log, err = d.logger()
			return err
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	d.globalFlags(root.PersistentFlags())
	root.AddCommand(
		newInit(d), newCheck(d), newPreview(d), newSend(d), newSchedule(d), newStatus(d), newReport(d), newSettle(d), newSuppress(d),
		newAccount(d), newNotice(d), newPassword(d), newToken(d), newExplain(d), newSandbox(d), newServe(d), newVerify(d), newMigrate(d), newWorker(d), newState(d), newVersion(d), newTemplatesHelp(d),
	)
	root.SetFlagErrorFunc(d.wrongFlag)
	root.SetUsageTemplate(d.usageTemplate())
	d.help(root)
	d.completions(root)
	return root
}

func (d *door) globalFlags(flags *pflag.FlagSet) {
	flags.StringVar(&d.flags.config, "config", "", d.Say("configuration `file` (default: config.yaml, looked for upward from here)"))
	flags.StringVar(&d.flags.state, "state", "", d.Say("`place` of the ledger, a folder or postgres://…, overrides the configuration"))
	flags.StringVar(&d.flags.lang, "lang", "", d.Say("language of messages, `en|zh` (default: from LANG)"))
	flags.StringVar(&d.flags.logLevel, "log-level", "warn", d.Say("operator's log on stderr: `debug|info|warn|error`"))
	flags.StringVar(&d.flags.logFormat, "log-format", "text", d.Say("form of the log: `text|json`"))
	flags.Uint32Var(&d.flags.logSample, "log-sample", 1000, d.Say("debugging lines of one kind that are logged per second, `LINES`; of those beyond one in a hundred (0: all)"))
	flags.BoolVar(&d.flags.json, "json", false, d.Say("answer as JSON, for programs"))
}

// onTerminal reports whether both questions and progress can be shown to a person.
func (d *door) onTerminal() bool {
	in, ok := d.in.(*os.File)
	out, ok2 := d.err.(*os.File)
	return ok && ok2 && term.IsTerminal(int(in.Fd())) && term.IsTerminal(int(out.Fd()))
}

func (d *door) usageTemplate() string {
	return d.Say("Usage:") + `
  {{.UseLine}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} [command]{{end}}{{if .HasExample}}

` + d.Say("Examples:") + `
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

` + d.Say("Commands:") + `{{range .Commands}}{{if (or .IsAvailableCommand (eq .Name "help"))}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

` + d.Say("Flags:") + `
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

` + d.Say("Global flags:") + `
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}

` + d.exitCodes() + `
`
}

// config reads the configuration that the flags name or that lies above.
func (d *door) config() (*config.Config, error) {
	file, err := d.configFile()
	if err != nil {
		return nil, err
	}
	return config.Load(file, os.Environ())
}

func (d *door) configFile() (string, error) {
	if d.flags.config != "" {
		return d.flags.config, nil
	}
	return config.Find(".")
}
