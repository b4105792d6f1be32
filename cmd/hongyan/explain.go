package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hongyan/internal/reply"
)

func newExplain(d *door) *cobra.Command {
	var provider, stage string
	cmd := &cobra.Command{
		Use:   "explain REPLY",
		Short: d.Say("say what a server's reply means, whom it stops, for how long, and by which rule"),
		Example: `  hongyan explain "550 Too many attempts. Unable to send. Try again later"` + "\n" +
			`  hongyan explain --provider 163 "554 DT:SPM 163 smtp5"`,
		Args: d.atLeast(1),
		RunE: func(_ *cobra.Command, args []string) error {
			stage, err := d.stage(stage)
			if err != nil {
				return err
			}
			return d.explain(strings.Join(args, " "), provider, stage)
		},
	}
	cmd.Flags().StringVar(&provider, "provider", "qq", d.Say("whose reply it is: `NAME`"))
	cmd.Flags().StringVar(&stage, "stage", "", d.Say("where it came: `connect|greeting|ehlo|starttls|auth|mail|rcpt|data|dot`"))
	return cmd
}

// stage is the one that the flag names; of none it is the answer to the whole mail.
func (d *door) stage(name string) (reply.Stage, error) {
	stage := cmp.Or(reply.Stage(strings.ToLower(name)), reply.AtDot)
	if !slices.Contains(reply.Stages(), stage) {
		return "", d.usagef("--stage: there is no stage %q", name)
	}
	return stage, nil
}

func (d *door) explain(text, provider string, stage reply.Stage) error {
	var files []string
	rules := provider
	if conf, err := d.config(); err == nil {
		files = conf.Replies
		if account, ok := conf.Accounts[strings.ToLower(provider)]; ok {
			rules = account.Provider
		}
	}
	book, err := loadBook(rules, files)
	if err != nil {
		return err
	}
	answer, err := reply.Parse(stage, text)
	if err != nil {
		return err
	}
	switch {
	case answer.Code < 400 && d.flags.json:
		return d.answer(verdictAnswer{Class: "accepted"})
	case answer.Code < 400 && stage == reply.AtDot:
		fmt.Fprintln(d.out, d.Say("The mail was taken."))
		return nil
	case answer.Code < 400:
		fmt.Fprintln(d.out, d.Say("The server agrees: the dialogue goes on."))
		return nil
	case d.flags.json:
		return d.answer(judged(book.Judge(answer, time.Now())))
	}
	d.printVerdict(answer, book)
	return nil
}

func (d *door) printVerdict(a reply.Answer, book *reply.Book) {
	v := book.Judge(a, time.Now())
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(d.out, "%s: %s\n", d.Word(name), value)
		}
	}
	row("class", string(v.Class)+" ("+d.Word(meaning(v.Class))+")")
	switch {
	case v.Scope == reply.Recipient || v.Scope == reply.Message:
		row("stops", d.Word(string(v.Scope)))
		row("for", d.own(v))
	case v.Streak > 1: // fewer are the recipient's own trouble
		row("stops", d.Word(string(reply.Recipient)))
		row("for", d.own(v))
		row("from", d.Say("%d such replies in a row: %s, %s", v.Streak, d.Word(string(v.Scope)), d.rest(v)))
	default:
		row("stops", d.Word(string(v.Scope)))
		row("for", d.rest(v))
		if v.Final {
			row("recipient", d.own(v))
		}
	}
	switch {
	case v.Fewer:
		row("connection", d.Say("where several are open this one is closed, and the others go on"))
	case v.Reconnect:
		row("connection", d.Say("a new one goes on"))
	}
	row("rule", v.Rule)
	row("source", v.Source)
}

// own is what the reply means for its own recipient.
func (d *door) own(v reply.Verdict) string {
	switch {
	case v.Final:
		return d.Say("ever: the recipient is refused")
	case v.Wait > 0:
		return d.Span(v.Wait)
	}
	return d.Say("as long as the retry schedule says")
}

// rest is for how long whoever else is stopped.
func (d *door) rest(v reply.Verdict) string {
	switch {
	case v.Human:
		return d.Say("until a person acts")
	case v.Wait > 0:
		return d.Span(v.Wait)
	}
	return d.Say("as long as the retry schedule says")
}

func meaning(c reply.Class) string {
	switch c {
	case reply.Transient:
		return "temporary trouble: the same mail again later"
	case reply.RcptPerm:
		return "the address does not exist or wants no mail from you"
	case reply.MsgPerm:
		return "this mail is malformed or too big"
	case reply.Auth:
		return "the login is refused"
	case reply.RateAccount:
		return "the account sends too much: it must be silent for a while"
	case reply.RateIP:
		return "this computer's address sends too much"
	case reply.Content:
		return "the text of the mail is refused"
	case reply.RateRcpt:
		return "only this recipient gets too much mail just now"
	case reply.SenderConfig:
		return "the sender's address or settings do not fit the account"
	case reply.DomainAuth:
		return "SPF, DKIM or DMARC of the sender's domain"
	case reply.Proto:
		return "the dialogue went wrong"
	case reply.Unknown:
	}
	return "no rule knows this reply"
}
