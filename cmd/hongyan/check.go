package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hongyan/internal/edition/fresh"
	"hongyan/internal/fault"
	"hongyan/internal/lint"
	"hongyan/internal/proof"
)

type checkOptions struct {
	strict bool
	sarif  bool
	online bool
}

func newCheck(d *door) *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check CAMPAIGN",
		Short: d.Say("read everything, compose every mail, send nothing: what is wrong, all at once"),
		Example: "  hongyan check campaigns/welcome.yaml\n" +
			"  hongyan check --online campaigns/welcome.yaml\n" +
			"  hongyan check --strict --sarif campaigns/welcome.yaml > findings.sarif",
		Args: d.exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := d.check(cmd.Context(), args[0], o)
			return errors.Join(d.answerFaults(fault.In(err), o), err)
		},
	}
	cmd.Flags().BoolVar(&o.strict, "strict", false, d.Say("warnings count as faults: exit code 2"))
	cmd.Flags().BoolVar(&o.sarif, "sarif", false, d.Say("answer as SARIF, for code review pages"))
	cmd.Flags().BoolVar(&o.online, "online", false, d.Say("ask the network too: links, SPF, DKIM and DMARC of the sender's domain, mail servers of recipients' domains"))
	return cmd
}

func (d *door) check(ctx context.Context, file string, o checkOptions) error {
	from := fresh.ToCheck
	if o.online {
		from = fresh.ToCheckOnline
	}
	e, err := d.open(ctx, file, "", from)
	if err != nil {
		return err
	}
	defer e.Close()
	for _, account := range e.accounts {
		if _, err := loadBook(account.Provider, e.conf.Replies); err != nil {
			return err
		}
	}
	mailing, err := e.glance()
	if err != nil {
		return err
	}
	d.sayAsked(e)
	d.sayOld(e)
	rehearsal := proof.Rehearsal{Whole: true}
	if e.Fresh.Shows() {
		if rehearsal, err = e.proof.Rehearse(ctx, mailing.Compose, math.MaxInt); err != nil {
			return err
		}
	}
	over, err := d.scheduleOver(ctx, e)
	if err != nil {
		return err
	}
	findings, lost := slices.Concat(e.proof.Findings(rehearsal), e.notRead(), over), 0
	if o.online {
		var more []lint.Finding
		if more, lost, err = d.askOnline(ctx, e); err != nil {
			return err
		}
		findings = append(findings, more...)
	}
	if err := d.answerCheck(e, rehearsal, findings, o); err != nil {
		return err
	}
	if err := verdictOf(e, rehearsal, findings, o.strict); err != nil || lost == 0 {
		return err
	}
	return ending(exitSome) // what goes to a domain without mail will be refused
}

// answerFaults tells programs why nothing could be checked.
func (d *door) answerFaults(faults fault.Faults, o checkOptions) error {
	if faults == nil || !o.sarif && !d.flags.json {
		return nil
	}
	findings := make([]lint.Finding, len(faults))
	for i, f := range faults.Sorted() {
		findings[i] = lint.OfFault("fault", f)
	}
	return d.answerFindings(findings, o)
}

func (d *door) answerFindings(findings []lint.Finding, o checkOptions) error {
	if o.sarif {
		return lint.WriteSARIF(d.out, findings)
	}
	return lint.WriteJSON(d.out, findings)
}

func (d *door) answerCheck(e *dispatch, r proof.Rehearsal, findings []lint.Finding, o checkOptions) error {
	if o.sarif || d.flags.json {
		return d.answerFindings(append(e.proof.Rows(r), findings...), o)
	}
	say := func(format string, args ...any) { fmt.Fprintln(d.out, d.Say(format, args...)) }
	say("List: %s", d.assumed(e.List.Assumed(), e.Survey.Rows))
	d.printSample(e)
	d.printSurvey(e.Survey)
	for _, u := range r.Listed[:min(shown, len(r.Listed))] {
		say("line %d, %s: would be skipped: %v", u.Line, u.Address, d.Text(u.Why))
	}
	if more := r.Unfit - shown; more > 0 {
		say("… and %d more", more)
	}
	if r.First != nil {
		say("First mail: to %s, subject: %s", r.First.To, r.First.Subject)
		fmt.Fprintln(d.out, d.Text(e.proof.Largest(r)))
	}
	for _, f := range findings {
		fmt.Fprintln(d.out, d.Word(string(f.Severity))+": "+d.finding(f))
	}
	say("%s; %s.", d.Count("%d recipient", "%d recipients", e.Survey.Good-e.Survey.DuplicateCount),
		d.Count("%d row cannot become a mail", "%d rows cannot become a mail", r.Unfit+e.Survey.FaultCount))
	fmt.Fprintln(d.err, d.Say("Next: hongyan preview %s -o preview", d.again(e)))
	return nil
}

// printSample shows one row as it was decoded, so that a wrong encoding is seen.
func (d *door) printSample(e *dispatch) {
	sample := e.Survey.Sample
	if sample.Line == 0 {
		return
	}
	var cells []string
	for _, column := range e.List.Columns() {
		if value := sample.Fields[column]; value != "" {
			cells = append(cells, column+"="+clip(value))
		}
	}
	if more := len(cells) - 2*shown; more > 0 {
		cells = append(cells[:2*shown], d.Say("… and %d more", more))
	}
	fmt.Fprintln(d.out, d.Say("Line %d reads: %s", sample.Line, strings.Join(cells, ", ")))
}

// clip shortens a value of a list to what a line has room for.
func clip(value string) string {
	if runes := []rune(value); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return value
}

// verdictOf is the exit code of a check.
func verdictOf(e *dispatch, r proof.Rehearsal, findings []lint.Finding, strict bool) error {
	worst := exitWell
	if r.Unfit+e.Survey.FaultCount > 0 {
		worst = exitSome
	}
	for _, f := range findings {
		if f.Severity == lint.Error || strict && f.Severity == lint.Warning {
			worst = exitFault
		}
	}
	if worst == exitWell {
		return nil
	}
	return ending(worst)
}
