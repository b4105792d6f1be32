package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hongyan/internal/config"
	"hongyan/internal/ledger"
	"hongyan/internal/message"
	"hongyan/internal/notice"
)

func newNotice(d *door) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notice",
		Short: d.Say("try the notices that the configuration asks for"),
		Args:  d.exactly(0),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var on string
	test := &cobra.Command{
		Use:     "test [NAME]",
		Short:   d.Say("send a sample to each receiver of notices, or to one"),
		Example: "  hongyan notice test\n  hongyan notice test --on account-held group",
		Args:    d.usage(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return d.noticeTest(cmd.Context(), on, strings.Join(args, ""))
		},
	}
	test.Flags().StringVar(&on, "on", notice.IssueEnded, d.Say("what the sample is about, `NEWS`: %s", strings.Join(notice.News(), ", ")))
	cmd.AddCommand(test)
	return cmd
}

// A tried receiver and what came of it.
type tried struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Failed string `json:"failed,omitempty"`
}

func (d *door) noticeTest(ctx context.Context, on, name string) error {
	if !slices.Contains(notice.News(), on) {
		return d.usagef("--on: there are no news %q; known are: %s", on, strings.Join(notice.News(), ", "))
	}
	conf, err := d.config()
	if err != nil {
		return err
	}
	if name != "" {
		conf.Notices = slices.DeleteFunc(conf.Notices, func(n config.Notice) bool { return n.Name != strings.ToLower(name) })
	}
	if len(conf.Notices) == 0 {
		return d.usagef("the configuration has no such notices; config.yaml shows how to write them under notices:")
	}
	byMail := func(n config.Notice) bool { return n.Kind == config.ByMail }
	if !slices.ContainsFunc(conf.Notices, byMail) { // webhooks can be tried beside a running send
		return d.sayTried(d.tryNotices(ctx, &house{door: d, conf: conf}, on))
	}
	h, err := d.openHouse(ctx, conf)
	if err != nil {
		return err
	}
	err = d.sayTried(d.tryNotices(ctx, h, on))
	return errors.Join(err, h.close())
}

