package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"hongyan/internal/fault"
	"hongyan/internal/lint"
	"hongyan/internal/schedule"
)

// This file is what is said of the data that an issue tells afresh.

// notRead are findings for what a check did not ask for.
func (e *dispatch) notRead() (out []lint.Finding) {
	for _, name := range e.Fresh.Unread {
		f := lint.Found("data-unread", fault.Textf("the data %s come from a server that was not asked; no mail was composed", name),
			fault.Textf("hongyan check --online asks it; later, what the last issue had is taken"))
		f.File, f.Line = e.Campaign.File, e.Campaign.Lines["data."+name]
		out = append(out, f)
	}
	return out
}

// sayNothing is the answer when there is nothing to begin an issue for.
func (d *door) sayNothing(e *dispatch, why *schedule.Nothing) error {
	if d.flags.json {
		return json.NewEncoder(d.out).Encode(summary{Campaign: e.Key.Campaign, Issue: e.Key.Issue, Nothing: why.Error()})
	}
	fmt.Fprintln(d.out, d.Say("Nothing to send: %s", d.Text(why.Why)))
	return nil
}

// sayOld tells who only looks at the mails that none would be sent now.
func (d *door) sayOld(e *dispatch) {
	why := e.Fresh.Nothing()
	switch {
	case why == nil:
	case e.Fresh.Shows():
		fmt.Fprintln(d.err, d.Say("Nothing would be sent: %s. What is shown has the items that there are now.", d.Text(why.Why)))
	default:
		fmt.Fprintln(d.err, d.Say("Nothing would be sent: %s", d.Text(why.Why)))
	}
}

// sayAsked tells which servers were asked.
func (d *door) sayAsked(e *dispatch) {
	if asked := e.Fresh.Asked; len(asked) > 0 {
		fmt.Fprintln(d.err, d.Say("Read from the network: %s", strings.Join(asked, ", ")))
	}
}
