package render

import (
	"cmp"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"hongyan/internal/fault"
	"hongyan/internal/outline"
	"hongyan/templates"
)

// maxFile bounds each input file, in bytes.
const maxFile = 16 << 20

// readFile reads a file of a folder; no name leads out of the folder.
func readFile(dir, name string) (data []byte, abs string, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, "", err
	}
	defer root.Close()
	info, err := root.Stat(name)
	if err != nil {
		return nil, "", err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, "", fault.At("", 0, "%q is not a file of at most %d MiB", name, maxFile>>20)
	}
	data, err = root.ReadFile(name)
	if err != nil {
		return nil, "", err
	}
	abs, err = filepath.Abs(filepath.Join(dir, name))
	return data, abs, err
}

// A partial is a piece of a template or a layout, or a style sheet.
type partial struct {
	shown   string // the name that faults show
	path    string // absolute, or "" when it ships inside the program
	text    string
	garbled *fault.Fault // if not nil it cannot be used
}

// piece makes a partial of a file that was read.
func (p *parsing) piece(shown, abs string, data []byte) partial {
	part := partial{shown: shown, path: abs, text: clean(strings.TrimPrefix(string(data), "\ufeff")), garbled: fault.NotUTF8(shown, data)}
	if p.texts == nil {
		p.texts = map[string]string{}
	}
	p.texts[shown] = part.text
	return part
}

// take notes that a partial is used, and reports whether it can be.
func (p *parsing) take(part partial) bool {
	p.files = append(p.files, part.path)
	if part.garbled != nil {
		p.fault(part.garbled)
	}
	return part.garbled == nil
}

func (p *parsing) readPartials() {
	p.partials = p.readFolder("partials", ".md", ".html")
}

// readFolder reads the files of a folder under Root by their names without
// extension; a file on disk wins over one that ships.
func (p *parsing) readFolder(folder string, exts ...string) map[string]partial {
	out := map[string]partial{}
	for _, name := range matching(templates.FS, folder, exts) {
		if data, err := templates.FS.ReadFile(path.Join(folder, name)); err == nil {
			out[stem(name)] = partial{shown: "hongyan:" + path.Join(folder, name), text: string(data)}
		}
	}
	if p.source.Root == "" {
		return out
	}
	root, err := os.OpenRoot(p.source.Root)
	if err != nil {
		return out // no folder is no fault: then only what ships is known
	}
	defer root.Close()
	for _, name := range matching(root.FS(), folder, exts) {
		shown := filepath.Join(p.source.Root, folder, name)
		data, abs, err := readFile(p.source.Root, filepath.Join(folder, name))
		if err != nil {
			p.unreadable(shown, 0, err)
			continue
		}
		out[stem(name)] = p.piece(shown, abs, data)
	}
	return out
}

func matching(fsys fs.FS, folder string, exts []string) []string {
	entries, err := fs.ReadDir(fsys, folder)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if !e.IsDir() && slices.Contains(exts, path.Ext(e.Name())) {
			out = append(out, e.Name())
		}
	}
	return out
}

// stem is the name by which a file is called: style sheets keep their extension.
func stem(name string) string {
	if path.Ext(name) == ".css" {
		return name
	}
	return strings.TrimSuffix(name, path.Ext(name))
}

var frontKeys = []string{"subject", "preheader", "layout", "theme"}

// front reads the front matter; what is wrong with it joins the faults.
func (p *parsing) front(src string) head {
	h := head{lines: map[string]int{}}
	tree, bad := outline.Parse([]byte(src))
	if bad != nil {
		h.broken = true
		f := p.fault(fault.At(p.source.Template, bad.Line+1, "front matter: %s", bad.What))
		if f.Hint = bad.Hint; f.Hint.Format == "" {
			f.Hinted("a value with {{…}} stands in quotes: subject: '{{.name}}，你好'")
		}
		return h
	}
	if tree.Body == nil {
		return h
	}
	body, ok := tree.Follow(tree.Body).(*ast.MappingNode)
	if !ok {
		h.broken = true
		p.fault(fault.At(p.source.Template, outline.Line(tree.Body)+1, "front matter: keys with values are wanted")).
			Hinted("known keys: %s", strings.Join(frontKeys, ", "))
		return h
	}
	for _, pair := range body.Values {
		p.frontValue(&h, tree, pair)
	}
	return h
}

func (p *parsing) frontValue(h *head, tree outline.Outline, pair *ast.MappingValueNode) {
	key, file, line := pair.Key.GetToken().Value, p.source.Template, outline.Line(pair.Key)+1
	h.lines[key] = line
	into := map[string]*string{"subject": &h.Subject, "preheader": &h.Preheader, "layout": &h.Layout}[key]
	switch {
	case key == "theme":
		h.Theme = p.frontTheme(tree, pair)
	case into == nil:
		f := p.fault(fault.At(file, line, "front matter: unknown key %q", key))
		if near := fault.Near(key, frontKeys); near != "" {
			f.Hinted("did you mean %q?", near)
			return
		}
		f.Hinted("known keys: %s", strings.Join(frontKeys, ", "))
	default:
		h.broken = !p.frontText(into, tree, key, pair) || h.broken
	}
}

// frontText takes a single value as it is written. A key without a value counts
// as absent.
func (p *parsing) frontText(into *string, tree outline.Outline, name string, pair *ast.MappingValueNode) bool {
	if _, none := tree.Follow(pair.Value).(*ast.NullNode); none {
		return true
	}
	text, ok := tree.Text(pair.Value)
	if !ok {
		p.fault(fault.At(p.source.Template, outline.Line(pair.Key)+1, "front matter: %s must be a text", name)).Hinted("put it in quotes")
		return false
	}
	*into = strings.TrimSpace(text)
	return true
}

func (p *parsing) frontTheme(tree outline.Outline, pair *ast.MappingValueNode) map[string]string {
	theme := map[string]string{}
	switch values := tree.Follow(pair.Value).(type) {
	case *ast.NullNode:
	case *ast.MappingNode:
		for _, value := range values.Values {
			var text string
			if name := value.Key.GetToken().Value; p.frontText(&text, tree, "theme."+name, value) {
				theme[name] = text
			}
		}
	default:
		p.fault(fault.At(p.source.Template, outline.Line(pair.Key)+1, "theme: a map of names and values is wanted"))
	}
	return theme
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

func distinct(list []string) []string {
	out := slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
	slices.Sort(out)
	return slices.Compact(out)
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
