package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/lint"
	"hongyan/internal/list"
	"hongyan/internal/proof"
)

// rehearsed is how many of a long list's mails a send composes before the first
// leaves; check composes them all.
const rehearsed = 2_000

// shown is how many of many things are listed by name.
const shown = 10

// A plan is what a send is about to do, as shown before it asks.
type plan struct {
	dispatch  *dispatch
	totals    ledger.Totals // what the ledger has of this issue already
	known     bool          // the issue was started before
	enqueued  bool          // the ledger has the whole list
	departed  int           // who is not on the list any more and still gets the mail
	rehearsal proof.Rehearsal
	takes     time.Duration // at the accounts' limits
	holds     []ledger.Hold
	begun     []ledger.Key // other issues that a new one leaves unfinished
}

// recipients is how many people the issue is for: good rows, each address once,
// and whom the list had when they were entered.
func (p *plan) recipients() int {
	return p.dispatch.Survey.Good - p.dispatch.Survey.DuplicateCount + p.departed
}

// open is how many mails are still to be sent.
func (p *plan) open() int {
	if !p.known {
		return p.recipients()
	}
	left := p.recipients() - p.totals.Sent - p.totals.Refused - p.totals.Suppressed - p.totals.InDoubt
	return max(left, p.departed) // of the settled some may be gone from the list too
}

func (d *door) plan(ctx context.Context, e *dispatch, h *house, compose proof.Compose) (*plan, error) {
	p := &plan{dispatch: e}
	var err error
	if p.totals, err = h.store.Totals(ctx, e.Key); err == nil {
		p.known = p.totals.Rows > 0
	} else if !errors.Is(err, ledger.ErrUnknown) {
		return nil, err
	}
	if !p.known {
		if p.begun, err = begun(ctx, h.store, e.Key.Campaign); err != nil {
			return nil, err
		}
		p.begun = slices.DeleteFunc(p.begun, func(k ledger.Key) bool { return k == e.Key }) // by somebody who was stopped at once
	}
	if p.holds, err = h.store.Holds(ctx); err != nil {
		return nil, err
	}
	if p.rehearsal, err = e.proof.Rehearse(ctx, compose, rehearsed); err != nil {
		return nil, err
	}
	to, err := h.limited(ctx, p)
	if err != nil {
		return nil, err
	}
	p.takes, err = h.takes(ctx, e.accounts, p.open(), to)
	return p, err
}

func (d *door) printPlan(p *plan) {
	e := p.dispatch
	say := func(format string, args ...any) { fmt.Fprintln(d.err, d.Say(format, args...)) }
	say("Campaign %s, issue %s", e.Key.Campaign, e.Key.Issue)
	say("List: %s", d.assumed(e.List.Assumed(), e.Survey.Rows))
	say("Recipients: %d", p.recipients())
	if p.known {
		say("Already settled: %d sent, %d refused, %d in doubt", p.totals.Sent, p.totals.Refused, p.totals.InDoubt)
	}
	for _, account := range e.accounts {
		say("Account %s: %s, %s", account.Name, account.Address, account.Limits.String())
	}
	if p.rehearsal.First != nil {
		say("First mail: to %s, subject: %s", p.rehearsal.First.To, p.rehearsal.First.Subject)
		fmt.Fprintln(d.err, d.Text(e.proof.Largest(p.rehearsal)))
	}
	if !p.rehearsal.Whole {
		say("Composed beforehand: the first %d; hongyan check composes all", p.rehearsal.Composed)
	}
	if p.open() == 0 {
		say("Nothing is left to send.")
	} else {
		say("To send now: %d; at the limits this takes %s", p.open(), d.Span(p.takes))
	}
	d.printWarnings(p)
}

// printWarnings says what the person should know before saying yes.
func (d *door) printWarnings(p *plan) {
	d.printBegun(p)
	for _, hold := range p.holds {
		if hold.Holds(time.Now()) {
			d.warn(d.holdLine(hold))
		}
	}
	if p.departed > 0 {
		d.warn(d.Count("%d is gone from the list and still gets the mail, having been entered when it began; hongyan suppress add keeps somebody from it",
			"%d are gone from the list and still get the mail, since they were entered when it began; hongyan suppress add keeps somebody from it", p.departed))
	}
	d.printSurvey(p.dispatch.Survey)
	for _, u := range p.rehearsal.Listed[:min(shown, len(p.rehearsal.Listed))] {
		d.warn(d.Say("line %d, %s: will be skipped: %v", u.Line, u.Address, d.Text(u.Why)))
	}
	d.warnMore(p.rehearsal.Unfit)
	for _, f := range p.rehearsal.Findings {
		if f.Severity != lint.Info {
			d.warn(d.finding(f))
		}
	}
}

func (d *door) warn(text string) { fmt.Fprintln(d.err, "! "+text) }

// warnMore counts those of many that were not listed by name.
func (d *door) warnMore(all int) {
	if more := all - shown; more > 0 {
		d.warn(d.Say("… and %d more", more))
	}
}

func (d *door) printSurvey(s list.Survey) {
	hinted := map[string]bool{} // a hint that fits many rows is said once
	for _, f := range s.Faults[:min(shown, len(s.Faults))] {
		d.warn(d.Say("line %d will be skipped: %s", f.Line, d.Text(f.What)))
		if hint := d.Text(f.Hint); hint != "" && !hinted[hint] {
			hinted[hint] = true
			fmt.Fprintln(d.err, "    "+hint)
		}
	}
	d.warnMore(s.FaultCount)
	for _, dup := range s.Duplicates[:min(shown, len(s.Duplicates))] {
		d.warn(d.Say("line %d: %s stands on line %d already; it gets one mail", dup.Line, dup.Address, dup.First))
	}
	d.warnMore(s.DuplicateCount)
	for _, note := range s.Notes[:min(shown, len(s.Notes))] {
		fmt.Fprintln(d.err, "· "+d.Say("line %d, %s: %s", note.Line, note.Address, d.Text(note.Text)))
	}
	if more := s.NoteCount - shown; more > 0 {
		fmt.Fprintln(d.err, "· "+d.Say("… and %d more", more))
	}
}

// assumed is [readAs] in the operator's language.
func (d *door) assumed(a list.Assumed, rows int) string { return d.Text(readAs(a, rows)) }

// readAs tells how a list is read.
func readAs(a list.Assumed, rows int) fault.Text {
	out := fault.Textf("%s", a.Format)
	add := func(part fault.Text) { out = fault.Textf("%s, %s", out, part) }
	if a.Encoding != "" {
		add(fault.Textf("%s", a.Encoding))
	}
	if a.Delimiter != "" {
		add(fault.Textf("delimiter %s", a.Delimiter))
	}
	if a.Sheet != "" {
		add(fault.Textf("sheet %s", a.Sheet))
	}
	add(fault.Counted("%d row", "%d rows", rows))
	add(fault.Textf("e-mail column %s", a.EmailColumn))
	if a.HiddenRows > 0 {
		add(fault.Counted("%d hidden row is read too", "%d hidden rows are read too", a.HiddenRows))
	}
	return out
}

func (d *door) finding(f lint.Finding) string {
	place := ""
	if f.File != "" && f.Line > 0 {
		place = fmt.Sprintf("%s:%d: ", f.File, f.Line)
	}
	text := place + d.Text(f.What) + " [" + f.Rule + "]"
	if f.Hint.Format != "" {
		text += "\n    " + d.Text(f.Hint)
	}
	return text
}
