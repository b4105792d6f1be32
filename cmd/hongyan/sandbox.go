package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hongyan/internal/sandbox"
)

func newSandbox(d *door) *cobra.Command {
	var listen, profile, dir, tls, certificate string
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: d.Say("run the sandbox alone: a server that behaves like a provider and keeps what it takes"),
		Long: d.Say("What happens to a mail is chosen by its recipient's local part:\n" +
			"nobody@ does not exist, full@ is full, greylist@ is taken at the second try, throttle@ throttles the account,\n" +
			"content@ is refused for its text, drop-after-dot@ leaves you in doubt. Everybody else gets the mail."),
		Example: "  hongyan sandbox --listen 127.0.0.1:2465 --profile qq --output captured",
		Args:    d.exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return d.sandbox(cmd.Context(), listen, certificate, sandbox.Options{
				Profile: profile, TLS: sandbox.Mode(tls), Dir: dir,
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&listen, "listen", "127.0.0.1:2465", d.Say("`ADDRESS` to listen on; loopback only"))
	flags.StringVar(&profile, "profile", "qq", d.Say("whom to behave like: `%s`", strings.Join(sandbox.Profiles(), "|")))
	flags.StringVarP(&dir, "output", "o", "", d.Say("`DIR` for the captured mails (default: keep them in memory)"))
	flags.StringVar(&tls, "tls", "implicit", d.Say("`implicit|starttls|none`"))
	flags.StringVar(&certificate, "cert", "", d.Say("`FILE` to write the certificate to, for ca_file"))
	return cmd
}

func (d *door) sandbox(ctx context.Context, listen, certificate string, o sandbox.Options) error {
	if !slices.Contains(sandbox.Profiles(), o.Profile) {
		return d.usagef("--profile: %q is none of %s", o.Profile, strings.Join(sandbox.Profiles(), ", "))
	}
	if !slices.Contains([]sandbox.Mode{sandbox.Implicit, sandbox.StartTLS, sandbox.Plain}, o.TLS) {
		return d.usagef("--tls: %q is none of implicit, starttls, none", o.TLS)
	}
	o.Log = d.log
	server, err := sandbox.New(o)
	if err != nil {
		return err
	}
	err = server.Listen(ctx, listen)
	if errors.Is(err, sandbox.ErrOutside) {
		return d.usagef("%s can be reached from outside; only loopback addresses are allowed", listen)
	}
	if err != nil {
		return err
	}
	if certificate != "" {
		if err := os.WriteFile(certificate, server.PEM(), 0o644); err != nil {
			return err
		}
	}
	fmt.Fprintln(d.err, d.Say("sandbox %s listens on %s; any login is let in; stop with Ctrl-C", o.Profile, server.Addr()))
	err = server.Run(ctx)
	fmt.Fprintln(d.out, d.Count("%d mail taken", "%d mails taken", server.Taken()))
	return err
}
