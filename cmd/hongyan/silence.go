package main

import (
	"hongyan/internal/fault"
	"hongyan/internal/pace"
	"hongyan/internal/report"
	"hongyan/internal/run"
)

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
		return fault.Textf("probe: %s", report.HeldFor(reason))
	}
	return fault.Textf("hold: %s", report.HeldFor(reason))
}
