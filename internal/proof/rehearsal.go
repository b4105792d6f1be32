package proof

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"hongyan/internal/edition"
	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/lint"
	"hongyan/internal/list"
	"hongyan/internal/message"
	"hongyan/internal/render"
)

// A Rehearsal is what composing the mails without sending them showed.
type Rehearsal struct {
	Composed int
	Whole    bool // every row was composed
	Unfit    int
	Listed   []Unfit  // the first of them
	First    *Glimpse // nil: there is none
	Findings []lint.Finding

	largest *Glimpse
}

// An Unfit row cannot become a mail.
type Unfit struct {
	Line    int
	Address string
	Why     fault.Text
}

// A Glimpse is what a rehearsal keeps of a mail.
type Glimpse struct {
	To, Subject string

	size int64 // bytes, as it goes over the wire
}

// Compose makes the mail of one entry.
type Compose func(ledger.Entry, time.Time) (*message.Message, error)

// A trial is what composing one row's mail showed.
type trial struct {
	row   list.Recipient
	mail  Glimpse
	found []lint.Finding
	err   error // why the row cannot become a mail
}

// Rehearse composes up to most mails as they would be sent, and looks for what
// is wrong with them.
func (p *Proof) Rehearse(ctx context.Context, compose Compose, most int) (Rehearsal, error) {
	r := Rehearsal{Whole: true}
	now := time.Now()
	try := func(rcpt list.Recipient) (trial, error) { return p.try(compose, rcpt, now), nil }
	var tally lint.Tally
	for t, err := range InOrder(ctx, r.rows(p.Edition, most), try) {
		if err != nil {
			return r, err
		}
		if r.add(t); t.err == nil {
			tally.Add(t.row.Line, t.found)
		}
	}
	r.Findings = p.weigh(r, tally.Findings(p.Edition.Campaign.Recipients.File))
	return r, nil
}

// rows are the first rows that get a mail of their own.
func (r *Rehearsal) rows(e *edition.Edition, most int) iter.Seq2[list.Recipient, error] {
	return func(yield func(list.Recipient, error) bool) {
		n := 0
		for rcpt, err := range e.List.Once(e.Survey) {
			if err == nil && rcpt.Fault != nil {
				continue
			}
			if n == most {
				r.Whole = false
				return
			}
			if n++; !yield(rcpt, err) || err != nil {
				return
			}
		}
	}
}

// try composes the mail of one row and looks at it.
func (p *Proof) try(compose Compose, rcpt list.Recipient, now time.Time) trial {
	mail, err := compose(edition.Entry(rcpt), now)
	if err != nil {
		return trial{row: rcpt, err: err}
	}
	defer mail.Release()
	return trial{row: rcpt, mail: Glimpse{mail.To, mail.Subject, mail.Size()}, found: p.Look(rcpt, mail)}
}

func (r *Rehearsal) add(t trial) {
	r.Composed++
	if t.err != nil {
		r.Unfit++
		if len(r.Listed) < list.Shown {
			r.Listed = append(r.Listed, Unfit{t.row.Line, t.row.Address, Reason(t.err)})
		}
		return
	}
	if r.First == nil {
		r.First = &t.mail
	}
	if r.largest == nil || t.mail.size > r.largest.size {
		r.largest = &t.mail
	}
}

// weigh replaces what was said of single mails' sizes by what there is to say of
// the largest's.
func (p *Proof) weigh(r Rehearsal, findings []lint.Finding) []lint.Finding {
	findings = slices.DeleteFunc(findings, func(f lint.Finding) bool { return f.Rule == "message-size" })
	limit := p.maxSize()
	if r.largest == nil || limit == 0 || r.largest.size <= limit {
		return findings
	}
	tooBig := lint.Found("message-size",
		fault.Textf("the mail to %s is %s; the provider takes at most %s", r.largest.To, size(r.largest.size), size(limit)),
		fault.Textf("shrink images and attachments (they grow by a third on the way), or send a link"))
	return p.Options.Heed(append(findings, tooBig))
}

// Largest tells the size of a rehearsal's largest mail beside what the provider
// takes. There has to be a mail.
func (p *Proof) Largest(r Rehearsal) fault.Text {
	if limit := p.maxSize(); limit > 0 {
		return fault.Textf("Largest mail: %s of at most %s, to %s", size(r.largest.size), size(limit), r.largest.To)
	}
	return fault.Textf("Largest mail: %s, to %s", size(r.largest.size), r.largest.To)
}

// Reason is why a row cannot become a mail.
func Reason(err error) fault.Text {
	why, said := cause(err)
	around, ok := strings.CutSuffix(err.Error(), said)
	if !ok {
		return why
	}
	return fault.Textf("%s%s", around, why)
}

// cause is the sentence below what others have added to an error, and how it
// stands in the error.
func cause(err error) (why fault.Text, said string) {
	if missing, ok := errors.AsType[*render.MissingField](err); ok {
		return fault.Textf("field %q is empty", missing.Name), missing.Error()
	}
	if u, ok := errors.AsType[*message.Unfit](err); ok {
		return unfitCause(u), u.Error()
	}
	faults := fault.In(err)
	if faults == nil {
		return fault.Textf("%s", err.Error()), err.Error()
	}
	return faultCause(faults[0]), faults[0].Error()
}

func unfitCause(u *message.Unfit) fault.Text {
	why := fault.Textf("%s: %s", u.Part, fault.Textf(u.Why, u.Args...))
	if u.Err != nil {
		why = fault.Textf("%s: %s", why, u.Err.Error())
	}
	return why
}

func faultCause(f *fault.Fault) fault.Text {
	why := f.What
	if place := f.Place(); place != "" {
		why = fault.Textf("%s: %s", place, why)
	}
	if f.Hint.Format != "" {
		why = fault.Textf("%s\n    %s", why, f.Hint)
	}
	return why
}
