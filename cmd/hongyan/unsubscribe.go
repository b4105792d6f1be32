package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"hongyan/internal/config"
	"hongyan/internal/fault"
	"hongyan/internal/lint"
	"hongyan/internal/list"
	"hongyan/internal/render"
	"hongyan/internal/run"
	"hongyan/internal/unsubscribe"
)

// openKeys gets the keys of the links by which recipients leave; without them,
// as in a preview, the links of the mails lead to a page that says so.
func (e *edition) openKeys(ctx context.Context, shelf unsubscribe.Shelf) (err error) {
	if e.conf.Unsubscribe.URL != "" {
		e.keys, err = unsubscribe.OpenKeyring(ctx, shelf, time.Now())
	}
	return err
}

// leave makes each recipient's way out; nil when the mails show none.
func (e *edition) leave() func(address string) (page string, headers [][2]string) {
	u := e.conf.Unsubscribe
	if u.URL == "" && u.Mailto == "" {
		return nil
	}
	links := unsubscribe.Links{URL: u.URL, Mailto: u.Mailto, List: e.camp.List, Keys: e.keys}
	if links.Keys == nil {
		links.Keys = unsubscribe.Rehearsal()
	}
	return func(address string) (string, [][2]string) { return links.Page(address), links.Headers(address) }
}

// content is what a mail to look at is made of.
func (e *edition) content(r list.Recipient) (render.Content, error) {
	downloads, err := e.wrap(throwaway())
	if err != nil {
		return render.Content{}, err
	}
	m := run.Mailing{Leave: e.leave(), Downloads: downloads}
	fields, err := m.Fields(entryOf(r))
	if err != nil {
		return render.Content{}, err
	}
	return e.template.Render(fields)
}

// listHeaders are the same for all recipients of a list (RFC 2919).
func (e *edition) listHeaders(account config.Account) [][2]string {
	if e.leave() == nil || e.ownHeader("List-Id") > 0 {
		return nil
	}
	domain := account.Address[strings.LastIndexByte(account.Address, '@')+1:]
	return [][2]string{{"List-Id", fmt.Sprintf("%s <%s.%s>", e.camp.List, listLabel(e.camp.List), domain)}}
}

// listLabel is a list's name as it can stand in an id: letters and digits, or a
// digest of what is not.
func listLabel(name string) string {
	name = strings.ToLower(name)
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == "" {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:8])
}

// ownHeader returns the line in which the campaign sets a header field itself, 0
// if it does not.
func (e *edition) ownHeader(name string) int {
	for _, header := range e.camp.Headers {
		if strings.EqualFold(header.Name, name) {
			return header.Line
		}
	}
	return 0
}

// waysOut is what there is to say of the ways by which recipients leave.
func (e *edition) waysOut() []lint.Finding {
	line := e.ownHeader("List-Unsubscribe")
	switch {
	case line > 0 || e.leave() != nil:
		return e.bareUnsubscribe(line)
	case e.newsletter():
		f := lint.Found("unsubscribe-missing",
			fault.Textf("a newsletter without a way to unsubscribe: readers press \"spam\" instead"),
			fault.Textf("set unsubscribe: {url: https://…} or {mailto: …} in config.yaml"))
		f.File = e.camp.File
		return []lint.Finding{f}
	}
	return nil
}

// newsletter tells a mail that comes again and again from one that answers
// something its reader did.
func (e *edition) newsletter() bool {
	return e.camp.Schedule != nil || e.camp.Lines["list"] > 0 || e.camp.Layout == "newsletter"
}

// bareUnsubscribe warns of a List-Unsubscribe header that no signature covers:
// receivers then show no button (RFC 8058 §4).
func (e *edition) bareUnsubscribe(line int) []lint.Finding {
	var out []lint.Finding
	for _, account := range e.accounts {
		if !account.Quirks.ListBare || account.DKIM != nil {
			continue
		}
		f := lint.Found("unsubscribe-unsigned",
			fault.Textf("the signature of %s does not cover List-Unsubscribe: no unsubscribe button will appear", account.Provider),
			fault.Textf("write the way out into the mail itself; for a domain of your own let hongyan sign: accounts.%s.dkim", account.Name))
		f.File, f.Line = e.camp.File, line
		out = append(out, f)
	}
	return out
}
