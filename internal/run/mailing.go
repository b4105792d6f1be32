package run

import (
	"fmt"
	"net/mail"
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
	content, err := m.Template.Render(e.Fields)
	if err != nil {
		return nil, err
	}
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
	if letter.Headers, err = m.headers(e.Fields); err != nil {
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

func (m *Mailing) headers(fields map[string]string) ([][2]string, error) {
	if len(m.Headers) == 0 {
		return nil, nil
	}
	out := make([][2]string, len(m.Headers))
	for i, h := range m.Headers {
		value, err := h.Value.Render(fields)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", h.Name, err)
		}
		out[i] = [2]string{h.Name, value}
	}
	return out, nil
}
