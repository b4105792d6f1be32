package run

import (
	"context"
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/message"
	"hongyan/internal/render"
)

// A Mailing turns a recipient into a mail: the template, what is attached, and
// the letterhead of the account it leaves through. It may be used concurrently.
type Mailing struct {
	Template    *render.Template
	Attachments []Attachment
	Headers     []Header
	Invite      *Invite // nil: no invitation
	Composer    *message.Composer
	Mark        string // set before the subject, for tests to oneself
	// Leave, when not nil, says on which page an address leaves ("" for none),
	// and what the mail's header says of it.
	Leave func(address string) (page string, headers [][2]string)
	// Downloads are the files that the mails link to.
	Downloads []Download
}

// A Download is a file that lies elsewhere; each mail has a link of its own.
type Download struct {
	Name string
	Link func(ctx context.Context) (string, error)
}

// An Attachment is a file whose path and name may depend on the recipient. A
// nil Name keeps the file's own.
type Attachment struct {
	File, Name *render.Line
}

// A Header is one of the campaign's own header fields.
type Header struct {
	Name  string
	Value *render.Line
}

// Compose makes the mail of one entry. Its errors are about this entry only.
func (m *Mailing) Compose(e ledger.Entry, date time.Time) (*message.Message, error) {
	var err error
	if e.Fields, err = m.Fields(e); err != nil {
		return nil, err
	}
	content, err := m.Template.Render(e.Fields)
	if err != nil {
		return nil, err
	}
	defer content.Release()
	return m.ComposeWith(content, e, date)
}

// ComposeWith makes the mail of one entry around its content, for callers that
// show both.
func (m *Mailing) ComposeWith(content render.Content, e ledger.Entry, date time.Time) (*message.Message, error) {
	letter := message.Letter{
		To:      mail.Address{Name: e.Name, Address: e.Address},
		Subject: m.Mark + content.Subject,
		Text:    content.Text,
		HTML:    content.HTML,
		Images:  Images(content.Images),
		Date:    date,
	}
	var err error
	if letter.Attachments, err = m.attachments(e.Fields); err != nil {
		return nil, err
	}
	if letter.Headers, err = m.headers(e); err != nil {
		return nil, err
	}
	if letter.Invite, err = m.Invite.of(e.Address, e.Fields); err != nil {
		return nil, err
	}
	return m.Composer.Compose(letter)
}

// Images are the rendered inline parts as a letter takes them.
func Images(in []render.Image) []message.Image {
	if len(in) == 0 {
		return nil
	}
	out := make([]message.Image, len(in))
	for i, image := range in {
		out[i] = message.Image(image)
	}
	return out
}

func (m *Mailing) attachments(fields map[string]string) ([]message.Attachment, error) {
	if len(m.Attachments) == 0 {
		return nil, nil
	}
	out := make([]message.Attachment, len(m.Attachments))
	for i, a := range m.Attachments {
		file, err := a.File.Render(fields)
		if err != nil {
			return nil, fmt.Errorf("attachment: %w", err)
		}
		out[i].File = file
		if a.Name == nil {
			continue
		}
		if out[i].Name, err = a.Name.Render(fields); err != nil {
			return nil, fmt.Errorf("name of attachment %s: %w", file, err)
		}
	}
	return out, nil
}

// Fields are the entry's, with the page on which it leaves and the links to
// what it may download.
func (m *Mailing) Fields(e ledger.Entry) (map[string]string, error) {
	if m.Leave == nil && len(m.Downloads) == 0 {
		return e.Fields, nil
	}
	fields := make(map[string]string, len(e.Fields)+1+len(m.Downloads))
	maps.Copy(fields, e.Fields)
	if m.Leave != nil {
		fields[render.UnsubscribeField], _ = m.Leave(e.Address)
	}
	for _, d := range m.Downloads {
		link, err := d.Link(context.Background()) // it asks nobody
		if err != nil {
			return nil, fmt.Errorf("link to %s: %w", d.Name, err)
		}
		fields[render.DownloadField(d.Name)] = link
	}
	return fields, nil
}

// headers are the campaign's own and, where it has none of that name, those by
// which the recipient leaves.
func (m *Mailing) headers(e ledger.Entry) ([][2]string, error) {
	var out [][2]string
	for _, h := range m.Headers {
		value, err := h.Value.Render(e.Fields)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", h.Name, err)
		}
		out = append(out, [2]string{h.Name, value})
	}
	if m.Leave == nil || slices.ContainsFunc(out, isUnsubscribe) {
		return out, nil
	}
	_, ways := m.Leave(e.Address)
	return append(out, ways...), nil
}

func isUnsubscribe(header [2]string) bool { return strings.EqualFold(header[0], "List-Unsubscribe") }
