package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"hongyan/internal/config"
	"hongyan/internal/ledger"
	"hongyan/internal/web/login"
)

// newToken is for programs that use the API of the dashboard.
func newToken(d *door) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: d.Say("make, list and revoke tokens for programs that use the API of hongyan serve"),
		Args:  d.exactly(0),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var role string
	add := &cobra.Command{
		Use:     "add NAME",
		Short:   d.Say("make a token and print its secret, which is shown this once"),
		Example: "  hongyan token add grafana\n  hongyan token add --role act crm",
		Args:    d.exactly(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return d.tokenAdd(cmd.Context(), args[0], role) },
	}
	add.Flags().StringVar(&role, "role", login.Read, d.Say("what it may do: `read|act`"))
	cmd.AddCommand(add, &cobra.Command{
		Use:     "list",
		Short:   d.Say("list the tokens; their secrets are kept nowhere"),
		Example: "  hongyan token list --json",
		Args:    d.exactly(0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return d.tokenList(cmd.Context()) },
	}, &cobra.Command{
		Use:     "remove NAME",
		Short:   d.Say("revoke a token at once"),
		Example: "  hongyan token remove crm",
		Args:    d.exactly(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return d.tokenRemove(cmd.Context(), args[0]) },
	})
	return cmd
}

// clerk works beside whoever has the ledger: its papers may be written while
// something is being sent.
func (d *door) clerk(ctx context.Context) (clerk, error) {
	conf, err := d.config()
	if err != nil {
		return nil, err
	}
	return d.openClerk(ctx, conf)
}

// tokenName is what a token may be called: it stands in the log of acts.
var tokenName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,39}$`)

func (d *door) tokenAdd(ctx context.Context, name, role string) error {
	if !tokenName.MatchString(name) {
		return d.usagef("%q: a token is named by letters, digits, dots and dashes, 40 at most", name)
	}
	if role != login.Read && role != login.Act {
		return d.usagef("--role: %q is neither read nor act", role)
	}
	conf, err := d.config()
	if err != nil {
		return err
	}
	books, err := d.openClerk(ctx, conf)
	if err != nil {
		return err
	}
	defer books.Close() //nolint:errcheck // what was written is durable
	secret, err := login.NewToken(ctx, books, login.Token{Name: name, Role: role, By: whoami()})
	if errors.Is(err, login.ErrTaken) {
		return d.usagef("there is a token %s already; hongyan token remove %s revokes it", name, name)
	}
	if err != nil {
		return err
	}
	if err := d.noteToken(ctx, books, "token add", name, role); err != nil {
		return err
	}
	fmt.Fprintln(d.out, secret)
	fmt.Fprintln(d.err, d.Say("This is the only time that the secret is shown. Next: curl -H \"Authorization: Bearer …\" %sapi/v1/issues", called(conf)))
	return nil
}

// called is where programs call the dashboard: by TLS under the first of its names,
// which is that of its certificate.
func called(conf *config.Config) string {
	e := entranceOf(conf, "")
	_, port, err := net.SplitHostPort(e.Listen)
	if err != nil || !e.Secure() || len(conf.Serve.Hosts) == 0 {
		return urlOf(e.Listen, e.Secure())
	}
	return urlOf(net.JoinHostPort(conf.Serve.Hosts[0], port), true)
}

func (d *door) noteToken(ctx context.Context, books ledger.Journal, what, name, note string) error {
	return books.Note(ctx, ledger.Act{At: time.Now(), By: whoami(), What: what, About: name, Note: note})
}

type tokenAnswer struct {
	Name string    `json:"name"`
	Role string    `json:"role"`
	By   string    `json:"by"`
	At   time.Time `json:"at"`
}

func (d *door) tokenList(ctx context.Context) error {
	books, err := d.clerk(ctx)
	if err != nil {
		return err
	}
	defer books.Close() //nolint:errcheck // only read from
	all := []tokenAnswer{}
	for t, err := range login.Tokens(ctx, books) {
		if err != nil {
			return err
		}
		all = append(all, tokenAnswer{t.Name, t.Role, t.By, t.At})
	}
	if d.flags.json {
		return d.answer(all)
	}
	if len(all) == 0 {
		fmt.Fprintln(d.out, d.Say("There is no token."))
	}
	for _, t := range all {
		fmt.Fprintln(d.out, d.Say("%s  %s  made %s by %s", t.Name, t.Role, stamp(t.At), t.By))
	}
	return nil
}

func (d *door) tokenRemove(ctx context.Context, name string) error {
	books, err := d.clerk(ctx)
	if err != nil {
		return err
	}
	defer books.Close() //nolint:errcheck // what was written is durable
	ok, err := login.Revoke(ctx, books, name)
	if err != nil {
		return err
	}
	if !ok {
		return d.usagef("there is no token %s", name)
	}
	if err := d.noteToken(ctx, books, "token remove", name, ""); err != nil {
		return err
	}
	fmt.Fprintln(d.out, d.Say("token %s is revoked", name))
	return nil
}
