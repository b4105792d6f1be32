package campaign

import (
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"hongyan/internal/fault"
	"hongyan/internal/outline"
)

// source takes the list: a file name, or a map of it and how to read it.
func (r *reader) source(into *Source) func(string, ast.Node) {
	return func(path string, value ast.Node) {
		if name, ok := r.tree.Text(value); ok {
			into.File = name
			return
		}
		if _, ok := r.tree.Follow(value).(*ast.MappingNode); !ok {
			r.at(value, "%s must be the name of a file or a map, not %s", path, r.kind(value)).
				Hinted("like recipients: list.csv, or recipients: {file: list.csv, email: 邮箱}")
			return
		}
		before := len(r.faults)
		r.mapping(value, path, []key{
			{"file", r.text(&into.File)},
			{"encoding", r.line(&into.Encoding)},
			{"delimiter", r.text(&into.Delimiter)},
			{"sheet", r.line(&into.Sheet)},
			{"email", r.line(&into.Email)},
			{"rows", r.line(&into.Rows)},
			{"where", r.text(&into.Where)},
		})
		if into.File == "" && len(r.faults) == before {
			r.at(value, "the key %s is missing", join(path, "file"))
		}
	}
}

// attachments takes a list of file names, or of maps of a file and the name it goes by.
func (r *reader) attachments(into *[]Attachment) func(string, ast.Node) {
	return func(path string, value ast.Node) {
		for _, item := range r.items(path, value) {
			a := Attachment{Line: outline.Line(item)}
			if name, ok := r.tree.Text(item); ok {
				a.File = name
			} else {
				r.attachment(&a, path, item)
			}
			if a.File == "" && !r.faultyAt(a.Line) {
				r.at(item, "an attachment without a file").Hinted(`like brochure.pdf, or {file: a.pdf, name: "发票-{{.name}}.pdf"}`)
			}
			*into = append(*into, a)
		}
	}
}

// defaultExpiry is how long a link to a file is good unless the campaign says.
const defaultExpiry = 7 * 24 * time.Hour

func (r *reader) attachment(a *Attachment, path string, item ast.Node) {
	var as, expires string
	keys := map[string]int{}
	r.mapping(item, path, []key{
		{"file", r.line(&a.File)},
		{"name", r.line(&a.Name)},
		{"as", r.lined(&as, keys)},
		{"expires", r.lined(&expires, keys)},
	})
	switch as {
	case "", "file":
	case "link":
		a.Link, a.Expires = true, defaultExpiry
	default:
		r.atLine(keys["as"], "an attachment cannot go as %q", as).Hinted("write as: link, or leave it out")
	}
	if expires == "" {
		return
	}
	var ok bool
	if a.Expires, ok = inDays(expires); !ok || !a.Link {
		r.atLine(keys["expires"], "expires: %q will not do", expires).Hinted("beside as: link, like 30d or 12h")
	}
}

// lined takes a text and the line on which its key stands: keys of a list's
// items have no line of their own in Lines.
func (r *reader) lined(into *string, lines map[string]int) func(string, ast.Node) {
	return func(path string, value ast.Node) {
		lines[path[strings.LastIndexByte(path, '.')+1:]] = outline.Line(value)
		r.line(into)(path, value)
	}
}

// inDays reads 30d or 12h.
func inDays(text string) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	unit := map[bool]time.Duration{true: 24 * time.Hour, false: time.Hour}[strings.HasSuffix(text, "d")]
	n, err := strconv.Atoi(strings.TrimRight(text, "dh"))
	ends := strings.HasSuffix(text, "d") || strings.HasSuffix(text, "h")
	return time.Duration(n) * unit, err == nil && ends && n > 0 && n <= 10*365*24
}

func (r *reader) faultyAt(line int) bool {
	return slices.ContainsFunc(r.faults, func(f *fault.Fault) bool { return f.Line == line })
}

// headers takes header fields of the user's own, in their order.
func (r *reader) headers(into *[]Header) func(string, ast.Node) {
	return func(path string, value ast.Node) {
		r.mapping(value, path, []key{{anyKey, func(full string, value ast.Node) {
			h := Header{Name: strings.TrimPrefix(full, path+"."), Line: r.lines[full]}
			r.line(&h.Value)(full, value)
			if r.headerName(h, *into) {
				*into = append(*into, h)
			}
		}}})
	}
}

func (r *reader) headerName(h Header, before []Header) bool {
	key := ownKey(h.Name)
	same := slices.IndexFunc(before, func(other Header) bool { return strings.EqualFold(other.Name, h.Name) })
	switch {
	case !isFieldName(h.Name):
		r.atLine(h.Line, "%q cannot be the name of a header field", h.Name).
			Hinted("ASCII letters, digits and hyphens, like X-Campaign")
	case key.Format != "":
		r.atLine(h.Line, "the header field %s is not to be set here", h.Name).Hint = key
	case same >= 0:
		r.atLine(h.Line, "the header field %s stands here again, first in line %d", h.Name, before[same].Line)
	default:
		return true
	}
	return false
}

