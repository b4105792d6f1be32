package main

import (
	"slices"

	"hongyan/internal/fault"
	"hongyan/internal/lint"
)

// lintOptions are the campaign's over the configuration's.
func (e *dispatch) lintOptions() lint.Options { return e.Campaign.Lint.Over(e.conf.Lint) }

// weigh replaces what was said of single mails' sizes by what there is to say of
// the largest's.
func (e *dispatch) weigh(r rehearsal, findings []lint.Finding) []lint.Finding {
	findings = slices.DeleteFunc(findings, func(f lint.Finding) bool { return f.Rule == "message-size" })
	limit := e.maxSize()
	if r.largest == nil || limit == 0 || r.largest.size <= limit {
		return findings
	}
	tooBig := lint.Found("message-size",
		fault.Textf("the mail to %s is %s; the provider takes at most %s", r.largest.to, size(r.largest.size), size(limit)),
		fault.Textf("shrink images and attachments (they grow by a third on the way), or send a link"))
	return e.lintOptions().Heed(append(findings, tooBig))
}

// largest tells the size of the largest mail, as it goes over the wire, beside
// what the provider takes.
func (d *door) largest(e *dispatch, r rehearsal) string {
	if limit := e.maxSize(); limit > 0 {
		return d.say("Largest mail: %s of at most %s, to %s", size(r.largest.size), size(limit), r.largest.to)
	}
	return d.say("Largest mail: %s, to %s", size(r.largest.size), r.largest.to)
}
