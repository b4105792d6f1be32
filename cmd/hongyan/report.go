package main

import (
	"errors"
	"fmt"
	"os"
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
	e, err := d.open(cmd.Context(), file, issue, toLookBack)
	if err != nil {
		return err
	}
	defer e.close()
	reader, err := d.openReader(cmd.Context(), e.conf)
	if errors.Is(err, os.ErrNotExist) {
		return d.unsent(e)
	}
	if err != nil {
		return err
	}
	defer reader.Close()
	totals, err := reader.Totals(cmd.Context(), e.key)
	if errors.Is(err, ledger.ErrUnknown) {
		return d.unsent(e)
	}
	if err != nil {
		return err
	}
	ids, err := traceIDs(cmd.Context(), e.conf, reader)
	if err != nil {
		return err
	}
	paths, err := report.Write(cmd.Context(), reader, e.key, d.reportFolder(e), e.reportOptions(d.lang, column(ids)))
	if err != nil {
		return err
	}
	if d.flags.json {
		return d.answer(map[string]any{"paths": pathsOf(paths), "totals": counts(totals)})
	}
	if err := report.Table(d.out, totals, func(s string) string { return d.word(s) }); err != nil {
		return err
	}
	for _, path := range []string{paths.CSV, paths.JSONL, paths.HTML, paths.Failed} {
		fmt.Fprintln(d.out, path)
	}
	return nil
}

// unsent is the fault of asking after an issue that was never begun.
func (d *door) unsent(e *edition) error {
	return d.usagef("campaign %s, issue %s: nothing of it was sent yet", e.key.Campaign, e.key.Issue)
}

// reporter keeps the report of a run up to date.
func (d *door) reporter(e *edition, h *house, traced report.TraceID) *report.Writer {
	return report.NewWriter(h.store, e.key, d.reportFolder(e), e.reportOptions(d.lang, traced))
}

func (e *edition) reportOptions(lang string, traced report.TraceID) report.Options {
	return report.Options{
		Columns: e.list.Columns(), Email: e.list.Assumed().EmailColumn, Lang: lang,
		Title: e.key.String(), Now: time.Now(), Trace: traced,
	}
}

// reportFolder is reports/CAMPAIGN beside the configuration.
func (d *door) reportFolder(e *edition) string {
	return filepath.Join(e.conf.Dir, "reports", e.key.Campaign)
}

func (d *door) reportFile(e *edition) string {
	return shorten(filepath.Join(d.reportFolder(e), report.Name(e.key.Issue)+".csv"))
}
