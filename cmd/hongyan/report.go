package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"hongyan/internal/ledger"
	"hongyan/internal/report"
)

func newReport(d *door) *cobra.Command {
	var issue string
	cmd := &cobra.Command{
		Use:     "report CAMPAIGN",
		Short:   d.say("write the report of an issue anew: CSV, JSON lines, a page, and a list of the failed"),
		Example: "  hongyan report campaigns/welcome.yaml",
		Args:    d.exactly(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return d.report(cmd, args[0], issue) },
	}
	cmd.Flags().StringVar(&issue, "issue", "", d.say("the edition of the campaign, `NAME` (default: main)"))
	return cmd
}

func (d *door) report(cmd *cobra.Command, file, issue string) error {
	e, err := d.open(file, issue)
	if err != nil {
		return err
	}
	defer e.close()
	reader, err := d.openReader(cmd.Context(), e.conf)
	if err != nil {
		return err
	}
	defer reader.Close()
	paths, err := report.Write(cmd.Context(), reader, e.key, d.reportFolder(e), e.reportOptions(d.lang))
	if err != nil {
		return err
	}
	totals, err := reader.Totals(cmd.Context(), e.key)
	if err != nil {
		return err
	}
	if d.flags.json {
		return json.NewEncoder(d.out).Encode(map[string]any{"paths": paths, "totals": counts(totals)})
	}
	if err := report.Table(d.out, totals, func(s string) string { return d.word(s) }); err != nil {
		return err
	}
	for _, path := range []string{paths.CSV, paths.JSONL, paths.HTML, paths.Failed} {
		fmt.Fprintln(d.out, path)
	}
	return nil
}

// reporter keeps the report of a run up to date.
func (d *door) reporter(e *edition, h *house) *report.Writer {
	return report.NewWriter(h.store, e.key, d.reportFolder(e), e.reportOptions(d.lang))
}

func (e *edition) reportOptions(lang string) report.Options {
	return report.Options{
		Columns: e.list.Columns(), Email: e.list.Assumed().EmailColumn, Lang: lang,
		Title: e.key.String(), Now: time.Now(),
	}
}

// reportFolder is reports/CAMPAIGN beside the configuration.
func (d *door) reportFolder(e *edition) string {
	return filepath.Join(e.conf.Dir, "reports", e.key.Campaign)
}

func (d *door) reportFile(e *edition) string {
	return shorten(filepath.Join(d.reportFolder(e), report.Name(e.key.Issue)+".csv"))
}

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
	e, err := d.open(file, issue)
	if err != nil {
		return err
	}
	defer e.close()
	h, err := d.openHouse(cmd.Context(), e.conf)
	if err != nil {
		return err
	}
	defer h.close()
	doubtful, err := inDoubt(cmd, h, e.key, lines)
	if err != nil {
		return err
	}
	if as == "" {
		return d.printDoubts(e, doubtful)
	}
	n, err := h.settle(cmd.Context(), e.key, as, doubtful)
	if err != nil {
		return err
	}
	fmt.Fprintln(d.out, d.say("%d settled", n))
	fmt.Fprintln(d.err, d.say("Next: hongyan send %s", file))
	return nil
}

func inDoubt(cmd *cobra.Command, h *house, key ledger.Key, lines []int) (out []ledger.Entry, err error) {
	wanted := map[int]bool{}
	for _, line := range lines {
		wanted[line] = true
	}
	for entry, err := range h.store.Entries(cmd.Context(), key, ledger.Filter{States: []ledger.State{ledger.InDoubt}}) {
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
		return json.NewEncoder(d.out).Encode(doubtful)
	}
	if len(doubtful) == 0 {
		fmt.Fprintln(d.out, d.say("Nothing is in doubt."))
		return nil
	}
	for _, entry := range doubtful {
		fmt.Fprintln(d.out, d.say("line %d, %s: account %s, begun %s, %d bytes handed over: %s",
			entry.Line, entry.Address, entry.Account, stamp(entry.Begun), entry.Bytes, report.Printable(entry.Reply)))
	}
	fmt.Fprintln(d.err, d.say("Next: hongyan settle --as sent|resend [--lines …] %s", e.camp.File))
	return ending(exitSome)
}
