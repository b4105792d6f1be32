package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/office"
	"hongyan/internal/run"
)

// A summary is the answer of send.
type summary struct {
	Campaign string            `json:"campaign"`
	Issue    string            `json:"issue"`
	Nothing  string            `json:"nothing,omitempty"` // why there is nothing to send
	Totals   map[string]int    `json:"totals,omitempty"`
	Report   string            `json:"report,omitempty"`
	Captured map[string]string `json:"captured,omitempty"`
	Early    []earlyAnswer     `json:"early,omitempty"`
	Paused   *office.Pause     `json:"paused,omitempty"` // taken from the workers
}

// unreported is a report that could not be written.
type unreported struct{ error }

// unwritten is the error of a report's writer.
func unwritten(err error) error {
	if err == nil {
		return nil
	}
	return unreported{err}
}

func (u unreported) Error() string { return "the report cannot be written: " + u.error.Error() }
func (u unreported) Unwrap() error { return u.error }

// sayEnd gives the answer, the next step, and the exit code.
func (d *door) sayEnd(ctx context.Context, e *dispatch, h *house, early []run.Early, err error) error {
	ctx = context.WithoutCancel(ctx)
	totals, counted := h.store.Totals(ctx, e.Key)
	if counted != nil {
		return errors.Join(err, counted)
	}
	if identity := totals.Check(); identity != nil {
		return errors.Join(err, identity)
	}
	s := summary{
		Campaign: e.Key.Campaign, Issue: e.Key.Issue, Totals: counts(totals),
		Report: d.reportFile(e), Captured: h.taken, Early: earlyOf(early),
	}
	if _, failed := errors.AsType[unreported](err); failed {
		s.Report = ""
	}
	pause, isHalted := errors.AsType[*halted](err)
	if isHalted {
		s.Paused = &pause.Pause
	}
	if d.flags.json {
		if err := d.answer(s); err != nil {
			return err
		}
	} else {
		d.printSummary(e, totals, s)
	}
	stopped, isStopped := errors.AsType[*run.Stopped](err)
	switch {
	case isHalted:
		d.sayHalted(e, totals, pause)
		return ending(exitEarly)
	case errors.Is(err, ledger.ErrElsewhere):
		fmt.Fprintln(d.err, d.Say("Stopped: %s", err.Error()))
		fmt.Fprintln(d.err, d.Say("Who that is: hongyan status. Wait for its end, or start hongyan worker, which sends by turns what several send."))
		d.sayLeft(e, totals)
		return ending(exitEarly)
	case isStopped:
		d.sayDoubts(e, totals)
		d.sayStopped(stopped.Error(), stopped.Refusal.Reply())
		return ending(exitEarly)
	case errors.Is(err, context.Canceled):
		d.sayDoubts(e, totals)
		d.sayLeft(e, totals)
		return err
	case err != nil:
		d.sayDoubts(e, totals)
		return err
	}
	return d.sayOpen(e, totals, early)
}

func (d *door) sayStopped(why, reply string) {
	fmt.Fprintln(d.err, d.Say("Stopped: %s", why))
	fmt.Fprintln(d.err, d.Say("A person has to change something first. What it means: hongyan explain %s", strconv.Quote(reply)))
}

// sayHalted says who or what took the issue from the workers.
func (d *door) sayHalted(e *dispatch, t ledger.Totals, h *halted) {
	switch {
	case h.By != "":
		fmt.Fprintln(d.err, d.Say("Paused by %s. It goes on when somebody resumes it on the dashboard, or sends it again.", h.By))
	case h.Account != "":
		d.sayStopped(fmt.Sprintf("account %s: %s", h.Account, h.Why), h.Why)
	default:
		fmt.Fprintln(d.err, d.Say("Stopped: %s", h.Why))
	}
	d.sayLeft(e, t)
}

// sayLeft reports whether anybody is left, and says how to go on.
func (d *door) sayLeft(e *dispatch, t ledger.Totals) bool {
	left := t.Queued + t.Deferred
	if left == 0 {
		return false
	}
	fmt.Fprintln(d.err, d.Count("%d is left. Go on with: hongyan send %s", "%d are left. Go on with: hongyan send %s", left, d.again(e)))
	return true
}

// sayDoubts says where the mails in doubt are to be seen. What is still being sent
// at the end of a run is one: nobody can write down any more what became of it.
func (d *door) sayDoubts(e *dispatch, t ledger.Totals) {
	n := t.InDoubt
	if !d.shared(e.conf) { // else it may be somebody else's
		n += t.Sending
	}
	if n > 0 {
		fmt.Fprintln(d.err, d.Count("%d in doubt: the server may have it or not. Look: hongyan settle %s",
			"%d in doubt: the server may have them or not. Look: hongyan settle %s", n, d.again(e)))
	}
}

// sayOpen says what is still to do, and with which command.
func (d *door) sayOpen(e *dispatch, t ledger.Totals, early []run.Early) error {
	for _, lane := range early {
		if lane.Human || t.Queued+t.Deferred > 0 { // else nobody waits for it
			d.sayEarly(lane)
		}
	}
	d.sayDoubts(e, t)
	if d.sayLeft(e, t) {
		return ending(exitEarly)
	}
	if t.Refused+t.Skipped+t.InDoubt > 0 {
		return ending(exitSome)
	}
	return nil
}

// sayEarly says when an account may go on, or what a person has to do first.
func (d *door) sayEarly(lane run.Early) {
	fmt.Fprintln(d.err, d.earlyLine(lane))
	if lane.Human {
		fmt.Fprintln(d.err, d.Say("Then: hongyan account lift %s", strings.Join(append(d.sameLedger(), shellWord(lane.Account)), " ")))
	}
}

func (d *door) earlyLine(e run.Early) string {
	if e.Human {
		return d.Say("Account %s is held until you have acted: %s", e.Account, d.Text(silenceOf(e.Why)))
	}
	return d.Say("Account %s may go on at %s (%s)", e.Account, stamp(e.Until), d.Text(silenceOf(e.Why)))
}

func (d *door) printSummary(e *dispatch, t ledger.Totals, s summary) {
	fmt.Fprintln(d.out, d.rowsOf(e.Key, t))
	for _, state := range ledger.States() {
		if n := t.Of(state); n > 0 {
			fmt.Fprintf(d.out, "  %6d  %s\n", n, d.Word(string(state)))
		}
	}
	if s.Report != "" {
		fmt.Fprintln(d.out, d.Say("Report: %s", s.Report))
	}
	for _, dir := range slices.Sorted(maps.Values(s.Captured)) {
		fmt.Fprintln(d.out, d.Say("Mails the sandbox took: %s", shorten(filepath.Join(dir, "*.eml"))))
	}
}

// rowsOf says how many recipients an issue has.
func (d *door) rowsOf(k ledger.Key, t ledger.Totals) string {
	return d.Count("%[2]s: %[1]d recipient", "%[2]s: %[1]d recipients", t.Rows, k.String())
}

func counts(t ledger.Totals) map[string]int {
	out := map[string]int{"rows": t.Rows}
	for _, state := range ledger.States() {
		out[string(state)] = t.Of(state)
	}
	return out
}

func stamp(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }
