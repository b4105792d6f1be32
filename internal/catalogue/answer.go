package catalogue

import (
	"slices"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/reply"
	"hongyan/internal/report"
)

// Answer is what was said of a mail, whose rule tells who said it: a server's words
// as they were, hongyan's own in the reader's language.
func (w Words) Answer(said, rule string) string {
	switch said {
	case ledger.AbandonedWhy:
		return w.Say(ledger.AbandonedWhy)
	case ledger.BrokenDown:
		return w.Say(ledger.BrokenDown)
	}
	if tries, last, ours := ledger.ReadGivenUp(said); ours {
		return w.Count("given up after %d attempt: %s", "given up after %d attempts: %s", tries, report.Printable(last))
	}
	by, ours := ledger.ReadWhy(rule, said)
	source, day := w.Word(string(by.Source)), by.At.Format(time.DateOnly)
	switch {
	case !ours:
		return report.Printable(said)
	case by.Reason == "":
		return w.Say("%s on %s", source, day)
	}
	return w.Say("%s on %s: %s", source, day, report.Printable(by.Reason))
}

// HeldFor is the reason of a hold: the class of the answer that led to it, or links
// that were lost.
func HeldFor(reason string) fault.Text {
	if n, ours := ledger.ReadLinksLost(reason); ours {
		return fault.Textf("%d links lost in a row", n)
	}
	if class := reply.Class(reason); slices.Contains(reply.Classes(), class) {
		return fault.Textf(string(class))
	}
	return fault.Textf("%s", report.Printable(reason))
}
