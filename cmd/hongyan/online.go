package main

import (
	"context"
	"fmt"
	"strings"

	"hongyan/internal/config"
	"hongyan/internal/fault"
	"hongyan/internal/lint"
	"hongyan/internal/lint/online"
)

// askOnline checks what only the network can tell. lost is how many recipients
// have their mailbox in a domain that takes no mail.
func (d *door) askOnline(ctx context.Context, e *dispatch) (findings []lint.Finding, lost int, err error) {
	links, err := e.proof.Links(ctx)
	if err != nil {
		return nil, 0, err
	}
	domains, err := e.proof.Domains(ctx)
	if err != nil {
		return nil, 0, err
	}
	fmt.Fprintln(d.err, d.Say("Asking the network: %s, %s, the sender's domain …",
		d.Count("%d link", "%d links", len(links)), d.Count("%d domain of recipients", "%d domains of recipients", len(domains))))
	checker := online.New(d.online)
	findings = checker.Links(ctx, links)
	for _, account := range e.accounts {
		sender, unknown := d.senderOf(ctx, account)
		findings = append(append(findings, checker.Sender(ctx, sender)...), unknown...)
	}
	refused, lost := checker.Recipients(ctx, domains)
	findings = append(findings, refused...)
	return e.proof.Options.Heed(findings), lost, context.Cause(ctx)
}

// senderOf is the domain of an account, with the key that its mails are signed
// with if that can be had.
func (d *door) senderOf(ctx context.Context, account config.Account) (online.Sender, []lint.Finding) {
	_, domain, _ := strings.Cut(account.Address, "@")
	s := online.Sender{Domain: domain}
	if account.DKIM == nil {
		return s, nil
	}
	s.File, s.Line = account.DKIM.File, account.DKIM.Line
	s.DKIM = &online.Signature{Domain: account.DKIM.Domain, Selector: account.DKIM.Selector}
	key, err := account.DKIM.Signer(ctx)
	if err == nil {
		s.DKIM.Key = key.Public()
		return s, nil
	}
	why := fault.Textf("%s", err.Error())
	if faults := fault.In(err); faults != nil {
		why = faults[0].What
	}
	f := lint.Found("online-unchecked", fault.Textf("the DKIM key of account %s could not be compared with the DNS: %s", account.Name, why), fault.Text{})
	f.File, f.Line = s.File, s.Line
	return s, []lint.Finding{f}
}
