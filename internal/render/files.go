package render

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"hongyan/internal/fault"
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

var frontKey = regexp.MustCompile(`^([^\s:#"'-][^\s:]*):`)

// front reads the front matter; what is wrong with it joins the faults.
func (p *parsing) front(src string) head {
	h := head{lines: map[string]int{}}
	line, file := 1, p.source.Template
	for text := range strings.Lines(src) {
		line++
		if m := frontKey.FindStringSubmatch(text); m != nil {
			h.lines[m[1]] = line
		}
	}
	values := map[string]any{}
	if err := yaml.Unmarshal([]byte(src), &values); err != nil {
		h.broken = true
		at, what := yamlError(err)
		p.fault(fault.At(file, at+1, "front matter: %s", what)).
			Hinted("a value with {{…}} stands in quotes: subject: '{{.name}}，你好'")
		return h
	}
	for _, key := range sortedKeys(values) {
		p.frontValue(&h, key, values[key])
	}
	return h
}

func (p *parsing) frontValue(h *head, key string, value any) {
	file, line := p.source.Template, h.lines[key]
	if key == "theme" {
		theme, ok := value.(map[string]any)
		if !ok {
			p.fault(fault.At(file, line, "theme: a map of names and values is wanted"))
			return
		}
		h.Theme = map[string]string{}
		for name, v := range theme {
			h.Theme[name] = fmt.Sprint(v)
		}
		return
	}
	text := strings.TrimSpace(fmt.Sprint(value))
	switch key {
	case "subject":
		h.Subject = text
	case "preheader":
		h.Preheader = text
	case "layout":
		h.Layout = text
	default:
		f := p.fault(fault.At(file, line, "front matter: unknown key %q", key))
		if near := fault.Near(key, frontKeys); near != "" {
			f.Hinted("did you mean %q?", near)
			return
		}
		f.Hinted("known keys: %s", strings.Join(frontKeys, ", "))
	}
}

var yamlPlace = regexp.MustCompile(`^\[(\d+):\d+\] (.*)`)

func yamlError(err error) (int, string) {
	first, _, _ := strings.Cut(yaml.FormatError(err, false, false), "\n")
	if m := yamlPlace.FindStringSubmatch(first); m != nil {
		return number(m[1]), m[2]
	}
	return 0, first
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
