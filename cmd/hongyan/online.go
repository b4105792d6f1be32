package main

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"hongyan/internal/config"
	"hongyan/internal/fault"
	"hongyan/internal/lint"
	"hongyan/internal/lint/online"
)

// askOnline checks what only the network can tell. lost is how many recipients
// have their mailbox in a domain that takes no mail.
func (d *door) askOnline(ctx context.Context, e *dispatch) (findings []lint.Finding, lost int, err error) {
	links, err := e.links(ctx)
	if err != nil {
		return nil, 0, err
	}
	domains, err := e.domains(ctx)
	if err != nil {
		return nil, 0, err
	}
	fmt.Fprintln(d.err, d.say("Asking the network: %s, %s, the sender's domain …",
		d.count("%d link", "%d links", len(links)), d.count("%d domain of recipients", "%d domains of recipients", len(domains))))
	checker := online.New(d.online)
	findings = checker.Links(ctx, links)
	for _, account := range e.accounts {
		sender, unknown := d.senderOf(ctx, account)
		findings = append(append(findings, checker.Sender(ctx, sender)...), unknown...)
	}
	refused, lost := checker.Recipients(ctx, domains)
	findings = append(findings, refused...)
	return e.lintOptions().Heed(findings), lost, context.Cause(ctx)
}

// looked is how many recipients' mails are searched for links.
const looked = 1000

// links are what the mails lead to: the mails of several recipients, because
// conditions may show a link to some of them only.
func (e *dispatch) links(ctx context.Context) ([]online.Link, error) {
	author, source := e.Authored(), e.Markdown
	var out []online.Link
	rows := 0
	for rcpt, err := range e.List.Recipients() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if rows++; rows > looked || len(out) > online.Most {
			break
		}
		if rcpt.Fault != nil {
			continue
		}
		content, err := e.Content(rcpt)
		if err != nil {
			continue // the rehearsal has told it
		}
		for _, t := range lint.Targets(lint.Mail{HTML: content.HTML, TemplateSource: source}) {
			link := online.Link{URL: t.URL, File: e.Campaign.Template, Line: t.Line, Personal: !stands(author, t.Text)}
			if !slices.ContainsFunc(out, func(l online.Link) bool { return same(l, link) }) {
				out = append(out, link)
			}
		}
	}
	return out, nil
}

// same tells links that are asked alike: personal ones by their site.
func same(a, b online.Link) bool {
	if a.URL == b.URL || a.Personal != b.Personal || !a.Personal {
		return a.URL == b.URL
	}
	one, err := url.Parse(a.URL)
	other, err2 := url.Parse(b.URL)
	return err == nil && err2 == nil && one.Scheme == other.Scheme && one.Host == other.Host
}

// stands tells whether a link stands in a text whole, with nothing of a
// recipient before or behind it.
func stands(text, link string) bool {
	for rest := text; ; {
		before, after, ok := strings.Cut(rest, link)
		if !ok {
			return false
		}
		behind, _ := utf8.DecodeRuneInString(strings.TrimPrefix(after, "/"))
		ahead, _ := utf8.DecodeLastRuneInString(before)
		if !goesOn(behind) && !goesOn(ahead) {
			return true
		}
		rest = after
	}
}

// goesOn tells what belongs to the same link, or puts a value there.
func goesOn(r rune) bool {
	return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.~%=&?#+{}@", r))
}

// domains are where the recipients have their mailboxes, in the order of the list.
func (e *dispatch) domains(ctx context.Context) ([]online.Domain, error) {
	var out []online.Domain
	at := map[string]int{}
	for rcpt, err := range e.List.Recipients() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		_, name, ok := strings.Cut(rcpt.Address, "@")
		if !ok || rcpt.Fault != nil {
			continue
		}
		i, known := at[name]
		if !known {
			i = len(out)
			at[name] = i
			out = append(out, online.Domain{Name: name, File: filepath.Clean(e.Campaign.Recipients.File), Line: rcpt.Line})
		}
		out[i].Rows++
	}
	return out, nil
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
