package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"hongyan/internal/config"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/moving"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/ledger/sqlite"
)

func newState(d *door) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: d.Say("move a ledger from a folder to a database, or back"),
		Args:  d.exactly(0),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "copy FROM TO",
		Short: d.Say("copy a whole ledger to an empty one, and compare the two"),
		Long: d.Say("Copies everything: recipients and what became of them, holds, suppressions, acts, papers.\n" +
			"Nobody may work on either meanwhile. What was being sent is in doubt in the copy."),
		Example: "  hongyan state copy state postgres://hongyan@db/hongyan\n  hongyan state copy postgres://hongyan@db/hongyan state2",
		Args:    d.exactly(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return d.stateCopy(cmd.Context(), config.Place(args[0]), config.Place(args[1]))
		},
	})
	return cmd
}

// A movable store can be moved from and to.
type movable interface {
	ledger.Store
	moving.Source
	moving.Target
}

func (d *door) stateCopy(ctx context.Context, from, to config.Place) error {
	if from == to {
		return d.usagef("FROM and TO are the same")
	}
	if err := d.present(ctx, from); err != nil {
		return err
	}
	source, err := d.openMovable(ctx, from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := d.openMovable(ctx, to)
	if err != nil {
		return err
	}
	moved, err := moving.Move(ctx, source, target)
	if err == nil {
		err = d.sameBooks(ctx, source, target)
	}
	if err = errors.Join(err, target.Close()); err != nil {
		return err
	}
	if d.flags.json {
		return d.answer(moved)
	}
	fmt.Fprintln(d.out, d.Count("%d recipient of %s is in %s; the books balance.", "%d recipients of %s are in %s; the books balance.",
		int(moved["recipient"]), d.Count("%d issue", "%d issues", int(moved["issue"])), to.String()))
	return nil
}

// present refuses a place without a ledger, where opening one to write makes it.
// Whatever else is the matter with it, opening says.
func (d *door) present(ctx context.Context, at config.Place) error {
	reader, err := d.openReaderOf(ctx, at)
	if errors.Is(err, os.ErrNotExist) {
		return d.usagef("there is no ledger in %s", at.String())
	}
	if err != nil {
		return nil
	}
	return reader.Close()
}

func (d *door) openMovable(ctx context.Context, at config.Place) (movable, error) {
	if !at.Database() {
		store, err := sqlite.Open(ctx, string(at))
		if held, ok := errors.AsType[*sqlite.Held](err); ok {
			return nil, d.taken(held)
		}
		return store, err
	}
	if err := d.known(at); err != nil {
		return nil, err
	}
	store, err := postgres.Open(ctx, string(at), postgres.Options{Name: workerName()})
	if err != nil {
		return nil, err
	}
	if err := store.Idle(ctx); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

// sameBooks compares two ledgers issue by issue, and checks the new one.
func (d *door) sameBooks(ctx context.Context, was, is ledger.Store) error {
	before, err := was.Issues(ctx)
	if err != nil {
		return err
	}
	for _, issue := range before {
		now, err := is.Totals(ctx, issue.Key)
		if err != nil {
			return err
		}
		issue.InDoubt, issue.Sending = issue.InDoubt+issue.Sending, 0
		if now != issue.Totals {
			return fmt.Errorf("%s", d.Count("%[2]s: the copy has other totals: %[1]d row, not %[3]d",
				"%[2]s: the copy has other totals: %[1]d rows, not %[3]d", now.Rows, issue.Key.String(), issue.Rows))
		}
	}
	for finding, err := range is.Verify(ctx) {
		if err != nil {
			return err
		}
		return errors.New(finding.String())
	}
	return nil
}
