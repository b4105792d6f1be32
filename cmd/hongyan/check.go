package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hongyan/internal/edition"
	"hongyan/internal/fault"
	"hongyan/internal/lint"
	"hongyan/internal/render"
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
		Short: d.say("read everything, compose every mail, send nothing: what is wrong, all at once"),
		Example: "  hongyan check campaigns/welcome.yaml\n" +
			"  hongyan check --online campaigns/welcome.yaml\n" +
			"  hongyan check --strict --sarif campaigns/welcome.yaml > findings.sarif",
		Args: d.exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := d.check(cmd.Context(), args[0], o)
			return errors.Join(d.answerFaults(fault.In(err), o), err)
		},
	}
	cmd.Flags().BoolVar(&o.strict, "strict", false, d.say("warnings count as faults: exit code 2"))
	cmd.Flags().BoolVar(&o.sarif, "sarif", false, d.say("answer as SARIF, for code review pages"))
	cmd.Flags().BoolVar(&o.online, "online", false, d.say("ask the network too: links, SPF, DKIM and DMARC of the sender's domain, mail servers of recipients' domains"))
	return cmd
}

func (d *door) check(ctx context.Context, file string, o checkOptions) error {
	from := edition.ToCheck
	if o.online {
		from |= edition.Network
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
	rehearsal := rehearsal{whole: true}
	if e.Shows() {
		if rehearsal, err = d.rehearse(ctx, e, mailing.Compose, math.MaxInt); err != nil {
			return err
		}
	}
	over, err := d.scheduleOver(ctx, e)
	if err != nil {
		return err
	}
	findings, lost := slices.Concat(e.findings(rehearsal), e.notRead(), over), 0
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

// findings are those of the mail, of the template's emphasis and of the columns.
func (e *dispatch) findings(r rehearsal) []lint.Finding {
	out := r.findings
	for _, f := range e.Template.Warnings() {
		out = append(out, lint.Finding{
			Rule: "stray-emphasis", Severity: lint.Warning, File: f.File, Line: f.Line, What: f.What, Hint: f.Hint,
		})
	}
	out = append(out, lint.Columns(e.List.Columns(), e.Used())...)
	return e.lintOptions().Heed(append(out, e.waysOut()...))
}

// answerFaults tells programs why nothing could be checked.
func (d *door) answerFaults(faults fault.Faults, o checkOptions) error {
	if faults == nil || !o.sarif && !d.flags.json {
		return nil
	}
	findings := make([]lint.Finding, len(faults))
	for i, f := range faults.Sorted() {
		findings[i] = found("fault", f)
	}
	return d.answerFindings(findings, o)
}

// found is a fault as a finding.
func found(rule string, f *fault.Fault) lint.Finding {
	out := lint.Found(rule, f.What, f.Hint)
	out.File, out.Line = f.File, f.Line
	return out
}

func (d *door) answerFindings(findings []lint.Finding, o checkOptions) error {
	if o.sarif {
		return lint.WriteSARIF(d.out, findings)
	}
	return lint.WriteJSON(d.out, findings)
}

// rowFindings are what there is to say of the rows of the list, the first of
// each kind by name, for programs. They are no findings that a check counts.
func (e *dispatch) rowFindings(r rehearsal) (out []lint.Finding) {
	add := func(rule string, line int, what, hint fault.Text) {
		out = append(out, found(rule, &fault.Fault{File: e.Campaign.Recipients.File, Line: line, What: what, Hint: hint}))
	}
	more := func(rule string, n int) {
		if n > 0 {
			add(rule, 0, fault.Textf("… and %d more", n), fault.Text{})
		}
	}
	s := e.Survey
	for _, f := range s.Faults {
		add("row-skipped", f.Line, f.What, f.Hint)
	}
	for _, u := range r.listed {
		add("row-skipped", u.line, fault.Textf("%s: %s", u.address, u.why), fault.Text{})
	}
	more("row-skipped", s.FaultCount-len(s.Faults)+r.unfit-len(r.listed))
	for _, dup := range s.Duplicates {
		add("duplicate", dup.Line, fault.Textf("%s stands on line %d already; it gets one mail", dup.Address, dup.First), fault.Text{})
	}
	more("duplicate", s.DuplicateCount-len(s.Duplicates))
	for _, note := range s.Notes {
		add("address", note.Line, fault.Textf("%s: %s", note.Address, note.Text), fault.Text{})
	}
	more("address", s.NoteCount-len(s.Notes))
	return out
}

func (d *door) answerCheck(e *dispatch, r rehearsal, findings []lint.Finding, o checkOptions) error {
	if o.sarif || d.flags.json {
		return d.answerFindings(append(e.rowFindings(r), findings...), o)
	}
	say := func(format string, args ...any) { fmt.Fprintln(d.out, d.say(format, args...)) }
	say("List: %s", d.assumed(e.List.Assumed(), e.Survey.Rows))
	d.printSample(e)
	d.printSurvey(e.Survey)
	for _, u := range r.listed[:min(shown, len(r.listed))] {
		say("line %d, %s: would be skipped: %v", u.line, u.address, d.text(u.why))
	}
	if more := r.unfit - shown; more > 0 {
		say("… and %d more", more)
	}
	if r.first != nil {
		say("First mail: to %s, subject: %s", r.first.to, r.first.subject)
		fmt.Fprintln(d.out, d.largest(e, r))
	}
	for _, f := range findings {
		fmt.Fprintln(d.out, d.word(string(f.Severity))+": "+d.finding(f))
	}
	say("%s; %s.", d.count("%d recipient", "%d recipients", e.Survey.Good-e.Survey.DuplicateCount),
		d.count("%d row cannot become a mail", "%d rows cannot become a mail", r.unfit+e.Survey.FaultCount))
	fmt.Fprintln(d.err, d.say("Next: hongyan preview %s -o preview", d.again(e)))
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
		cells = append(cells[:2*shown], d.say("… and %d more", more))
	}
	fmt.Fprintln(d.out, d.say("Line %d reads: %s", sample.Line, strings.Join(cells, ", ")))
}

// clip shortens a value of a list to what a line has room for.
func clip(value string) string {
	if runes := []rune(value); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return value
}

// verdictOf is the exit code of a check.
func verdictOf(e *dispatch, r rehearsal, findings []lint.Finding, strict bool) error {
	worst := exitWell
	if r.unfit+e.Survey.FaultCount > 0 {
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

func sizeOf(i render.Image) int64 {
	if i.Data != nil {
		return int64(len(i.Data))
	}
	info, err := os.Stat(i.File)
	if err != nil {
		return 0
	}
	return info.Size()
}
