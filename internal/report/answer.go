package report

import (
	"slices"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/reply"
)

// Answer is what was said of a mail, whose rule tells who said it: a server's words
// as they were, hongyan's own as a sentence.
func Answer(said, rule string) fault.Text {
	switch said {
	case ledger.AbandonedWhy:
		return fault.Textf(ledger.AbandonedWhy)
	case ledger.BrokenDown:
		return fault.Textf(ledger.BrokenDown)
	}
	if tries, last, ours := ledger.ReadGivenUp(said); ours {
		return fault.Counted("given up after %d attempt: %s", "given up after %d attempts: %s", tries, Printable(last))
	}
	by, ours := ledger.ReadWhy(rule, said)
	source, day := fault.Textf(string(by.Source)), by.At.Format(time.DateOnly)
	switch {
	case !ours:
		return fault.Textf("%s", Printable(said))
	case by.Reason == "":
		return fault.Textf("%s on %s", source, day)
	}
	return fault.Textf("%s on %s: %s", source, day, Printable(by.Reason))
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
	return fault.Textf("%s", Printable(reason))
}
