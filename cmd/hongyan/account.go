package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hongyan/internal/config"
	"hongyan/internal/ledger"
	"hongyan/internal/reply"
	"hongyan/internal/sender"
)

func newAccount(d *door) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "account",
		Short: d.Say("test an account, or lift its hold"),
		Args:  d.exactly(0),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:               "test NAME",
		Short:             d.Say("connect, log in and print what the server announced; sends nothing"),
		Example:           "  hongyan account test qq",
		Args:              d.exactly(1),
		RunE:              func(cmd *cobra.Command, args []string) error { return d.accountTest(cmd.Context(), args[0]) },
		ValidArgsFunction: d.accountNames,
	}, &cobra.Command{
		Use:               "lift NAME",
		Short:             d.Say("end the hold of an account, after its cause was cured"),
		Example:           "  hongyan account lift qq",
		Args:              d.exactly(1),
		RunE:              func(cmd *cobra.Command, args []string) error { return d.accountLift(cmd.Context(), args[0]) },
		ValidArgsFunction: d.accountNames,
	})
	return cmd
}

func (d *door) account(name string) (*config.Config, config.Account, error) {
	conf, err := d.config()
	if err != nil {
		return nil, config.Account{}, err
	}
	account, ok := conf.Accounts[strings.ToLower(name)]
	if !ok {
		return nil, config.Account{}, unknownAccount(conf, "", 0, name)
	}
	return conf, account, nil
}

func (d *door) accountTest(ctx context.Context, name string) error {
	conf, account, err := d.account(name)
	if err != nil {
		return err
	}
	h := &house{door: d, conf: conf, stop: func() {}, taken: map[string]string{}}
	defer func() { h.stop(); h.servers.Wait() }()
	wire, err := h.sender(ctx, account, nil)
	if err != nil {
		return err
	}
	probe, err := wire.Probe(ctx)
	if d.flags.json {
		if err := d.answer(probeOf(probe)); err != nil {
			return err
		}
	} else {
		d.printProbe(account, probe)
	}
	return d.explainProbe(account, err)
}

func (d *door) printProbe(account config.Account, p sender.Probe) {
	say := func(format string, args ...any) { fmt.Fprintln(d.out, d.Say(format, args...)) }
	if p.Remote != "" {
		say("connected to %s", p.Remote)
	}
	if p.TLS != "" {
		say("%s, %s; certificate for %s, valid until %s", p.TLS, p.Cipher, strings.Join(p.Names, " "), stamp(p.Expires))
	}
	for _, keyword := range slices.Sorted(maps.Keys(p.Extensions)) {
		fmt.Fprintln(d.out, "  "+strings.TrimSpace(keyword+" "+p.Extensions[keyword]))
	}
	if p.LoggedIn {
		say("logged in as %s; nothing was sent", account.Address)
	}
}

// explainProbe says what a refusal means, in the words of the rules.
func (d *door) explainProbe(account config.Account, err error) error {
	refusal, ok := errors.AsType[*reply.Refusal](err)
	if !ok {
		return err
	}
	fmt.Fprintln(d.err, refusal.Error())
	book, failed := loadBook(account.Provider, nil)
	if failed != nil {
		return failed
	}
	d.printVerdict(refusal.Answer, book)
	return ending(exitEarly)
}

func (d *door) accountLift(ctx context.Context, name string) error {
	conf, account, err := d.account(name)
	if err != nil {
		return err
	}
	h, err := d.openHouse(ctx, conf)
	if err != nil {
		return err
	}
	defer h.close()
	holds, err := h.store.Holds(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(holds, func(hold ledger.Hold) bool { return hold.Account == account.Name }) {
		fmt.Fprintln(d.out, d.Say("account %s is not held", account.Name))
		return nil
	}
	if err := h.store.Lift(ctx, account.Name); err != nil {
		return err
	}
	h.call(ctx)
	fmt.Fprintln(d.out, d.Say("the hold of account %s is lifted", account.Name))
	return nil
}
