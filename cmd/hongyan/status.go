package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hongyan/internal/crew/board"
	"hongyan/internal/ledger"
	"hongyan/internal/pace"
	"hongyan/internal/report"
	"hongyan/internal/run"
)

func newStatus(d *door) *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   d.Say("show every issue, and every account's limits, holds and what it learned"),
		Example: "  hongyan status\n  hongyan status --json",
		Args:    d.exactly(0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return d.status(cmd.Context()) },
	}
}

// A standing is what is known of one account.
type standing struct {
	Account string
	Limits  string
	Day     int // mails in the last 24 hours
	Hold    *ledger.Hold
	Rest    *board.Rest // a worker found it at its limits
	Learned []string
}

func (d *door) status(ctx context.Context) error {
	conf, err := d.config()
	if err != nil {
		return err
	}
	reader, err := d.openReader(ctx, conf)
	if errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(d.out, d.Say("Nothing was sent yet."))
		return nil
	}
	if err != nil {
		return err
	}
	defer reader.Close()
	issues, err := reader.Issues(ctx)
	if err != nil {
		return err
	}
	rests, err := board.RestsOf(ctx, reader, boarded(conf))
	if err != nil {
		return err
	}
	troubles, err := board.Troubles(ctx, reader)
	if err != nil {
		return err
	}
	var standings []standing
	for _, name := range slices.Sorted(maps.Keys(conf.Accounts)) {
		s, err := d.standing(ctx, reader, name, conf.Accounts[name].Limits)
		if err != nil {
			return err
		}
		if r, ok := rests.Soonest(name, conf.Accounts[name].Lanes); ok {
			s.Rest = &r
		}
		standings = append(standings, s)
	}
	workers, err := d.workers(ctx, reader)
	if err != nil {
		return err
	}
	waiting := []queueAnswer{}
	if books, ok := reader.(queue); ok {
		if waiting, err = queued(ctx, books, time.Now()); err != nil {
			return err
		}
	}
	if d.flags.json {
		return d.answer(map[string]any{"issues": issuesOf(issues), "accounts": accountsOf(standings), "workers": workers, "queue": waiting, "troubles": troubles})
	}
	d.printStatus(issues, standings)
	d.printQueue(waiting, workers)
	d.printWorkers(workers)
	d.printTroubles(troubles)
	return nil
}

func (d *door) standing(ctx context.Context, accounts onlooker, name string, limits pace.Limits) (standing, error) {
	s := standing{Account: name, Limits: limits.String()}
	yesterday := time.Now().Add(-24 * time.Hour)
	past, err := accounts.History(ctx, name, yesterday)
	if err != nil {
		return s, err
	}
	aside, err := sentAside(ctx, accounts, name, yesterday)
	if err != nil {
		return s, err
	}
	s.Day = len(past) + len(aside)
	holds, err := accounts.Holds(ctx)
	if err != nil {
		return s, err
	}
	for _, hold := range holds {
		if hold.Account == name && hold.Holds(time.Now()) {
			s.Hold = &hold
		}
	}
	state, err := learnedBy(ctx, accounts, name)
	if err != nil {
		return s, err
	}
	for _, text := range state.Describe() {
		s.Learned = append(s.Learned, d.Text(text))
	}
	return s, nil
}

func (d *door) printStatus(issues []ledger.Issue, standings []standing) {
	for _, issue := range issues {
		fmt.Fprintf(d.out, "%s  %s\n", issue.Key, d.identity(issue.Totals))
	}
	for _, s := range standings {
		fmt.Fprintln(d.out, d.Say("account %s: %d in the last 24 hours; %s", s.Account, s.Day, s.Limits))
		if s.Hold != nil {
			fmt.Fprintln(d.out, "  "+d.holdLine(*s.Hold))
		}
		if s.Rest != nil {
			fmt.Fprintln(d.out, "  "+d.earlyLine(run.Early{Account: s.Account, Until: s.Rest.Until, Why: s.Rest.Why}))
		}
		for _, text := range s.Learned {
			fmt.Fprintln(d.out, "  "+text)
		}
	}
}

// identity is the accounting identity: "10 rows = 8 sent + 2 refused".
func (d *door) identity(t ledger.Totals) string {
	var parts []string
	for _, part := range report.Summary(t).Parts {
		if part.N > 0 {
			parts = append(parts, d.Say("%d %s", part.N, d.Word(string(part.State))))
		}
	}
	return d.Count("%d row = %s", "%d rows = %s", t.Rows, cmp.Or(strings.Join(parts, " + "), "0"))
}

func (d *door) holdLine(h ledger.Hold) string {
	if h.Human {
		return d.Say("account %s is held until a person acts (%s): %s", h.Account, d.Text(report.HeldFor(h.Reason)), report.Printable(h.Reply))
	}
	return d.Say("account %s is held until %s (%s): %s", h.Account, stamp(h.Until), d.Text(report.HeldFor(h.Reason)), report.Printable(h.Reply))
}

func newVerify(d *door) *cobra.Command {
	return &cobra.Command{
		Use:     "verify",
		Short:   d.Say("check the ledger against itself"),
		Example: "  hongyan verify",
		Args:    d.exactly(0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return d.verify(cmd.Context()) },
	}
}

func (d *door) verify(ctx context.Context) error {
	conf, err := d.config()
	if err != nil {
		return err
	}
	reader, err := d.openReader(ctx, conf)
	if errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(d.out, d.Say("Nothing was sent yet."))
		return nil
	}
	if err != nil {
		return err
	}
	defer reader.Close()
	wrong := []findingAnswer{}
	for finding, err := range reader.Verify(ctx) {
		if err != nil {
			return err
		}
		wrong = append(wrong, findingOf(finding))
		if !d.flags.json {
			fmt.Fprintln(d.out, finding)
		}
	}
	issues, err := reader.Issues(ctx)
	if err != nil {
		return err
	}
	if d.flags.json {
		if err := d.answer(map[string]any{"issues": issuesOf(issues), "findings": wrong}); err != nil {
			return err
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%s", d.Count("the ledger is wrong in %d place", "the ledger is wrong in %d places", len(wrong)))
	}
	if d.flags.json {
		return nil
	}
	for _, issue := range issues {
		fmt.Fprintf(d.out, "%s: %s\n", issue.Key, d.identity(issue.Totals))
	}
	fmt.Fprintln(d.out, d.Say("The books balance."))
	return nil
}
