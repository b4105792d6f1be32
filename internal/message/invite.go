package message

import (
	"net/mail"
	"strconv"
	"strings"
	"time"
)

// An Invite is one event of a calendar that comes with a mail (RFC 5545), as
// Gmail and Outlook take it: a text/calendar alternative of the bodies, and the
// same once more as invite.ics.
type Invite struct {
	UID                            string // the same in every mail about the event; "" is the mail's ID
	Start, End                     time.Time
	Summary, Location, Description string
	Organizer                      mail.Address // zero: the mail's From
	Attendee                       mail.Address // zero: the mail's To
	Method                         string       // "REQUEST" (also ""), "PUBLISH" or "CANCEL"
	Sequence                       int          // one more at every change of the event
}

// ICS returns the calendar as a file. stamp is when it was written.
func (v *Invite) ICS(stamp time.Time) ([]byte, error) {
	if err := v.check(); err != nil {
		return nil, err
	}
	c := &calendar{}
	c.line("BEGIN:VCALENDAR")
	c.line("VERSION:2.0")
	c.line("PRODID:-//hongyan//hongyan//EN")
	c.line("CALSCALE:GREGORIAN")
	c.line("METHOD:" + v.method())
	c.line("BEGIN:VEVENT")
	c.line("UID:" + escape(v.UID))
	c.line("DTSTAMP:" + utc(stamp))
	c.line("DTSTART:" + utc(v.Start))
	c.line("DTEND:" + utc(v.End))
	c.line("SEQUENCE:" + strconv.Itoa(v.Sequence))
	c.line("STATUS:" + v.status())
	c.text("SUMMARY", v.Summary)
	c.text("LOCATION", v.Location)
	c.text("DESCRIPTION", v.Description)
	c.line("ORGANIZER" + person(v.Organizer))
	if v.method() != "PUBLISH" { // which has none, RFC 5546 §3.2.1
		c.line("ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE" + person(v.Attendee))
	}
	c.line("TRANSP:OPAQUE")
	c.line("END:VEVENT")
	c.line("END:VCALENDAR")
	return c.out, nil
}

func (v *Invite) check() error {
	for _, text := range []string{v.UID, v.Summary, v.Location, v.Description} {
		if strings.IndexByte(text, 0) >= 0 {
			return unfit("invitation", "holds a NUL")
		}
	}
	switch {
	case v.UID == "" || v.Summary == "":
		return unfit("invitation", "needs a summary and a UID")
	case v.Start.IsZero() || v.End.Before(v.Start):
		return unfit("invitation", "must end after it starts")
	case v.method() != "REQUEST" && v.method() != "PUBLISH" && v.method() != "CANCEL":
		return unfit("invitation", "has an unknown method %q", v.Method)
	}
	if err := checkMailbox("invitation", v.Organizer); err != nil {
		return err
	}
	return checkMailbox("invitation", v.Attendee)
}

func (v *Invite) method() string {
	if v.Method == "" {
		return "REQUEST"
	}
	return strings.ToUpper(v.Method)
}

func (v *Invite) status() string {
	if v.method() == "CANCEL" {
		return "CANCELLED"
	}
	return "CONFIRMED"
}

// forMail returns the invitation with what it leaves open taken from the mail.
func (v Invite) forMail(m *Message, from, to mail.Address) Invite {
	if v.UID == "" {
		v.UID = m.ID
	}
	if v.Organizer.Address == "" {
		v.Organizer = from
	}
	if v.Attendee.Address == "" {
		v.Attendee = to
	}
	return v
}

func utc(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// escape writes a TEXT value, RFC 5545 §3.3.11.
func escape(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`).Replace(s)
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' {
			return -1
		}
		return r
	}, s)
}

// person writes the name as a quoted parameter, in which no quote may stand
// (RFC 5545 §3.2), and the address.
func person(a mail.Address) string {
	name := strings.Trim(strings.ReplaceAll(strings.ToValidUTF8(a.Name, "\uFFFD"), `"`, "'"), " \t")
	if name == "" {
		return ":mailto:" + a.Address
	}
	return `;CN="` + name + `":mailto:` + a.Address
}

type calendar struct{ out []byte }

func (c *calendar) text(name, value string) {
	if value != "" {
		c.line(name + ":" + escape(value))
	}
}

// line folds at 75 bytes between characters, RFC 5545 §3.1.
func (c *calendar) line(s string) {
	for room := 75; ; room = 74 {
		n := cut(s, room)
		c.out = append(append(c.out, s[:n]...), "\r\n"...)
		if s = s[n:]; s == "" {
			return
		}
		c.out = append(c.out, ' ')
	}
}
