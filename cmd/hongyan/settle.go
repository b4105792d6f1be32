package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"hongyan/internal/ledger"
	"hongyan/internal/report"
)

// newSettle is for what SMTP leaves open: nobody but a person can know.
func newSettle(d *door) *cobra.Command {
	var issue, as string
	var lines []int
	cmd := &cobra.Command{
		Use:   "settle CAMPAIGN",
		Short: d.say("list the mails in doubt with their evidence, and settle them"),
		Long: d.say("A mail is in doubt when all of it was handed over and no answer came: the server may have it or not.\n" +
			"hongyan never sends it again by itself. Ask the recipient or look into the mailbox, then say what is true."),
		Example: "  hongyan settle campaigns/welcome.yaml\n" +
			"  hongyan settle --as sent --lines 12,57 campaigns/welcome.yaml\n" +
			"  hongyan settle --as resend campaigns/welcome.yaml",
		Args: d.exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error { return d.settle(cmd, args[0], issue, as, lines) },
	}
	flags := cmd.Flags()
	flags.StringVar(&issue, "issue", "", d.say("the edition of the campaign, `NAME` (default: main)"))
	flags.StringVar(&as, "as", "", d.say("what is true: `sent|resend` (default: only list them)"))
	flags.IntSliceVar(&lines, "lines", nil, d.say("only these `LINES` of the list (default: all in doubt)"))
	return cmd
}

func (d *door) settle(cmd *cobra.Command, file, issue, as string, lines []int) error {
	if as != "" && as != "sent" && as != "resend" {
		return d.usagef("--as: %q is neither sent nor resend", as)
	}
	e, err := d.open(cmd.Context(), file, issue, toLookBack)
	if err != nil {
		return err
	}
	defer e.close()
	if as == "" {
		return d.listDoubts(cmd.Context(), e, lines)
	}
	h, err := d.openHouse(cmd.Context(), e.conf)
	if err != nil {
		return err
	}
	defer h.close()
	doubtful, err := inDoubt(cmd.Context(), h.store, e.key, lines)
	if err != nil {
		return err
	}
	n, err := h.settle(cmd.Context(), e.key, as, doubtful)
	if err != nil {
		return err
	}
	if d.flags.json {
		return d.answer(settledAnswer{n})
	}
	fmt.Fprintln(d.out, d.say("%d settled", n))
	fmt.Fprintln(d.err, d.say("Next: hongyan send %s", d.again(e)))
	return nil
}

// listDoubts reads beside a run that may be going on.
func (d *door) listDoubts(ctx context.Context, e *edition, lines []int) error {
	reader, err := d.openReader(ctx, e.conf)
	if errors.Is(err, os.ErrNotExist) {
		return d.printDoubts(e, nil)
	}
	if err != nil {
		return err
	}
	defer reader.Close()
	doubtful, err := inDoubt(ctx, reader, e.key, lines)
	if err != nil {
		return err
	}
	return d.printDoubts(e, doubtful)
}

func inDoubt(ctx context.Context, reader ledger.Reader, key ledger.Key, lines []int) (out []ledger.Entry, err error) {
	wanted := map[int]bool{}
	for _, line := range lines {
		wanted[line] = true
	}
	for entry, err := range reader.Entries(ctx, key, ledger.Filter{States: []ledger.State{ledger.InDoubt}}) {
		if err != nil {
			return nil, err
		}
		if len(lines) == 0 || wanted[entry.Line] {
			out = append(out, entry)
		}
	}
	return out, nil
}

func (d *door) printDoubts(e *edition, doubtful []ledger.Entry) error {
	if d.flags.json {
		return d.answer(doubtsOf(doubtful))
	}
	if len(doubtful) == 0 {
		fmt.Fprintln(d.out, d.say("Nothing is in doubt."))
		return nil
	}
	for _, entry := range doubtful {
		fmt.Fprintln(d.out, d.say("line %d, %s: account %s, begun %s, %d bytes handed over: %s",
			entry.Line, entry.Address, entry.Account, stamp(entry.Begun), entry.Bytes, report.Printable(entry.Reply)))
	}
	fmt.Fprintln(d.err, d.say("Next: hongyan settle --as sent|resend [--lines …] %s", d.again(e)))
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

// settleFirst heeds send's --in-doubt.
func (d *door) settleFirst(ctx context.Context, e *edition, h *house, as string) error {
	if as == "" {
		return nil
	}
	to := ledger.Sent
	if as == "resend" {
		to = ledger.Deferred
	}
	n, err := h.store.Settle(ctx, e.key, ledger.Settlement{To: to, At: time.Now(), By: whoami()})
	if errors.Is(err, ledger.ErrUnknown) {
		return nil
	}
	if err == nil && n > 0 {
		fmt.Fprintln(d.err, d.say("%d settled", n))
	}
	return err
}

func whoami() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "somebody"
}
