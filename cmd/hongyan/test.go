package main

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"time"

	"hongyan/internal/edition"
	"hongyan/internal/list"
	"hongyan/internal/message"
	"hongyan/internal/reply"
	"hongyan/internal/run"
)

// tested is how many rows --test sends when none are chosen.
const tested = 3

// Tests are mails to be looked at before the others leave, and who is told of
// their way.
type tests struct {
	mails []*message.Message
	waits func(until time.Time, why string)
	sent  func(*message.Message)
}

// sendTest sends chosen rows to one's own address. Nothing of it is recorded as
// sent to the recipients; the account's limits count it all the same, because
// the provider does.
func (d *door) sendTest(ctx context.Context, e *dispatch, o sendOptions) error {
	to, err := d.testers(o.test)
	if err != nil {
		return err
	}
	mails, err := d.testMails(ctx, e, o.testRows, to)
	if err != nil {
		return err
	}
	h, err := d.openHouse(ctx, e.conf)
	if err != nil {
		return err
	}
	defer h.close()
	w, err := h.way(ctx, e.accounts[0])
	if err != nil {
		return err
	}
	aside := h.aside(ctx, w.lane.Account, func() {
		d.depart()
		err = h.deliverTest(ctx, w, tests{
			mails: mails,
			waits: func(until time.Time, why string) {
				d.sayEarly(run.Early{Account: w.lane.Account, Until: until, Why: why})
			},
			sent: func(mail *message.Message) { fmt.Fprintln(d.out, d.Say("sent to %s: %s", mail.To, mail.Subject)) },
		})
	})
	if err = errors.Join(aside, err); err != nil {
		return d.testRefused(w, err)
	}
	fmt.Fprintln(d.err, d.Say("Next: hongyan send %s", d.again(e)))
	return nil
}

// testers are the addresses of --test.
func (d *door) testers(values []string) ([]mail.Address, error) {
	var out []mail.Address
	for _, value := range values {
		address, name, _, f := list.ParseAddress(value)
		if f != nil {
			return nil, d.usagef("--test: %s: %s", value, d.Text(f.What))
		}
		out = append(out, mailbox(name, address))
	}
	return out, nil
}

// testMails composes the chosen rows' mails for each of the testers.
func (d *door) testMails(ctx context.Context, e *dispatch, lines string, to []mail.Address) ([]*message.Message, error) {
	options := e.Campaign.ListOptions()
	if lines != "" {
		options.Rows, options.Where = lines, ""
	}
	rows, err := list.Open(e.Campaign.Recipients.File, options)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	signer, err := signerOf(ctx, e.accounts[0])
	if err != nil {
		return nil, err
	}
	mailing, err := e.mailing(e.accounts[0], message.Throwaway(), signer)
	if err != nil {
		return nil, err
	}
	mailing.Mark = d.Say("[TEST] ")
	var mails []*message.Message
	for r, err := range rows.Recipients() {
		if err != nil {
			return nil, err
		}
		if lines == "" && len(mails) >= tested*len(to) {
			break
		}
		if r.Fault != nil {
			return nil, r.Fault
		}
		for _, tester := range to {
			entry := edition.Entry(r)
			entry.Address, entry.Name = tester.Address, tester.Name
			mail, err := mailing.Compose(entry, time.Now())
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", r.Line, err)
			}
			mails = append(mails, mail)
		}
	}
	return mails, nil
}

// noticeable is the wait of which a person is told.
const noticeable = 5 * time.Second

// deliverTest sends the mails one by one at the account's pace; after an
// interrupt no more.
func (h *house) deliverTest(ctx context.Context, w *way, t tests) error {
	soft, end := h.door.soft(ctx)
	defer end()
	session := w.lane.Sender.Open()
	defer session.Close()
	for _, mail := range t.mails {
		now := time.Now()
		if at, why := w.pacer.Next(now, ""); at.Sub(now) > noticeable && at.Sub(now) <= patience {
			t.waits(at, why)
		}
		if err := h.offerAside(soft, w, session, mail); err != nil {
			return err
		}
		if err := h.deliverAside(ctx, w, session); err != nil {
			return err
		}
		t.sent(mail)
	}
	return nil
}

// testRefused says why a test did not leave, and until when none will.
func (d *door) testRefused(w *way, err error) error {
	refusal, refused := errors.AsType[*reply.Refusal](err)
	if refused {
		v := w.lane.Judge(refusal.Answer, time.Now())
		fmt.Fprintln(d.err, d.Say("refused: %s", refusal.Error()))
		fmt.Fprintln(d.err, d.Word(meaning(v.Class)))
	}
	if early, ok := errors.AsType[*notNow](err); ok {
		d.sayEarly(early.Early)
		return ending(exitEarly)
	}
	if refused {
		return ending(exitSome)
	}
	return err
}
