package main

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/lint"
	"hongyan/internal/list"
	"hongyan/internal/message"
	"hongyan/internal/render"
)

// rehearsed is how many of a long list's mails a send composes before the first
// leaves; check composes them all.
const rehearsed = 2_000

// A rehearsal is what composing the mails without sending them showed.
type rehearsal struct {
	composed int
	whole    bool // every row was composed
	unfit    int
	listed   []unfit // the first of them
	first    *glimpse
	largest  *glimpse
	findings []lint.Finding
}

// An unfit row cannot become a mail.
type unfit struct {
	line    int
	address string
	why     fault.Text
}

// A glimpse is what a rehearsal keeps of a mail.
type glimpse struct {
	to, subject string
	size        int64
}

// A trial is what composing one row's mail showed.
type trial struct {
	row   list.Recipient
	mail  glimpse
	found []lint.Finding
	err   error // why the row cannot become a mail
}

// compose makes the mail of one entry.
type compose func(ledger.Entry, time.Time) (*message.Message, error)

// rehearse composes up to most mails as they would be sent, and looks for what
// is wrong with them.
func (d *door) rehearse(ctx context.Context, e *dispatch, compose compose, most int) (rehearsal, error) {
	r := rehearsal{whole: true}
	now := time.Now()
	try := func(rcpt list.Recipient) (trial, error) { return e.try(compose, rcpt, now), nil }
	var tally lint.Tally
	for t, err := range inOrder(ctx, r.rows(e, most), try) {
		if err != nil {
			return r, err
		}
		if r.add(t); t.err == nil {
			tally.Add(t.row.Line, t.found)
		}
	}
	r.findings = e.weigh(r, tally.Findings(e.Campaign.Recipients.File))
	return r, nil
}

// rows are the first rows that get a mail of their own.
func (r *rehearsal) rows(e *dispatch, most int) iter.Seq2[list.Recipient, error] {
	return func(yield func(list.Recipient, error) bool) {
		n := 0
		for rcpt, err := range e.List.Once(e.Survey) {
			if err == nil && rcpt.Fault != nil {
				continue
			}
			if n == most {
				r.whole = false
				return
			}
			if n++; !yield(rcpt, err) || err != nil {
				return
			}
		}
	}
}

// try composes the mail of one row and looks at it.
func (e *dispatch) try(compose compose, rcpt list.Recipient, now time.Time) trial {
	mail, err := compose(entryOf(rcpt), now)
	if err != nil {
		return trial{row: rcpt, err: err}
	}
	defer mail.Release()
	return trial{row: rcpt, mail: glimpse{mail.To, mail.Subject, mail.Size()}, found: e.lint(rcpt, mail)}
}

// shown is how many of many things are listed by name.
const shown = 10

func (r *rehearsal) add(t trial) {
	r.composed++
	if t.err != nil {
		r.unfit++
		if len(r.listed) < list.Shown {
			r.listed = append(r.listed, unfit{t.row.Line, t.row.Address, reason(t.err)})
		}
		return
	}
	if r.first == nil {
		r.first = &t.mail
	}
	if r.largest == nil || t.mail.size > r.largest.size {
		r.largest = &t.mail
	}
}

// reason is why a row cannot become a mail.
func reason(err error) fault.Text {
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

func entryOf(r list.Recipient) ledger.Entry {
	return ledger.Entry{Line: r.Line, Address: r.Address, Name: r.Name, Fields: r.Fields}
}
