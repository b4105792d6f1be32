package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/report"
)

// newSettle is for what SMTP leaves open: nobody but a person can know.
func newSettle(d *door) *cobra.Command {
	var issue, as string
	var lines []int
	cmd := &cobra.Command{
		Use:   "settle CAMPAIGN",
		Short: d.Say("list the mails in doubt with their evidence, and settle them"),
		Long: d.Say("A mail is in doubt when all of it was handed over and no answer came: the server may have it or not.\n" +
			"hongyan never sends it again by itself. Ask the recipient or look into the mailbox, then say what is true.\n" +
			"Only the ledger is looked at; a campaign whose file is gone is called by its name."),
		Example: "  hongyan settle campaigns/welcome.yaml\n" +
			"  hongyan settle --as sent --lines 12,57 campaigns/welcome.yaml\n" +
			"  hongyan settle --as resend campaigns/welcome.yaml",
		Args: d.exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error { return d.settle(cmd, args[0], issue, as, lines) },
	}
	flags := cmd.Flags()
	flags.StringVar(&issue, "issue", "", d.Say("the edition of the campaign, `NAME` (default: main)"))
	flags.StringVar(&as, "as", "", d.Say("what is true: `sent|resend` (default: only list them)"))
	flags.IntSliceVar(&lines, "lines", nil, d.Say("only these `LINES` of the list (default: all in doubt)"))
	return cmd
}

func (d *door) settle(cmd *cobra.Command, campaign, issue, as string, lines []int) error {
	if as != "" && as != "sent" && as != "resend" {
		return d.usagef("--as: %q is neither sent nor resend", as)
	}
	ctx := cmd.Context()
	e, reader, err := d.recall(ctx, campaign, issue)
	if err != nil {
		return err
	}
	defer reader.Close()
	if as == "" {
		doubtful, err := inDoubt(ctx, reader, e.Key, lines)
		if err != nil {
			return err
		}
		return d.printDoubts(e, doubtful)
	}
	h, err := d.openHouse(ctx, e.conf)
	if err != nil {
		return err
	}
	defer h.close()
	doubtful, err := inDoubt(ctx, h.store, e.Key, lines)
	if err != nil {
		return err
	}
	n, err := h.settle(ctx, e.Key, as, doubtful)
	if err != nil {
		return err
	}
	if d.flags.json {
		return d.answer(settledAnswer{n})
	}
	fmt.Fprintln(d.out, d.Say("%d settled", n))
	if _, err := os.Stat(e.Campaign.File); err == nil {
		fmt.Fprintln(d.err, d.Say("Next: hongyan send %s", d.again(e)))
	}
	return nil
}

// inDoubt lists the doubts of an issue, or those on some lines, each of which has
// to have one as long as there are any.
func inDoubt(ctx context.Context, reader ledger.Reader, key ledger.Key, lines []int) (out []ledger.Entry, err error) {
	var all []string
	missing := slices.Clone(lines)
	for entry, err := range reader.Entries(ctx, key, ledger.Filter{States: []ledger.State{ledger.InDoubt}}) {
		if err != nil {
			return nil, err
		}
		all = append(all, strconv.Itoa(entry.Line))
		if len(lines) == 0 || slices.Contains(lines, entry.Line) {
			out = append(out, entry)
		}
		missing = slices.DeleteFunc(missing, func(line int) bool { return line == entry.Line })
	}
	if len(missing) > 0 && len(all) > 0 {
		return nil, fault.At("", 0, "line %d is not in doubt", missing[0]).Hinted("lines in doubt: %s", some(all))
	}
	return out, nil
}

func (d *door) printDoubts(e *dispatch, doubtful []ledger.Entry) error {
	if d.flags.json {
		return d.answer(doubtsOf(doubtful))
	}
	if len(doubtful) == 0 {
		fmt.Fprintln(d.out, d.Say("Nothing is in doubt."))
		return nil
	}
	for _, entry := range doubtful {
		handed := d.Say("%d bytes handed over", entry.Bytes)
		if entry.Reply == ledger.AbandonedWhy {
			handed = d.Say("unknown how much was handed over")
		}
		fmt.Fprintln(d.out, d.Say("line %d, %s: account %s, begun %s, came to %s, %s: %s",
			entry.Line, entry.Address, entry.Account, stamp(entry.Begun), entry.Stage, handed, d.Text(report.Answer(entry.Reply, entry.Rule))))
	}
	fmt.Fprintln(d.err, d.Say("Next: hongyan settle --as sent|resend [--lines …] %s", d.again(e)))
	return ending(exitSome)
}

// settle writes down a person's word about mails in doubt.
func (h *house) settle(ctx context.Context, key ledger.Key, as string, doubtful []ledger.Entry) (int, error) {
	if len(doubtful) == 0 {
		return 0, nil
	}
	to := ledger.Sent
	if as == "resend" {
		to = ledger.Deferred
	}
	ids := make([]int64, len(doubtful))
	for i, entry := range doubtful {
		ids[i] = entry.ID
	}
	return h.store.Settle(ctx, key, ledger.Settlement{IDs: ids, To: to, At: time.Now(), By: whoami()})
}

// foresee makes a plan that of what send's --in-doubt is about to settle.
func (h *house) foresee(ctx context.Context, p *plan, as string) error {
	switch as {
	case "":
		return nil
	case "resend":
		p.totals.Deferred += p.totals.InDoubt
	case "sent":
		p.totals.Sent += p.totals.InDoubt
	}
	p.totals.InDoubt = 0
	to, err := h.limited(ctx, p)
	if err == nil {
		p.takes, err = h.takes(ctx, p.dispatch.accounts, p.open(), to)
	}
	return err
}

// settleFirst heeds send's --in-doubt.
func (d *door) settleFirst(ctx context.Context, e *dispatch, h *house, as string) error {
	if as == "" {
		return nil
	}
	to := ledger.Sent
	if as == "resend" {
		to = ledger.Deferred
	}
	n, err := h.store.Settle(ctx, e.Key, ledger.Settlement{To: to, At: time.Now(), By: whoami()})
	if errors.Is(err, ledger.ErrUnknown) {
		return nil
	}
	if err == nil && n > 0 {
		fmt.Fprintln(d.err, d.Say("%d settled", n))
	}
	return err
}

func whoami() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "somebody"
}
