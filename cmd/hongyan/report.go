package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"hongyan/internal/report"
)

func newReport(d *door) *cobra.Command {
	var issue string
	cmd := &cobra.Command{
		Use:     "report CAMPAIGN",
		Short:   d.Say("write the report of an issue anew: CSV, JSON lines, a page, and a list of the failed"),
		Example: "  hongyan report campaigns/welcome.yaml",
		Args:    d.exactly(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return d.report(cmd, args[0], issue) },
	}
	cmd.Flags().StringVar(&issue, "issue", "", d.Say("the edition of the campaign, `NAME` (default: main)"))
	return cmd
}

func (d *door) report(cmd *cobra.Command, campaign, issue string) error {
	e, reader, err := d.recall(cmd.Context(), campaign, issue)
	if err != nil {
		return err
	}
	defer e.Close()
	defer reader.Close()
	e.Reopen()
	ids, err := traceIDs(cmd.Context(), e.conf, reader)
	if err != nil {
		return err
	}
	paths, err := report.Write(cmd.Context(), reader, e.Key, d.reportFolder(e), e.reportOptions(d.Lang, column(ids)))
	if err != nil {
		return err
	}
	totals, err := reader.Totals(cmd.Context(), e.Key)
	if err != nil {
		return err
	}
	if d.flags.json {
		return d.answer(map[string]any{"paths": pathsOf(paths), "totals": counts(totals)})
	}
	if err := report.Table(d.out, totals, func(s string) string { return d.Word(s) }); err != nil {
		return err
	}
	for _, path := range []string{paths.CSV, paths.JSONL, paths.HTML, paths.Failed} {
		fmt.Fprintln(d.out, path)
	}
	return nil
}

// reporter keeps the report of a run up to date.
func (d *door) reporter(e *dispatch, h *house, traced report.TraceID) *report.Writer {
	return report.NewWriter(h.store, e.Key, d.reportFolder(e), e.reportOptions(d.Lang, traced))
}

func (e *dispatch) reportOptions(lang string, traced report.TraceID) report.Options {
	o := report.Options{Lang: lang, Title: e.Key.String(), Now: time.Now(), Trace: traced}
	if e.List != nil {
		o.Columns, o.Email = e.List.Columns(), e.List.Assumed().EmailColumn
	}
	return o
}

// reportFolder is reports/CAMPAIGN beside the configuration.
func (d *door) reportFolder(e *dispatch) string {
	return filepath.Join(e.conf.Dir, "reports", e.Key.Campaign)
}

func (d *door) reportFile(e *dispatch) string {
	return shorten(filepath.Join(d.reportFolder(e), report.Name(e.Key.Issue)+".csv"))
}
