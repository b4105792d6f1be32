package edition

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/list"
	"hongyan/internal/message"
	"hongyan/internal/render"
	"hongyan/internal/run"
	"hongyan/internal/unsubscribe"
)

// Mailing makes the press for mails from one mailbox; key is the ledger's, which
// their ids are made with, and they are signed with DKIM if there is a signer.
func (e *Edition) Mailing(from mail.Address, key []byte, signer *message.Signer) (*run.Mailing, error) {
	head := message.Letterhead{
		Campaign: e.Key.Campaign, Issue: e.Key.Issue, Key: key, Signer: signer,
		From: from, Headers: e.listHeaders(from.Address),
	}
	if e.Campaign.ReplyTo != "" {
		address, name, _, f := list.ParseAddress(e.Campaign.ReplyTo)
		if f != nil {
			return nil, f
		}
		head.ReplyTo = append(head.ReplyTo, mail.Address{Name: name, Address: address})
	}
	composer, err := message.NewComposer(head, e.files)
	if err != nil {
		return nil, err
	}
	downloads, err := e.wrap(key)
	if err != nil {
		return nil, err
	}
	return &run.Mailing{
		Template: e.Template, Attachments: e.attachments, Headers: e.headers, Composer: composer,
		Invite: e.invitation(key), Leave: e.leave(), Downloads: downloads,
	}, nil
}

// Content is what a mail to look at is made of.
func (e *Edition) Content(r list.Recipient) (render.Content, error) {
	downloads, err := e.wrap(message.Throwaway())
	if err != nil {
		return render.Content{}, err
	}
	m := run.Mailing{Leave: e.leave(), Downloads: downloads}
	fields, err := m.Fields(Entry(r))
	if err != nil {
		return render.Content{}, err
	}
	return e.Template.Render(fields)
}

// invitation is the event as the press takes it. A recipient's event has one
// name in all issues of the campaign: an issue with method: cancel calls off
// what the one before invited to.
func (e *Edition) invitation(key []byte) *run.Invite {
	if e.invite == nil {
		return nil
	}
	v := *e.invite
	v.UID = func(address string) string {
		return message.ID(key, e.Key.Campaign, "any issue, as an event", address, "hongyan")
	}
	return &v
}

// OpenKeys gets the keys of the links by which recipients leave; without them,
// as in a preview, the links of the mails lead to a page that says so.
func (e *Edition) OpenKeys(ctx context.Context, shelf unsubscribe.Shelf) (err error) {
	if e.settings.Unsubscribe.URL != "" {
		e.keys, err = unsubscribe.OpenKeyring(ctx, shelf, time.Now())
	}
	return err
}

// Leavable reports whether the mails show recipients a way out.
func (e *Edition) Leavable() bool {
	return e.settings.Unsubscribe.URL != "" || e.settings.Unsubscribe.Mailto != ""
}

// leave makes each recipient's way out; nil when the mails show none.
func (e *Edition) leave() func(address string) (page string, headers [][2]string) {
	if !e.Leavable() {
		return nil
	}
	links := e.settings.Unsubscribe
	links.List, links.Keys = e.Campaign.List, e.keys
	if links.Keys == nil {
		links.Keys = unsubscribe.Rehearsal()
	}
	return func(address string) (string, [][2]string) { return links.Page(address), links.Headers(address) }
}

// listHeaders are the same for all recipients of a list (RFC 2919).
func (e *Edition) listHeaders(from string) [][2]string {
	if !e.Leavable() || e.OwnHeader("List-Id") > 0 {
		return nil
	}
	domain := from[strings.LastIndexByte(from, '@')+1:]
	return [][2]string{{"List-Id", fmt.Sprintf("%s <%s.%s>", e.Campaign.List, listLabel(e.Campaign.List), domain)}}
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

// OwnHeader returns the line in which the campaign sets a header field itself, 0
// if it does not.
func (e *Edition) OwnHeader(name string) int {
	for _, header := range e.Campaign.Headers {
		if strings.EqualFold(header.Name, name) {
			return header.Line
		}
	}
	return 0
}

// Entry is a row of the list as the ledger would have it.
func Entry(r list.Recipient) ledger.Entry {
	return ledger.Entry{Line: r.Line, Address: r.Address, Name: r.Name, Fields: r.Fields}
}
