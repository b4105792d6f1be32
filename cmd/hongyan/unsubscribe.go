package main

import (
	"hongyan/internal/fault"
	"hongyan/internal/lint"
)

// waysOut is what there is to say of the ways by which recipients leave.
func (e *dispatch) waysOut() []lint.Finding {
	line := e.OwnHeader("List-Unsubscribe")
	switch {
	case line > 0 || e.Leavable():
		return e.bareUnsubscribe(line)
	case e.newsletter():
		f := lint.Found("unsubscribe-missing",
			fault.Textf("a newsletter without a way to unsubscribe: readers press \"spam\" instead"),
			fault.Textf("set unsubscribe: {url: https://…} or {mailto: …} in config.yaml"))
		f.File = e.Campaign.File
		return []lint.Finding{f}
	}
	return nil
}

// newsletter tells a mail that comes again and again from one that answers
// something its reader did.
func (e *dispatch) newsletter() bool {
	return e.Campaign.Schedule != nil || e.Campaign.Lines["list"] > 0 || e.Campaign.Layout == "newsletter"
}

// bareUnsubscribe warns of a List-Unsubscribe header that no signature covers:
// receivers then show no button (RFC 8058 §4).
func (e *dispatch) bareUnsubscribe(line int) []lint.Finding {
	var out []lint.Finding
	for _, account := range e.accounts {
		if !account.Quirks.ListBare || account.DKIM != nil {
			continue
		}
		f := lint.Found("unsubscribe-unsigned",
			fault.Textf("the signature of %s does not cover List-Unsubscribe: no unsubscribe button will appear", account.Provider),
			fault.Textf("write the way out into the mail itself; for a domain of your own let hongyan sign: accounts.%s.dkim", account.Name))
		f.File, f.Line = e.Campaign.File, line
		out = append(out, f)
	}
	return out
}
