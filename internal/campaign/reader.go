package campaign

import (
	"bytes"
	"slices"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"hongyan/internal/fault"
	"hongyan/internal/outline"
)

// reader walks the tree of a YAML file and collects faults. It does not decode:
// a decoder stops at the first fault, and makes numbers out of codes (0123) and
// truth out of words.
type reader struct {
	file   string
	faults fault.Faults
	lines  map[string]int // of the keys seen
	tree   outline.Outline
}

// key is a key of a mapping and what takes its value; path is its full name.
type key struct {
	name string
	take func(path string, value ast.Node)
}

func (r *reader) at(node ast.Node, format string, args ...any) *fault.Fault {
	return r.atLine(outline.Line(node), format, args...)
}

func (r *reader) atLine(line int, format string, args ...any) *fault.Fault {
	f := fault.At(r.file, line, format, args...)
	r.faults = append(r.faults, f)
	return f
}

// document returns the one mapping of the file; nil with faults if there is none.
func (r *reader) document(src []byte) ast.Node {
	if bad := fault.NotUTF8(r.file, src); bad != nil {
		r.faults = append(r.faults, bad)
		return nil
	}
	tree, bad := outline.Parse(src, parser.AllowDuplicateMapKey()) // duplicates are faults of ours
	if bad != nil {
		r.syntax(src, bad)
		return nil
	}
	if tree.Body == nil {
		r.atLine(0, "the file is empty").Hinted("a campaign needs name, template and recipients")
		return nil
	}
	r.tree = tree
	if _, ok := r.tree.Follow(tree.Body).(*ast.MappingNode); !ok {
		r.at(tree.Body, "a campaign is a list of keys with values").Hinted("like name: welcome")
		return nil
	}
	return tree.Body
}

// syntax reports YAML that cannot be read, with the hint that mostly cures it.
func (r *reader) syntax(src []byte, f *fault.Fault) {
	f.File = r.file
	r.faults = append(r.faults, f)
	if f.Hint.Format != "" {
		return
	}
	text := ""
	if lines := bytes.Split(src, []byte("\n")); f.Line <= len(lines) && f.Line > 0 {
		text = string(lines[f.Line-1])
	}
	switch {
	case strings.Contains(text, ": {{"), strings.Contains(text, "- {{"):
		f.Hinted("a value that begins with {{ must stand in quotes")
	case strings.HasPrefix(strings.TrimLeft(text, " "), "\t"):
		f.Hinted("indent with spaces, not with tabs")
	case strings.Contains(text, "："):
		f.Hinted("write the plain colon and a blank, not the full-width one")
	case strings.Count(text, ": ") > 1:
		f.Hinted("a value that holds a colon and a blank must stand in quotes")
	}
}

// mapping gives each value of a mapping to its key. Unknown and repeated keys
// are faults. A key without a value counts as absent.
func (r *reader) mapping(node ast.Node, path string, keys []key) {
	m, ok := r.tree.Follow(node).(*ast.MappingNode)
	if !ok {
		r.at(node, "%s must be a map of keys and values, not %s", path, r.kind(node))
		return
	}
	seen := map[string]int{}
	for _, pair := range m.Values {
		name, value := pair.Key.GetToken().Value, pair.Value
		line := outline.Line(pair.Key)
		if first := seen[name]; first > 0 {
			r.atLine(line, "the key %s stands here again, first in line %d", join(path, name), first)
			continue
		}
		seen[name] = line
		r.take(keys, path, name, line, value)
	}
}

func (r *reader) take(keys []key, path, name string, line int, value ast.Node) {
	i := slices.IndexFunc(keys, func(k key) bool { return k.name == name || k.name == anyKey })
	if i < 0 {
		r.unknown(keys, path, name, line)
		return
	}
	if _, empty := r.tree.Follow(value).(*ast.NullNode); empty {
		return
	}
	r.lines[join(path, name)] = line
	keys[i].take(join(path, name), value)
}

// anyKey stands for every name.
const anyKey = "*"

func (r *reader) unknown(keys []key, path, name string, line int) {
	var names []string
	for _, k := range keys {
		names = append(names, k.name)
	}
	f := r.atLine(line, "unknown key %q", join(path, name))
	if near := fault.Near(name, names); near != "" {
		f.Hinted("did you mean %q?", near)
		return
	}
	f.Hinted("known here are %s", strings.Join(names, ", "))
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// text takes any scalar as the text that it is.
func (r *reader) text(into *string) func(string, ast.Node) {
	return func(path string, value ast.Node) {
		text, ok := r.tree.Text(value)
		if !ok {
			f := r.at(value, "%s must be a text, not %s", path, r.kind(value))
			if m, isMap := r.tree.Follow(value).(*ast.MappingNode); isMap && m.IsFlowStyle {
				f.Hinted("a value that begins with { must stand in quotes")
			}
			return
		}
		*into = text
	}
}

// line takes a text of one line.
func (r *reader) line(into *string) func(string, ast.Node) {
	return func(path string, value ast.Node) {
		r.text(into)(path, value)
		*into = strings.TrimRight(*into, "\n")
		if strings.ContainsFunc(*into, unicode.IsControl) {
			r.at(value, "%s holds a line break or another control character", path).Hinted("it must be one line")
		}
	}
}

// texts takes a list of texts.
func (r *reader) texts(into *[]string) func(string, ast.Node) {
	return func(path string, value ast.Node) {
		for _, item := range r.items(path, value) {
			var text string
			r.text(&text)(path, item)
			*into = append(*into, text)
		}
	}
}

// items returns the values of a list.
func (r *reader) items(path string, value ast.Node) []ast.Node {
	seq, ok := r.tree.Follow(value).(*ast.SequenceNode)
	if !ok {
		r.at(value, "%s must be a list, not %s", path, r.kind(value)).Hinted("like [one, two]")
		return nil
	}
	return seq.Values
}

// kind says what a value is.
func (r *reader) kind(node ast.Node) fault.Text {
	switch r.tree.Follow(node).(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return fault.Textf("a map")
	case *ast.SequenceNode:
		return fault.Textf("a list")
	case *ast.NullNode:
		return fault.Textf("nothing")
	case nil:
		return fault.Textf("an alias that leads nowhere")
	}
	return fault.Textf("a single value")
}

// required reports keys that are not there.
func (r *reader) required(keys ...string) {
	for _, name := range keys {
		if r.lines[name] == 0 && !r.mentioned(name) {
			r.atLine(0, "the key %s is missing", name)
		}
	}
}

// mentioned tells whether a fault speaks of the key already: nobody needs to
// hear that "nmae" is unknown and name is missing.
func (r *reader) mentioned(name string) bool {
	return slices.ContainsFunc(r.faults, func(f *fault.Fault) bool {
		return len(f.Hint.Args) == 1 && f.Hint.Args[0] == name
	})
}
