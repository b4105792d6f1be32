package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hongyan/internal/ledger"
	"hongyan/internal/web/login"
)

// newPassword sets what people log into the dashboard with.
func newPassword(d *door) *cobra.Command {
	var remove bool
	cmd := &cobra.Command{
		Use:     "password",
		Short:   d.Say("set the password of the dashboard; it is asked for, or read from stdin"),
		Example: "  hongyan password\n  pass show hongyan | hongyan password\n  hongyan password --remove",
		Args:    d.exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if remove {
				return d.passwordRemove(cmd.Context())
			}
			return d.passwordSet(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&remove, "remove", false, d.Say("let in again everybody who reaches the dashboard on this machine; where others reach it, nobody"))
	return cmd
}

func (d *door) passwordSet(ctx context.Context) error {
	plain, err := d.newSecret()
	if err != nil {
		return err
	}
	books, err := d.clerk(ctx)
	if err != nil {
		return err
	}
	defer books.Close() //nolint:errcheck // what was written is durable
	err = login.SetPassword(ctx, books, plain)
	switch {
	case errors.Is(err, login.ErrLength):
		return d.usagef("a password has from %d to %d characters", login.Shortest, login.Longest)
	case errors.Is(err, login.ErrKnown):
		return d.usagef("that password is among the first that anybody tries; a few words make a better one")
	case err != nil:
		return err
	}
	if err := books.Note(ctx, ledger.Act{At: time.Now(), By: whoami(), What: "password"}); err != nil {
		return err
	}
	fmt.Fprintln(d.out, d.Say("the password is set; it holds at once, and whoever was logged in logs in again"))
	return nil
}

func (d *door) passwordRemove(ctx context.Context) error {
	books, err := d.clerk(ctx)
	if err != nil {
		return err
	}
	defer books.Close() //nolint:errcheck // what was written is durable
	if err := login.DropPassword(ctx, books); err != nil {
		return err
	}
	if err := books.Note(ctx, ledger.Act{At: time.Now(), By: whoami(), What: "password remove"}); err != nil {
		return err
	}
	fmt.Fprintln(d.out, d.Say("there is no password any more: a dashboard that other machines reach lets nobody in until hongyan password sets one"))
	return nil
}

// newSecret asks twice on a terminal, where nobody sees it, and reads a line
// from anything else.
func (d *door) newSecret() (string, error) {
	in, ok := d.in.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		line, err := d.typed(func() (string, error) { return bufio.NewReader(d.in).ReadString('\n') })
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	first, err := d.unseen(in, d.Say("Password: "))
	if err != nil {
		return "", err
	}
	second, err := d.unseen(in, d.Say("Once more: "))
	if err == nil && first != second {
		err = d.usagef("the two are not the same")
	}
	return first, err
}

func (d *door) unseen(in *os.File, prompt string) (string, error) {
	fmt.Fprint(d.err, prompt)
	before, err := term.GetState(int(in.Fd()))
	if err != nil {
		return "", err
	}
	typed, err := d.typed(func() (string, error) {
		typed, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(d.err)
		return string(typed), err
	})
	if errors.Is(err, context.Canceled) {
		err = errors.Join(err, term.Restore(int(in.Fd()), before))
	}
	return typed, err
}
