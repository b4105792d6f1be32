// Package campaign reads a campaign file: its shape, its defaults and all its
// faults at once, each with line and hint. It must never open a socket, know
// SMTP or the time, or look into the template and the list that it names.
package campaign

import (
	"cmp"
	"path/filepath"
	"strings"
	"time"

	"hongyan/internal/data"
	"hongyan/internal/fault"
	"hongyan/internal/lint"
	"hongyan/internal/list"
	"hongyan/internal/schedule"
)

// Campaign is a campaign file that has been read: its shape is right, and its
// paths stand as seen from the working directory. Whether the files are there
// says Check.
type Campaign struct {
	File string // the campaign file as it was named
	Dir  string // its folder
	Name string // safe as the name of a file

	Accounts  []string // none: the default account
	Subject   string   // a template of one line; "": the template's front matter has it
	Template  string   // path
	Layout    string   // a name, a path (it has a slash or ends in .html) or "none"; "": left to the template
	Preheader string   // a template of one line; "": left to the template
	ReplyTo   string   // an address, as written
	Issue     string   // "": the main issue
	List      string   // whose suppressions count; the campaign's name unless told
	Links     string   // of the text part: "footnote", "inline" or "" (left to the template)

	Recipients      Source
	Attachments     []Attachment
	AttachmentsRoot string // the folder that no attachment may leave; Dir unless told
	Headers         []Header
	Theme           map[string]string
	Invite          *Invite // nil: the mails are no invitations
	Lint            lint.Options
	Schedule        *schedule.Schedule // nil: issues are begun by hand
	Data            []data.Source      // what each issue tells afresh
	OnlyNew         string             // the feed without whose new items there is no issue; "": none

	// Lines has the line of each key, for faults that are found later; a key
	// below another is written with a dot: "recipients.where".
	Lines map[string]int
}

// Source is the list and how to read it.
type Source struct {
	File                                           string // path
	Encoding, Delimiter, Sheet, Email, Rows, Where string // as in list.Options
}

// Attachment is a file that goes with each mail. File, as seen from
// AttachmentsRoot, and Name are templates; a Name of "" is the file's own.
type Attachment struct {
	File, Name string
	Line       int
	Link       bool          // it lies in a storage, and the mail has a link to it
	Expires    time.Duration // of the link
}

// Templated tells whether the file differs from recipient to recipient.
func (a Attachment) Templated() bool { return strings.Contains(a.File, "{{") }

// Carried returns the attachments that go inside the mails.
func (c *Campaign) Carried() []Attachment { return c.attached(false) }

// Linked returns those that the mails link to.
func (c *Campaign) Linked() []Attachment { return c.attached(true) }

func (c *Campaign) attached(link bool) (out []Attachment) {
	for _, a := range c.Attachments {
		if a.Link == link {
			out = append(out, a)
		}
	}
	return out
}

// Header is a header field of the user's own; Value is a template of one line.
type Header struct {
	Name, Value string
	Line        int
}

// ListOptions returns how to read the list, with the places of the options.
func (c *Campaign) ListOptions() list.Options {
	s := c.Recipients
	o := list.Options{
		Encoding: s.Encoding, Delimiter: s.Delimiter, Sheet: s.Sheet, Email: s.Email, Rows: s.Rows, Where: s.Where,
		File: c.File, Lines: map[string]int{},
	}
	for key, line := range c.Lines {
		if option, ok := strings.CutPrefix(key, "recipients."); ok {
			o.Lines[option] = line
		}
	}
	return o
}

// Parse reads the bytes of a campaign file. Everything that is wrong comes back
// at once as fault.Faults, beside the campaign as far as it could be made out,
// so that its files' faults can be told too; nil if it is no YAML. Relative paths
// are taken from the file's folder.
func Parse(file string, src []byte) (*Campaign, error) {
	c := &Campaign{File: file, Dir: filepath.Dir(file), Theme: map[string]string{}, Lines: map[string]int{}}
	r := &reader{file: file, lines: c.Lines}
	top := r.document(src)
	if top == nil {
		return nil, r.faults
	}
	var account string
	var accounts []string
	r.mapping(top, "", []key{
		{"name", r.text(&c.Name)},
		{"account", r.text(&account)},
		{"accounts", r.texts(&accounts)},
		{"subject", r.line(&c.Subject)},
		{"template", r.text(&c.Template)},
		{"layout", r.text(&c.Layout)},
		{"preheader", r.line(&c.Preheader)},
		{"recipients", r.source(&c.Recipients)},
		{"reply_to", r.line(&c.ReplyTo)},
		{"attachments", r.attachments(&c.Attachments)},
		{"attachments_root", r.text(&c.AttachmentsRoot)},
		{"headers", r.headers(&c.Headers)},
		{"theme", r.theme(c.Theme)},
		{"text", r.textPart(&c.Links)},
		{"issue", r.text(&c.Issue)},
		{"list", r.text(&c.List)},
		{"invite", r.invite(&c.Invite)},
		{"lint", r.lint(&c.Lint)},
		{"schedule", r.schedule(&c.Schedule)},
		{"data", r.sources(&c.Data)},
		{"only_new", r.line(&c.OnlyNew)},
	})
	c.Accounts = r.accounts(account, accounts)
	r.required("name", "template", "recipients")
	r.names(c)
	r.editions()
	r.onlyNew(c)
	c.List = cmp.Or(c.List, c.Name)
	c.settle()
	return c, r.faults.Err()
}

// settle makes the paths stand as seen from the working directory.
func (c *Campaign) settle() {
	for _, file := range []*string{&c.Template, &c.Recipients.File} {
		if *file != "" {
			*file = c.path(*file)
		}
	}
	for i, s := range c.Data {
		if s.From != "" && !s.Online() {
			c.Data[i].From = c.path(s.From)
		}
	}
	c.AttachmentsRoot = c.path(c.AttachmentsRoot)
	if c.LayoutIsPath() {
		c.Layout = c.path(c.Layout)
	}
}

// LayoutIsPath tells a path from the name of a layout.
func (c *Campaign) LayoutIsPath() bool {
	return strings.ContainsAny(c.Layout, `/\`) || strings.HasSuffix(c.Layout, ".html")
}

func (c *Campaign) path(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(c.Dir, filepath.FromSlash(name))
}

// at returns a fault at the line of a key.
func (c *Campaign) at(key, format string, args ...any) *fault.Fault {
	return fault.At(c.File, c.Lines[key], format, args...)
}
