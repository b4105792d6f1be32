package main

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"time"

	"hongyan/internal/list"
	"hongyan/internal/message"
	"hongyan/internal/reply"
)

// tested is how many rows --test sends when none are chosen.
const tested = 3

// sendTest sends chosen rows to one's own address. Nothing of it is recorded as
// sent to the recipients; the account's limits count it all the same, because
// the provider does.
func (d *door) sendTest(ctx context.Context, e *edition, o sendOptions) error {
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
		err = d.deliverTest(ctx, w, mails, func(mail *message.Message) {
			fmt.Fprintln(d.out, d.say("sent to %s: %s", mail.To, mail.Subject))
		})
	})
	if err = errors.Join(aside, err); err != nil {
		return d.testRefused(w, err)
	}
	fmt.Fprintln(d.err, d.say("Next: hongyan send %s", d.again(e)))
	return nil
}

// testers are the addresses of --test.
func (d *door) testers(values []string) ([]mail.Address, error) {
	var out []mail.Address
	for _, value := range values {
		address, name, _, f := list.ParseAddress(value)
		if f != nil {
			return nil, d.usagef("--test: %s: %s", value, d.text(f.What))
		}
		out = append(out, mailbox(name, address))
	}
	return out, nil
}

// testMails composes the chosen rows' mails for each of the testers.
func (d *door) testMails(ctx context.Context, e *edition, lines string, to []mail.Address) ([]*message.Message, error) {
	options := e.camp.ListOptions()
	if lines != "" {
		options.Rows, options.Where = lines, ""
	}
	rows, err := list.Open(e.camp.Recipients.File, options)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	signer, err := signerOf(ctx, e.accounts[0])
	if err != nil {
		return nil, err
	}
	mailing, err := e.mailing(e.accounts[0], throwaway(), signer)
	if err != nil {
		return nil, err
	}
	mailing.Mark = d.say("[TEST] ")
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
			entry := entryOf(r)
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

// deliverTest sends the mails one by one at the account's pace.
func (d *door) deliverTest(ctx context.Context, w *way, mails []*message.Message, sent func(*message.Message)) error {
	session := w.lane.Sender.Open()
	defer session.Close()
	for _, mail := range mails {
		if err := w.pacer.Wait(ctx, ""); err != nil {
			return err
		}
		if err := session.Offer(ctx, mail); err != nil {
			return err
		}
		if _, err := session.Deliver(ctx, nil); err != nil {
			return err
		}
		sent(mail)
	}
	return nil
}

func (d *door) testRefused(w *way, err error) error {
	refusal, ok := errors.AsType[*reply.Refusal](err)
	if !ok {
		return err
	}
	v := w.lane.Judge(refusal.Answer, time.Now())
	fmt.Fprintln(d.err, d.say("refused: %s", refusal.Error()))
	fmt.Fprintln(d.err, d.word(meaning(v.Class)))
	return ending(exitSome)
}