func (d *door) tryNotices(ctx context.Context, h *house, on string) (out []tried, err error) {
	subscriptions, err := h.subscriptions(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range subscriptions {
		t := tried{Name: s.Name, Kind: s.Kind}
		if err := s.Send(ctx, d.sample(on)); err != nil {
			t.Failed = err.Error()
		}
		out = append(out, t)
	}
	return out, nil
}

func (d *door) sayTried(all []tried, err error) error {
	if err != nil {
		return err
	}
	if d.flags.json {
		err = json.NewEncoder(d.out).Encode(all)
	}
	for _, t := range all {
		switch {
		case t.Failed != "":
			err = ending(exitSome)
			fmt.Fprintln(d.err, d.Say("%s (%s): failed: %s", t.Name, t.Kind, t.Failed))
		case !d.flags.json:
			fmt.Fprintln(d.out, d.Say("%s (%s): told", t.Name, t.Kind))
		}
	}
	return err
}

// sample is a notice about nothing that happened.
func (d *door) sample(on string) notice.Notice {
	key := ledger.Key{Campaign: "sample", Issue: "1"}
	var n notice.Notice
	switch on {
	case notice.IssueStopped:
		n = d.issueStopped(key, errors.New(d.Say("this is only a test")))
	case notice.AccountHeld:
		n = d.accountHeld(ledger.Hold{Account: "sample", Until: time.Now().Add(time.Hour), Reason: "sample", Reply: d.Say("this is only a test")})
	case notice.SlotFailed:
		n = d.slotFailed(key, errors.New(d.Say("this is only a test")))
	default:
		n = d.issueEnded(key, ledger.Totals{Rows: 3, Sent: 2, Refused: 1})
	}
	n.Title = d.Say("[TEST] ") + n.Title
	return n
}

// subscriptions are the receivers that the configuration names. What a receiver
// needs and cannot be had is an error now, not when there is something to tell.
func (h *house) subscriptions(ctx context.Context) ([]notice.Subscription, error) {
	var out []notice.Subscription
	for _, n := range h.conf.Notices {
		receiver, err := h.receiver(ctx, n)
		if err != nil {
			return nil, err
		}
		out = append(out, notice.Subscription{Name: n.Name, Kind: n.Kind, On: n.On, Receiver: receiver})
	}
	return out, nil
}

func (h *house) receiver(ctx context.Context, n config.Notice) (notice.Receiver, error) {
	if n.Kind == config.ByMail {
		account := h.conf.Accounts[n.Account]
		way, err := h.way(ctx, account)
		if err != nil {
			return nil, err
		}
		signer, err := signerOf(ctx, account)
		return postcard{way: way, account: account, signer: signer, to: n.Mail, house: h}, err
	}
	address, err := n.Address(ctx)
	if err != nil {
		return nil, err
	}
	hook := &notice.Webhook{Address: address, Kind: n.Kind, Private: n.Private}
	if n.Secret.IsZero() {
		return hook, nil
	}
	hook.Secret = n.Secret.Read
	_, err = n.Secret.Read(ctx)
	return hook, err
}

// A postcard is a notice by mail. It waits for its turn at the account's own
// pacer, with the mails of campaigns, so that all limits hold; when that turn is
// far off, as during a hold of that very account, it is not sent at all. On a
// shared ledger the account is borrowed for it.
type postcard struct {
	way     *way
	account config.Account
	signer  *message.Signer
	to      string
	house   *house
}

func (p postcard) Send(ctx context.Context, n notice.Notice) error {
	if n.On == notice.AccountHeld && n.Facts.Account == p.account.Name { // the pacer may not know yet
		return fmt.Errorf("account %s cannot tell of its own hold", p.account.Name)
	}
	var sent error
	err := p.house.aside(ctx, p.account.Name, func() { sent = p.post(ctx, n) })
	return cmp.Or(err, sent)
}

// post sends it by the account that is ours now.
func (p postcard) post(ctx context.Context, n notice.Notice) error {
	card, err := p.write(n)
	if err != nil {
		return err
	}
	session := p.way.lane.Sender.Open()
	defer session.Close()
	if err := p.house.offerAside(ctx, p.way, session, card); err != nil {
		return err
	}
	return p.house.deliverAside(ctx, p.way, session)
}

func (p postcard) write(n notice.Notice) (*message.Message, error) {
	composer, err := message.NewComposer(message.Letterhead{
		Campaign: "notice", Issue: n.On, Key: message.Throwaway(), Signer: p.signer,
		From:    mailbox(p.account.DisplayName, p.account.Address),
		Headers: [][2]string{{"Auto-Submitted", "auto-generated"}}, // RFC 3834: nobody on holiday answers
	}, nil)
	if err != nil {
		return nil, err
	}
	title, _, _ := strings.Cut(n.Title, "\n")
	return composer.Compose(message.Letter{
		To: mail.Address{Address: p.to}, Subject: "hongyan: " + title, Text: []byte(n.Text + "\n"), Date: time.Now(),
	})
}

// What notices say, in the words of the program.

func (d *door) issueEnded(key ledger.Key, t ledger.Totals) notice.Notice {
	lines := []string{d.rowsOf(key, t)}
	for _, state := range ledger.States() {
		if n := t.Of(state); n > 0 {
			lines = append(lines, fmt.Sprintf("  %6d  %s", n, d.Word(string(state))))
		}
	}
	if t.InDoubt > 0 {
		lines = append(lines, d.Say("The server may have those in doubt or not; hongyan settle shows them."))
	}
	return notice.Notice{
		On: notice.IssueEnded, Title: d.Say("%s has ended: %d of %d sent", key.String(), t.Sent, t.Rows), Text: strings.Join(lines, "\n"), At: time.Now(),
		Facts: notice.Facts{Campaign: key.Campaign, Issue: key.Issue, Totals: counts(t)},
	}
}

func (d *door) issueStopped(key ledger.Key, why error) notice.Notice {
	return notice.Notice{
		On: notice.IssueStopped, Title: d.Say("%s has stopped; a person has to act", key.String()), Text: why.Error(), At: time.Now(),
		Facts: notice.Facts{Campaign: key.Campaign, Issue: key.Issue, Reason: why.Error()},
	}
}

func (d *door) accountHeld(h ledger.Hold) notice.Notice {
	n := notice.Notice{
		On: notice.AccountHeld, Title: d.Say("account %s is held for a while", h.Account), Text: d.holdLine(h), At: time.Now(),
		Facts: notice.Facts{Account: h.Account, Until: h.Until, Reason: h.Reply},
	}
	if h.Human {
		n.Title, n.Facts.Until = d.Say("account %s is held until a person acts", h.Account), time.Time{}
	}
	return n
}

func (d *door) slotFailed(key ledger.Key, why error) notice.Notice {
	return notice.Notice{
		On: notice.SlotFailed, Title: d.Say("%s was due and could not begin", key.String()), Text: why.Error(), At: time.Now(),
		Facts: notice.Facts{Campaign: key.Campaign, Issue: key.Issue, Reason: why.Error()},
	}
}