// isFieldName tells whether s is made of ftext (RFC 5322 §3.6.8).
func isFieldName(s string) bool {
	bad := func(r rune) bool { return r < '!' || r > '~' || r == ':' }
	return s != "" && len(s) <= 76 && !strings.ContainsFunc(s, bad)
}

// ownKey says what to use instead of a header field that hongyan writes itself;
// zero for the others.
func ownKey(name string) fault.Text {
	name = textproto.CanonicalMIMEHeaderKey(name)
	switch name {
	case "From", "Sender":
		return fault.Textf("the sender is the account's: account:")
	case "To":
		return fault.Textf("the recipients are the list's: recipients:")
	case "Cc", "Bcc":
		return fault.Textf("each mail goes to one recipient: give the others a row in the list")
	case "Subject":
		return fault.Textf("use the key subject:")
	case "Reply-To":
		return fault.Textf("use the key reply_to:")
	case "Date", "Message-Id", "Return-Path", "Received", "Dkim-Signature", "Mime-Version":
		return fault.Textf("hongyan or the server writes it")
	}
	if strings.HasPrefix(name, "Content-") || strings.HasPrefix(name, "Mime-") || strings.HasPrefix(name, "Resent-") {
		return fault.Textf("hongyan or the server writes it")
	}
	return fault.Text{}
}

// theme takes the variables of the layout.
func (r *reader) theme(into map[string]string) func(string, ast.Node) {
	return func(path string, value ast.Node) {
		r.mapping(value, path, []key{{anyKey, func(full string, value ast.Node) {
			var text string
			r.text(&text)(full, value)
			into[strings.TrimPrefix(full, path+".")] = text
		}}})
	}
}

// textPart takes how the plain-text part is to be written.
func (r *reader) textPart(links *string) func(string, ast.Node) {
	return func(path string, value ast.Node) {
		r.mapping(value, path, []key{{"links", func(full string, value ast.Node) {
			r.text(links)(full, value)
			if *links != "footnote" && *links != "inline" && *links != "" {
				r.at(value, "%s is %q and must be footnote or inline", full, *links)
			}
		}}})
	}
}

// accounts joins the two ways to name accounts.
func (r *reader) accounts(one string, several []string) []string {
	line := r.lines["accounts"]
	switch {
	case r.lines["account"] > 0 && line > 0:
		r.atLine(line, "account and accounts are both told").Hinted("keep one of them")
	case r.lines["account"] > 0:
		several = []string{one}
		line = r.lines["account"]
	case line > 0 && len(several) == 0 && !r.faultyAt(line):
		r.atLine(line, "accounts is empty").Hinted("leave it out to use the default account")
	}
	for i, name := range several {
		if slices.Contains(several[:i], name) {
			r.atLine(line, "the account %s is named twice", name)
		}
	}
	return several
}

// names checks the names that become names of files.
func (r *reader) names(c *Campaign) {
	if line := r.lines["name"]; line > 0 && !isFileName(c.Name, "-_.") && !r.faultyAt(line) {
		r.atLine(line, "the name %q cannot be the name of a folder", c.Name).
			Hinted("letters, 汉字, digits and - _ . up to %d characters; reports are kept under it", maxName)
	}
	if line := r.lines["list"]; line > 0 && !isFileName(c.List, "-_.") && !r.faultyAt(line) {
		r.atLine(line, "%q cannot be the name of a list", c.List).
			Hinted("letters, 汉字, digits and - _ . up to %d characters", maxName)
	}
	if c.List == everyList || c.List == "" && c.Name == everyList {
		r.atLine(max(r.lines["list"], r.lines["name"]), "%q means all lists", everyList).Hinted("call the list otherwise, with list:")
	}
	if line := r.lines["issue"]; line > 0 && !isFileName(c.Issue, "-_.:") && !r.faultyAt(line) {
		r.atLine(line, "the issue %q cannot be the name of a file", c.Issue).
			Hinted("letters, 汉字, digits and - _ . : up to %d characters; reports are kept under it", maxName)
	}
}

// everyList is what suppressions of all lists are under.
const everyList = "all"

// maxName keeps the longest file name made of it below 255 bytes.
const maxName = 64

func isFileName(s, marks string) bool {
	if s == "" || strings.ContainsAny(s[:1], marks) || strings.HasSuffix(s, ".") || utf8.RuneCountInString(s) > maxName {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(marks, r)
	})
}
