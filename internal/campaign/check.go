package campaign

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hongyan/internal/fault"
	"hongyan/internal/list"
)

// Check looks whether what the campaign names is there: the files, and an
// address to reply to that is one. Attachments whose name depends on the
// recipient are not looked for.
func (c *Campaign) Check() fault.Faults {
	var faults fault.Faults
	add := func(f *fault.Fault) {
		if f != nil {
			faults = append(faults, f)
		}
	}
	add(c.checkFile("template", c.Template))
	if c.LayoutIsPath() {
		add(c.checkFile("layout", c.Layout))
	}
	add(c.checkFile("recipients", c.Recipients.File))
	add(c.checkReplyTo())
	return append(faults, c.checkAttachments()...)
}

func (c *Campaign) checkFile(key, name string) *fault.Fault {
	if name == "" { // Parse has told that the key is missing
		return nil
	}
	if _, deeper := c.Lines[key+".file"]; deeper {
		key += ".file"
	}
	info, err := os.Stat(name)
	return asked{key, name, filepath.Dir(name)}.missing(c.at(key, ""), info, err)
}

// asked is a file that is looked for: by which key, by what name, in which folder.
type asked struct{ key, name, dir string }

// missing says in the fault what is wrong with the file; nil if it is there.
func (a asked) missing(f *fault.Fault, info fs.FileInfo, err error) *fault.Fault {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.What = fault.Textf("%s: there is no file %s", a.key, a.name)
		if near := fault.Near(filepath.Base(a.name), filesIn(a.dir)); near != "" {
			f.Hinted("did you mean %q?", filepath.Join(filepath.Dir(a.name), near))
		}
	case err != nil:
		f.What = fault.Textf("%s: %s cannot be read: %s", a.key, a.name, err.Error())
	case !info.Mode().IsRegular():
		f.What = fault.Textf("%s: %s is not a file", a.key, a.name)
	default:
		return nil
	}
	return f
}

func filesIn(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

func (c *Campaign) checkReplyTo() *fault.Fault {
	if c.ReplyTo == "" {
		return nil
	}
	_, _, _, bad := list.ParseAddress(c.ReplyTo)
	if bad == nil {
		return nil
	}
	f := c.at("reply_to", "reply_to: %s", bad.What)
	f.Hint = bad.Hint
	return f
}

// checkAttachments looks for them through the root that they may not leave.
func (c *Campaign) checkAttachments() fault.Faults {
	if len(c.Attachments) == 0 && c.Lines["attachments_root"] == 0 {
		return nil
	}
	root, err := os.OpenRoot(c.AttachmentsRoot)
	if err != nil {
		return fault.Faults{c.at("attachments_root", "attachments_root: there is no folder %s", c.AttachmentsRoot)}
	}
	defer root.Close() //nolint:errcheck // only read from
	var faults fault.Faults
	for _, a := range c.Attachments {
		if a.Templated() {
			continue
		}
		if f := c.checkAttachment(root, a); f != nil {
			faults = append(faults, f)
		}
	}
	return faults
}

func (c *Campaign) checkAttachment(root *os.Root, a Attachment) *fault.Fault {
	f := fault.At(c.File, a.Line, "")
	name := filepath.FromSlash(a.File)
	info, err := root.Stat(name)
	if err != nil && leaves(name, err) {
		f.What = fault.Textf("attachments: %s lies outside the folder %s", a.File, c.AttachmentsRoot)
		return f.Hinted("name the folder that holds all attachments with attachments_root:")
	}
	return asked{"attachments", a.File, filepath.Join(c.AttachmentsRoot, filepath.Dir(name))}.missing(f, info, err)
}

// leaves tells whether a root refused a name because it leads out of it; the
// standard library has no error value for it.
func leaves(name string, err error) bool {
	return !filepath.IsLocal(name) || strings.Contains(err.Error(), "escapes")
}
