// Package proof looks at an edition before it is sent: it composes its mails
// without sending them, and finds what is wrong with them, with the rows of the
// list, and with the ways by which recipients leave.
//
// It must never send, ask the network, nor talk to people.
package proof

import (
	"fmt"
	"os"
	"slices"

	"hongyan/internal/edition"
	"hongyan/internal/fault"
	"hongyan/internal/lint"
	"hongyan/internal/list"
	"hongyan/internal/message"
	"hongyan/internal/render"
)

// A Proof is an edition to be looked at.
type Proof struct {
	Edition *edition.Edition
	Senders []Sender
	Options lint.Options // the campaign's over the configuration's

	memory lint.Memory // of the template's mails
}

// A Sender is an account that the edition goes by.
type Sender struct {
	Account, Provider string
	MaxSize           int64 // bytes of a mail, as encoded; 0 = whatever the server announces
	Bare              bool  // no signature covers List-Unsubscribe
}

// Look finds what is wrong with one recipient's mail.
func (p *Proof) Look(r list.Recipient, mail *message.Message) []lint.Finding {
	content, err := p.Edition.Content(r)
	if err != nil {
		return nil
	}
	defer content.Release()
	return p.LookAt(content, mail)
}

// LookAt is Look for a mail whose content is at hand.
func (p *Proof) LookAt(content render.Content, mail *message.Message) []lint.Finding {
	return p.Options.Heed(lint.Check(lint.Mail{
		Subject: content.Subject, Preheader: content.Preheader, HTML: content.HTML, Text: content.Text,
		Size: mail.Size(), MaxSize: p.maxSize(), Images: images(content.Images),
		Template: p.Edition.Campaign.Template, TemplateSource: p.Edition.Markdown, Clients: p.Options.Clients, Memory: &p.memory,
	}))
}

func images(in []render.Image) []lint.Image {
	out := make([]lint.Image, len(in))
	for i, image := range in {
		out[i] = lint.Image{CID: image.CID, Name: image.Name, Type: image.Type, Size: sizeOf(image)}
	}
	return out
}

func sizeOf(i render.Image) int64 {
	if i.Data != nil {
		return int64(len(i.Data))
	}
	info, err := os.Stat(i.File)
	if err != nil {
		return 0
	}
	return info.Size()
}

// maxSize is the smallest mail size that one of the accounts refuses to exceed.
func (p *Proof) maxSize() (limit int64) {
	for _, s := range p.Senders {
		if s.MaxSize > 0 && (limit == 0 || s.MaxSize < limit) {
			limit = s.MaxSize
		}
	}
	return limit
}

// Findings are those of a rehearsal, of the template's emphasis, of the columns and
// of the ways out.
func (p *Proof) Findings(r Rehearsal) []lint.Finding {
	out := slices.Clone(r.Findings)
	for _, f := range p.Edition.Template.Warnings() {
		out = append(out, lint.Finding{
			Rule: "stray-emphasis", Severity: lint.Warning, File: f.File, Line: f.Line, What: f.What, Hint: f.Hint,
		})
	}
	out = append(out, lint.Columns(p.Edition.List.Columns(), p.Edition.Used())...)
	return p.Options.Heed(append(out, p.waysOut()...))
}

// waysOut is what there is to say of the ways by which recipients leave.
func (p *Proof) waysOut() []lint.Finding {
	camp, line := p.Edition.Campaign, p.Edition.OwnHeader("List-Unsubscribe")
	switch {
	case line > 0 || p.Edition.Leavable():
		return p.bareUnsubscribe(line)
	// A mail that comes again and again, not one that answers something its reader did.
	case camp.Schedule != nil || camp.Lines["list"] > 0 || camp.Layout == "newsletter":
		f := lint.Found("unsubscribe-missing",
			fault.Textf("a newsletter without a way to unsubscribe: readers press \"spam\" instead"),
			fault.Textf("set unsubscribe: {url: https://…} or {mailto: …} in config.yaml"))
		f.File = camp.File
		return []lint.Finding{f}
	}
	return nil
}

// bareUnsubscribe warns of a List-Unsubscribe header that no signature covers:
// receivers then show no button (RFC 8058 §4).
func (p *Proof) bareUnsubscribe(line int) (out []lint.Finding) {
	for _, s := range p.Senders {
		if !s.Bare {
			continue
		}
		f := lint.Found("unsubscribe-unsigned",
			fault.Textf("the signature of %s does not cover List-Unsubscribe: no unsubscribe button will appear", s.Provider),
			fault.Textf("write the way out into the mail itself; for a domain of your own let hongyan sign: accounts.%s.dkim", s.Account))
		f.File, f.Line = p.Edition.Campaign.File, line
		out = append(out, f)
	}
	return out
}

// Rows are what there is to say of the rows of the list, the first of each kind by
// name, for programs. They are no findings that a check counts.
func (p *Proof) Rows(r Rehearsal) (out []lint.Finding) {
	add := func(rule string, line int, what, hint fault.Text) {
		out = append(out, lint.OfFault(rule, &fault.Fault{File: p.Edition.Campaign.Recipients.File, Line: line, What: what, Hint: hint}))
	}
	more := func(rule string, n int) {
		if n > 0 {
			add(rule, 0, fault.Textf("… and %d more", n), fault.Text{})
		}
	}
	s := p.Edition.Survey
	for _, f := range s.Faults {
		add("row-skipped", f.Line, f.What, f.Hint)
	}
	for _, u := range r.Listed {
		add("row-skipped", u.Line, fault.Textf("%s: %s", u.Address, u.Why), fault.Text{})
	}
	more("row-skipped", s.FaultCount-len(s.Faults)+r.Unfit-len(r.Listed))
	for _, dup := range s.Duplicates {
		add("duplicate", dup.Line, fault.Textf("%s stands on line %d already; it gets one mail", dup.Address, dup.First), fault.Text{})
	}
	more("duplicate", s.DuplicateCount-len(s.Duplicates))
	for _, note := range s.Notes {
		add("address", note.Line, fault.Textf("%s: %s", note.Address, note.Text), fault.Text{})
	}
	more("address", s.NoteCount-len(s.Notes))
	return out
}

func size(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}
