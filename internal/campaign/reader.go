package campaign

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"hongyan/internal/fault"
)

// reader walks the tree of a YAML file and collects faults. It does not decode:
// a decoder stops at the first fault, and makes numbers out of codes (0123) and
// truth out of words.
type reader struct {
	file    string
	faults  fault.Faults
	lines   map[string]int      // of the keys seen
	anchors map[string]ast.Node // of the document
}

// key is a key of a mapping and what takes its value; path is its full name.
type key struct {
	name string
	take func(path string, value ast.Node)
}

func (r *reader) at(node ast.Node, format string, args ...any) *fault.Fault {
	return r.atLine(lineOf(node), format, args...)
}

func (r *reader) atLine(line int, format string, args ...any) *fault.Fault {
	f := fault.At(r.file, line, format, args...)
	r.faults = append(r.faults, f)
	return f
}

func lineOf(node ast.Node) int {
	if node == nil || node.GetToken() == nil {
		return 0
	}
	return node.GetToken().Position.Line
}

// document returns the one mapping of the file; nil with faults if there is none.
func (r *reader) document(src []byte) ast.Node {
	if bad := fault.NotUTF8(r.file, src); bad != nil {
		r.faults = append(r.faults, bad)
		return nil
	}
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	file, err := parser.ParseBytes(src, 0, parser.AllowDuplicateMapKey()) // duplicates are faults of ours
	if err != nil {
		r.syntax(src, err)
		return nil
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			bodies = append(bodies, doc.Body)
		}
	}
	if len(bodies) == 0 {
		r.atLine(0, "the file is empty").Hinted("a campaign needs name, template and recipients")
		return nil
	}
	if len(bodies) > 1 {
		r.at(bodies[1], "there is a second document behind ---").Hinted("one campaign in each file")
	}
	r.anchors = anchorsOf(bodies[0])
	if _, ok := r.follow(bodies[0]).(*ast.MappingNode); !ok {
		r.at(bodies[0], "a campaign is a list of keys with values").Hinted("like name: welcome")
		return nil
	}
	return bodies[0]
}

// syntax reports YAML that cannot be read, with the hint that mostly cures it.
func (r *reader) syntax(src []byte, err error) {
	bad, ok := errors.AsType[*yaml.SyntaxError](err)
	if !ok || bad.Token == nil {
		r.atLine(0, "this is not YAML: %s", err.Error())
		return
	}
	line := bad.Token.Position.Line
	f := r.atLine(line, "this is not YAML: %s", bad.Message)
	text := ""
	if lines := bytes.Split(src, []byte("\n")); line <= len(lines) && line > 0 {
		text = string(lines[line-1])
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

// anchorsOf collects what *name may stand for.
func anchorsOf(body ast.Node) map[string]ast.Node {
	found := map[string]ast.Node{}
	for _, node := range ast.Filter(ast.AnchorType, body) {
		if anchor, ok := node.(*ast.AnchorNode); ok && anchor.Name != nil {
			found[anchor.Name.GetToken().Value] = anchor.Value
		}
	}
	return found
}

// follow looks through anchors, aliases and tags at the value itself; an alias
// that leads nowhere or in a circle is nil.
func (r *reader) follow(node ast.Node) ast.Node {
	for range 16 {
		switch n := node.(type) {
		case *ast.AnchorNode:
			node = n.Value
		case *ast.TagNode:
			node = n.Value
		case *ast.AliasNode:
			node = r.anchors[n.Value.GetToken().Value]
		default:
			return node
		}
	}
	return nil
}

// mapping gives each value of a mapping to its key. Unknown and repeated keys
// are faults. A key without a value counts as absent.
func (r *reader) mapping(node ast.Node, path string, keys []key) {
	m, ok := r.follow(node).(*ast.MappingNode)
	if !ok {
		r.at(node, "%s must be a map of keys and values, not %s", path, r.kind(node))
		return
	}
	seen := map[string]int{}
	for _, pair := range m.Values {
		name, value := pair.Key.GetToken().Value, pair.Value
		line := lineOf(pair.Key)
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
	if _, empty := r.follow(value).(*ast.NullNode); empty {
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

// scalar returns a value as the text that stands in the file.
func (r *reader) scalar(node ast.Node) (string, bool) {
	switch n := r.follow(node).(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// text takes any scalar as the text that it is.
func (r *reader) text(into *string) func(string, ast.Node) {
	return func(path string, value ast.Node) {
		text, ok := r.scalar(value)
		if !ok {
			f := r.at(value, "%s must be a text, not %s", path, r.kind(value))
			if m, isMap := r.follow(value).(*ast.MappingNode); isMap && m.IsFlowStyle {
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
	seq, ok := r.follow(value).(*ast.SequenceNode)
	if !ok {
		r.at(value, "%s must be a list, not %s", path, r.kind(value)).Hinted("like [one, two]")
		return nil
	}
	return seq.Values
}

// kind says what a value is.
func (r *reader) kind(node ast.Node) fault.Text {
	switch r.follow(node).(type) {
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
