// Package message turns one letter into the bytes of one mail: headers, MIME
// tree, encoded bodies, inline images, attachments, Message-ID, signature. It
// is the only room that knows RFC 5322, and the only one that imports
// jordan-wright/email, which builds every MIME tree: once per shape, with
// sentinels where a recipient's own bytes go. Header blocks and encodings are
// ours, so a mail costs one copy of its bodies.
//
// The tree of the fullest mail is mixed(alternative(text, related(html, images),
// calendar), files). The library puts related inside alternative, where the
// images belong to the HTML alone; clients show this and the other valid order,
// related(alternative(text, html), images), alike.
//
// The room must never send, read the clock, or take anything from a list on
// trust: what cannot stand in a mail is an Unfit letter, not a repaired one.
package message

import (
	"fmt"
	"io"
	"net/mail"
	"slices"
	"strings"
	"time"
)

// A Letterhead is what all mails of one account and issue share.
type Letterhead struct {
	Campaign, Issue string
	From            mail.Address
	ReplyTo         []mail.Address
	Headers         [][2]string // name, value
	Key             []byte      // the installation's key for Message-IDs
	Domain          string      // right of the @ in Message-IDs; "" is the domain of From
	Signer          *Signer     // nil: the mails are not signed
}

// A Letter is what one recipient gets.
type Letter struct {
	To          mail.Address
	Subject     string
	Text, HTML  []byte // UTF-8 with any line ends; either may be empty
	Images      []Image
	Attachments []Attachment
	Invite      *Invite
	Headers     [][2]string // take the place of the letterhead's of the same name; an empty value leaves it out
	Date        time.Time   // written in its own zone
}

// An Image is a part that the HTML shows by "cid:".
type Image struct {
	CID, Name string
	Type      string // "image/png"; "" goes by the name
	File      string // absolute path, or "" when Data has the bytes
	Data      []byte
}

// An Attachment is a file below the folder of Files.
type Attachment struct {
	File string // slash-separated, relative to the folder, or absolute inside it
	Name string // as the recipient sees it; "" is the file's own
}

// Message is one mail, ready for the wire. It never holds a bare CR, a bare LF,
// a NUL or a byte above 127; no line is over 998 bytes, none of a body over 76.
type Message struct {
	ID       string // without <>
	From, To string // addresses of the envelope
	Subject  string
	Date     time.Time
	sheet    *sheet
}

// Envelope returns the addresses for MAIL FROM and RCPT TO.
func (m *Message) Envelope() (from, to string) { return m.From, m.To }

// Size is the length in bytes of what WriteTo writes.
func (m *Message) Size() int64 {
	var n int64
	for _, segment := range m.segments() {
		n += int64(len(segment))
	}
	return n
}

// WriteTo writes the mail with CRLF line ends, the last line's included.
func (m *Message) WriteTo(w io.Writer) (int64, error) {
	var n int64
	for _, segment := range m.segments() {
		k, err := w.Write(segment)
		n += int64(k)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// Wire returns the mail as it follows DATA, for writev, without the final dot.
// Nothing has to be dot-stuffed (RFC 5321 §4.5.2): no line of a mail begins
// with a dot, because the encoders see to it. The outer slice is the caller's,
// the bytes are shared and must not be changed.
func (m *Message) Wire() [][]byte { return slices.Clone(m.segments()) }

// Release gives the buffers back for the next mail; the message is empty
// afterwards. It need not be called, and may be called twice.
func (m *Message) Release() {
	if m.sheet != nil {
		m.sheet.release()
		m.sheet = nil
	}
}

func (m *Message) segments() [][]byte {
	if m.sheet == nil {
		return nil
	}
	return m.sheet.segments
}

// Unfit is why a letter cannot become a mail: one row's trouble, cured by
// editing the list or the campaign. Why is a literal format (and so a key of
// the message catalogue) with its Args apart.
type Unfit struct {
	Part string // the header's name, or "attachment a.pdf"
	Why  string
	Args []any
	Err  error // what the file system said, or nil
}

func unfit(part, why string, args ...any) *Unfit {
	return &Unfit{Part: part, Why: why, Args: args}
}

// Error returns "part: why".
func (u *Unfit) Error() string {
	var b strings.Builder
	b.WriteString(u.Part + ": ")
	fmt.Fprintf(&b, u.Why, u.Args...)
	if u.Err != nil {
		b.WriteString(": " + u.Err.Error())
	}
	return b.String()
}

// Unwrap returns what the file system said, if anything.
func (u *Unfit) Unwrap() error { return u.Err }
