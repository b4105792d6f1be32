// Package lint tells what is wrong with a mail before it is sent: size, links,
// images, unfilled holes, contrast, support by the readers' clients. It takes
// values and returns findings; it never changes the mail, opens no file, asks
// no network, and knows nothing of lists, accounts or sending.
package lint

import (
	"bytes"

	"hongyan/internal/fault"
)

// A Severity says what a finding should do to a check.
type Severity string

const (
	Error   Severity = "error"   // the mail must not go out like this
	Warning Severity = "warning" // likely a mistake; --strict makes it count
	Info    Severity = "info"    // good to know
)

// A Finding is one thing that is wrong with a mail.
type Finding struct {
	Rule     string // the id of one of Rules
	Severity Severity
	File     string // the template, or ""
	Line     int    // from 1; 0 when it cannot be told
	What     fault.Text
	Hint     fault.Text // how to mend it; zero when What says enough
}

// A Mail is what is looked at. Only Subject, HTML and Text are needed; the
// other values switch on the checks that need them.
type Mail struct {
	Subject, Preheader string
	HTML, Text         []byte
	Size, MaxSize      int64 // bytes on the wire, and what the provider takes; 0 = not known
	Images             []Image
	Template           string // name of the template file, for findings
	TemplateSource     []byte // to find lines, and to tell the author's words from the list's
	Clients            Clients
	Memory             *Memory // of the mails of the same template; may be nil
}

// An Image is an inline part of the mail.
type Image struct {
	CID, Name, Type string
	Size            int64 // bytes before encoding
}

// most bounds the findings of one rule in one mail.
const most = 20

// Check returns what is wrong with a mail, in the order of Rules' subjects:
// subject, sizes, text, links, images, clients. It is safe for concurrent use.
func Check(m Mail) []Finding {
	c := &check{mail: m, count: map[string]int{}}
	c.subject()
	p := readPage(m.HTML, m.Memory)
	c.sizes(p)
	c.parts(p)
	c.holes(p)
	c.emphasis(p)
	c.links(p)
	c.images(p)
	c.contrast(p)
	c.active(p)
	c.clients(p)
	return c.found
}

type check struct {
	mail  Mail
	found []Finding
	count map[string]int
}

// add notes a finding at the place where needle stands in the template.
func (c *check) add(rule rule, needle string, what, hint fault.Text) {
	if c.count[rule.id]++; c.count[rule.id] > most {
		return
	}
	c.found = append(c.found, Finding{
		Rule: rule.id, Severity: rule.severity,
		File: c.mail.Template, Line: c.line(needle), What: what, Hint: hint,
	})
}

// line finds the first line of the template that has the text, 0 if none has.
// Rendering changes what stands in the source, so this can only try.
func (c *check) line(needle string) int {
	if needle == "" || len(c.mail.TemplateSource) == 0 {
		return 0
	}
	at := bytes.Index(c.mail.TemplateSource, []byte(needle))
	if at < 0 {
		return 0
	}
	return 1 + bytes.Count(c.mail.TemplateSource[:at], []byte{'\n'})
}

func (c *check) sizes(p *page) {
	const clip, style = 102 << 10, 16 << 10
	if n := len(c.mail.HTML); n > clip {
		c.add(htmlSize, "", fault.Textf("the HTML is %d KB; Gmail cuts what is over 102 KB", kilo(n)),
			fault.Textf("shorten the text, or link to a page with the rest"))
	}
	if c.mail.MaxSize > 0 && c.mail.Size > c.mail.MaxSize {
		c.add(messageSize, "", fault.Textf("the mail is %d KB; the provider takes at most %d KB",
			kilo(int(c.mail.Size)), kilo(int(c.mail.MaxSize))),
			fault.Textf("shrink images and attachments (they grow by a third on the way), or send a link"))
	}
	if n := p.styles; n > style {
		c.add(styleSize, "<style", fault.Textf("<style> has %d KB; Gmail drops all of it past 16 KB", kilo(n)), fault.Text{})
	}
}

func kilo(n int) int { return (n + 1023) >> 10 }
