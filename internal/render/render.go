// Package render turns a Markdown template and the fields of one row into the
// content of one mail: subject, HTML and text. It owns Markdown, layouts, CSS
// and the functions of templates. It must never know addresses, headers, the
// list's file, or any file outside the folders of its template and layouts.
//
// A value is data. The template runs with the real values into a writer that
// tells literal text from printed values; the sequence of both is the shape of
// the mail. Markdown, layout and styles are worked out once for each shape,
// with a token in the place of each value; a recipient only fills the places,
// each value escaped for where it stands.
package render

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"hongyan/internal/fault"
)

// Source says what a template is made of.
type Source struct {
	Template    string            // path of the Markdown file
	Layout      string            // a name under Root/layouts, a path, or "none"; "" = front matter or "default"
	Subject     string            // the campaign's subject template; "" = front matter
	SubjectFile string            // where the subject stands, for faults; theme images may lie in its folder
	SubjectLine int               // its line, from 1
	Root        string            // folder of layouts/ and partials/; "" = only what ships
	Names                         // what the template may name
	Theme       map[string]string // laid over the front matter's theme and the defaults
	Lang        string            // BCP 47; "" = "zh-CN"
	Links       string            // links of the text part: "footnote" (default) or "inline"
	Unsubscribe bool              // each row has the address of its unsubscribe page in UnsubscribeField

	Preheader     string // the campaign's preheader template; "" = front matter
	PreheaderLine int    // its line in SubjectFile

	Lines map[string]int // of "layout" and "theme.KEY" in SubjectFile
}

// Names are what a template may name.
type Names struct {
	Columns   []string       // the list's columns; nil = not known, nothing is checked against them
	Downloads []string       // files that mails may link to; each row has their addresses, see DownloadField
	Data      map[string]any // what is the same for all recipients, .data.NAME; nil = the campaign has none
}

// UnsubscribeField is the field behind the function unsubscribe_url. No column
// can have its name in a template.
const UnsubscribeField = "unsubscribe_url()"

// Template is a mail that only lacks its values. It is safe for concurrent use.
type Template struct {
	source    Source
	body      *script
	subject   *Line
	preheader *Line
	page      *page
	shapes    *shapes
	records   sync.Pool
	papers    sync.Pool
	files     []string
	columns   []string
	downloads []string
	warnings  fault.Faults
}

// Content is one recipient's mail before it is composed.
type Content struct {
	Subject   string
	Preheader string
	Text      []byte  // UTF-8, LF lines, ends with LF
	HTML      []byte  // UTF-8
	Images    []Image // the inline parts that HTML refers to, each once

	paper *paper // that Text and HTML stand on
}

// A paper is used again after release.
type paper struct {
	html, text []byte
	home       *sync.Pool
}

// Release gives the bytes of Text and HTML back for the next mail. It need not
// be called, and must not be before the content is done with.
func (c *Content) Release() {
	if c.paper != nil {
		c.paper.home.Put(c.paper)
		c.paper, c.Text, c.HTML = nil, nil, nil
	}
}

// Image is an inline part.
type Image struct {
	CID  string // without "cid:" and angle brackets
	Name string // file name to show
	Type string // media type
	File string // absolute path, or "" when it was made here
	Data []byte // shared by all mails: not to be changed
}

// MissingField means that a row has no value for a field that the template
// prints; no mail can be made of the row.
type MissingField struct{ Name string }

func (e *MissingField) Error() string { return fmt.Sprintf("field %q is empty", e.Name) }

// limit bounds the literal and printed text of one mail, in bytes.
const limit = 1 << 20

// Parse reads a template and everything it uses. Its error is all faults at
// once, as fault.Faults, or a breakdown of the machine.
func Parse(s Source) (*Template, error) {
	if s.Lang == "" {
		s.Lang = "zh-CN"
	}
	p := &parsing{source: s}
	t, err := p.template()
	if err != nil {
		return nil, err
	}
	if err := p.faults.Err(); err != nil {
		return nil, unique(p.faults)
	}
	return t, nil
}

// Render makes one row's mail. A *MissingField or a *fault.Fault means that the
// row cannot become a mail.
func (t *Template) Render(fields map[string]string) (Content, error) {
	subject, err := t.subject.Render(fields)
	if err != nil {
		return Content{}, err
	}
	preheader, err := t.preheader.Render(fields)
	if err != nil {
		return Content{}, err
	}
	r := t.records.Get().(*record)
	defer t.records.Put(r)
	if err := r.run(t.body, fields); err != nil {
		return Content{}, err
	}
	sh, err := t.shape(r)
	if err != nil {
		return Content{}, err
	}
	r.frame(subject, preheader, fields[UnsubscribeField])
	c := Content{Subject: subject, Preheader: preheader, paper: t.papers.Get().(*paper)}
	c.paper.html = sh.html.fill(c.paper.html, r)
	c.paper.text = sh.text.fill(c.paper.text, r)
	c.HTML, c.Text = c.paper.html, c.paper.text
	c.Images = slices.Concat(sh.images, r.images)
	return c, nil
}

// Files returns every input file, absolute: template, layout, partials, styles
// and images. What ships inside the program is left out.
func (t *Template) Files() []string { return slices.Clone(t.files) }

// Columns returns the columns that the template and the subject use, sorted.
func (t *Template) Columns() []string { return slices.Clone(t.columns) }

// Warnings returns what is allowed but hardly meant, such as a ** that did not
// become bold.
func (t *Template) Warnings() fault.Faults { return slices.Clone(t.warnings) }

func unique(fs fault.Faults) fault.Faults {
	seen := map[string]bool{}
	return slices.DeleteFunc(fs.Sorted(), func(f *fault.Fault) bool {
		key := f.Error()
		was := seen[key]
		seen[key] = true
		return was
	})
}

// Line is a template of one line: a subject, a file name, a header value.
type Line struct {
	script  *script
	empty   bool
	columns []string
	records sync.Pool
}

// ParseLine reads a one-line template that stands at a line of a file.
func ParseLine(file string, line int, src string, names Names) (*Line, error) {
	p := &parsing{source: Source{Names: names, Unsubscribe: true}} // the row shows whether it has a way out
	l := p.line(file, line, src)
	if err := p.faults.Err(); err != nil {
		return nil, unique(p.faults)
	}
	l.columns = p.used()
	return l, nil
}

// Render fills the line. Line breaks and other controls in a value become
// blanks: a value cannot begin a new line.
func (l *Line) Render(fields map[string]string) (string, error) {
	if l.empty {
		return "", nil
	}
	r := l.records.Get().(*record)
	defer l.records.Put(r)
	if err := r.run(l.script, fields); err != nil {
		return "", err
	}
	return oneLine(r.plain()), nil
}

// Columns returns the columns that the line uses, sorted.
func (l *Line) Columns() []string { return slices.Clone(l.columns) }

func oneLine(s string) string {
	if strings.IndexFunc(s, breaking) < 0 {
		return s
	}
	s = strings.ReplaceAll(s, "\r\n", " ")
	return strings.Map(func(r rune) rune {
		if breaking(r) {
			return ' '
		}
		return r
	}, s)
}

// breaking reports whether a rune may end a line or is a control character.
func breaking(r rune) bool {
	return r < 0x20 || 0x7f <= r && r < 0xa0 || r == '\u2028' || r == '\u2029'
}
