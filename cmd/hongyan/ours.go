package main

import (
	"slices"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/pace"
	"hongyan/internal/reply"
	"hongyan/internal/report"
	"hongyan/internal/run"
)

// This file says what hongyan itself wrote down of a mail or an account in the
// operator's language. A server's words stay as they came, and limits as one writes
// them.

// replied is what was said of a mail, whose rule tells who said it.
func (w words) replied(said, rule string) string {
	switch said {
	case ledger.AbandonedWhy:
		return w.say(ledger.AbandonedWhy)
	case ledger.BrokenDown:
		return w.say(ledger.BrokenDown)
	}
	if tries, last, ours := ledger.ReadGivenUp(said); ours {
		return w.count("given up after %d attempt: %s", "given up after %d attempts: %s", tries, report.Printable(last))
	}
	by, ours := ledger.ReadWhy(rule, said)
	source, day := w.word(string(by.Source)), by.At.Format(time.DateOnly)
	switch {
	case !ours:
		return report.Printable(said)
	case by.Reason == "":
		return w.say("%s on %s", source, day)
	}
	return w.say("%s on %s: %s", source, day, report.Printable(by.Reason))
}

// silenceOf is why nothing leaves by an account.
func silenceOf(why string) fault.Text {
	if why == run.DueAgain {
		return fault.Textf(run.DueAgain)
	}
	reason, probing, held := pace.ReadHold(why)
	switch {
	case !held:
		return fault.Textf("%s", report.Printable(why))
	case probing:
		return fault.Textf("probe: %s", heldFor(reason))
	}
	return fault.Textf("hold: %s", heldFor(reason))
}

// heldFor is the reason of a hold: the class of the answer that led to it, or links
// that were lost.
func heldFor(reason string) fault.Text {
	if n, ours := ledger.ReadLinksLost(reason); ours {
		return fault.Textf("%d links lost in a row", n)
	}
	if class := reply.Class(reason); slices.Contains(reply.Classes(), class) {
		return fault.Textf(string(class))
	}
	return fault.Textf("%s", report.Printable(reason))
}
