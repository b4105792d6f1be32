package config

import (
	"bytes"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"hongyan/internal/fault"
	"hongyan/internal/outline"
)

// sep parts the levels of a key; a dot would collide with keys like qq.com.
const sep = "::"

// A tree is the file as it stands: the line of each key, the keys of each
// level, and what is wrong. Values are viper's business.
type tree struct {
	file    string
	lines   map[string]int      // by path, in lower case
	below   map[string][]string // the names below a path, as written
	anchors map[string]ast.Node
	refused map[string]bool // paths whose value was told to be wrong
	muddled bool            // what viper makes of it is not what the user sees
	faults  fault.Faults
}

// parse reads the file for its lines and finds whatever its shape does not
// allow. The faults it returns are those that make all else pointless.
func parse(file string, src []byte) (*tree, fault.Faults) {
	t := &tree{file: file, lines: map[string]int{}, below: map[string][]string{}, anchors: map[string]ast.Node{}, refused: map[string]bool{}}
	o, bad := outline.Parse(src, parser.AllowDuplicateMapKey())
	if bad != nil {
		return t, fault.Faults{t.syntax(src, bad)}
	}
	if o.Body != nil {
		t.level("", o.Body)
	}
	return t, nil
}

// plain drops the mark that Windows editors put first.
func plain(src []byte) []byte { return bytes.TrimPrefix(src, []byte("\ufeff")) }

// syntax says what the parser could not read. A message may repeat the text it
// stumbled over, so a line with a secret is not quoted.
func (t *tree) syntax(src []byte, f *fault.Fault) *fault.Fault {
	f.File = t.file
	if f.Hint.Format != "" {
		return f
	}
	var text strings.Builder
	for i, s := range slices.Collect(bytes.Lines(src)) {
		if i+2 >= f.Line && i <= f.Line {
			text.WriteString(strings.ToLower(string(s)))
		}
	}
	if f.Line == 0 || slices.ContainsFunc(append(likeSecret(), "secret", "webhook"), func(s string) bool { return strings.Contains(text.String(), s) }) {
		f.What = fault.Textf("it is not valid YAML")
	}
	return f.Hinted("indent with blanks, two for each level; put values with : or # in quotes")
}

func (t *tree) at(line int, format string, args ...any) *fault.Fault {
	f := fault.At(t.file, line, format, args...)
	t.faults = append(t.faults, f)
	return f
}

// line returns where a path stands, or the nearest one above it.
func (t *tree) line(path string) int {
	for path = strings.ToLower(path); path != ""; path = parent(path) {
		if n, ok := t.lines[path]; ok {
			return n
		}
	}
	return 0
}

func parent(path string) string {
	if i := strings.LastIndex(path, sep); i >= 0 {
		return path[:i]
	}
	return ""
}

func join(path, key string) string {
	if path == "" {
		return strings.ToLower(key)
	}
	return path + sep + strings.ToLower(key)
}

// level checks the keys of one map.
func (t *tree) level(path string, n ast.Node) {
	pairs, ok := t.pairs(n)
	if !ok {
		t.at(outline.Line(n), "%s must be keys with values", orFile(path)).Hinted("write it like key: value, one below the other")
		return
	}
	for _, pair := range pairs {
		key := pair.Key.GetToken().Value
		below := join(path, key)
		if before, twice := t.lines[below]; twice {
			t.at(outline.Line(pair.Key), "%q stands twice, first in line %d", key, before).Hinted("names do not depend on case")
			t.muddled = true
			continue
		}
		t.lines[below] = outline.Line(pair.Key)
		t.below[path] = append(t.below[path], key)
		t.value(below, key, pair)
	}
}

func orFile(path string) string {
	if path == "" {
		return "the file"
	}
	return last(path)
}

func last(path string) string { return path[strings.LastIndex(path, ":")+1:] }

// pairs returns the keys and values of a map.
func (t *tree) pairs(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := t.solid(n).(type) {
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	case *ast.MappingNode:
		return n.Values, true
	}
	return nil, false
}

// solid looks through anchors, aliases and tags.
func (t *tree) solid(n ast.Node) ast.Node {
	for range 8 {
		switch x := n.(type) {
		case *ast.AnchorNode:
			t.anchors[x.Name.GetToken().Value] = x.Value
			n = x.Value
		case *ast.AliasNode:
			if n = t.anchors[x.Value.GetToken().Value]; n == nil {
				t.at(outline.Line(x), "a value after * refers to a place that there is not").Hinted("put a value that begins with * in quotes")
				t.muddled = true
			}
		case *ast.TagNode:
			n = x.Value
		default:
			return n
		}
	}
	return n
}

// value checks the value of a key against what the key wants.
func (t *tree) value(path, key string, pair *ast.MappingValueNode) {
	kind := kindOf(path)
	n := t.solid(pair.Value)
	if kind == unknown {
		t.stranger(path, key, outline.Line(pair.Key))
		return
	}
	if n == nil {
		return // told already
	}
	if _, null := n.(*ast.NullNode); null {
		if kind != branch {
			t.at(outline.Line(pair.Key), "%s has no value", key).Hinted("write one, or remove the line")
		}
		return
	}
	switch kind {
	case branch:
		t.level(path, n)
	case limit:
		if last(path) == "to" {
			t.level(path, n)
		}
	default:
		if want := kind.refuses(n); want != "" {
			t.refused[path] = true
			t.wrong(key, want, n)
		}
	}
}

func (t *tree) wrong(key, want string, n ast.Node) {
	switch want {
	case "text":
		t.at(outline.Line(n), "%s must be text", key).Hinted("put it in quotes, so that it is taken letter by letter")
	case "number":
		t.at(outline.Line(n), "%s must be a whole number", key).Hinted("write it plainly, like 465")
	case "decimal":
		t.at(outline.Line(n), "%s must be a number", key).Hinted("write it plainly, like 0.3")
	case "line":
		t.at(outline.Line(n), "%s must be one line without control characters", key)
	case "flag":
		t.at(outline.Line(n), "%s must be true or false", key)
	default:
		t.at(outline.Line(n), "%s must be a list", key).Hinted("write it like [a, b], or one below the other, each after a dash")
	}
}

// stranger reports a key that does not exist.
func (t *tree) stranger(path, key string, line int) {
	f := t.at(line, "unknown key %q", key)
	switch word := squash(key); {
	case slices.ContainsFunc(likeSecret(), func(s string) bool { return strings.Contains(word, squash(s)) }):
		f.Hinted("write secret: env:NAME, file:PATH, cmd:COMMAND, keyring:NAME or vault:PATH#KEY; the secret itself never stands in this file")
	case strings.Contains(word, "verify") || strings.Contains(word, "insecuretls"):
		f.Hinted("certificates are always checked; for a private authority name its certificate: ca_file: ca.pem")
	default:
		among := keysBelow(parent(path))
		if near := fault.Near(key, among); near != "" {
			f.Hinted("did you mean %q?", near)
			return
		}
		f.Hinted("known are: %s", strings.Join(among, ", "))
	}
}

// likeSecret are words under which people write a secret down.
func likeSecret() []string {
	return []string{"password", "passwd", "pass", "pwd", "auth_code", "authcode", "token", "api_key", "授权码", "密码"}
}

// squash leaves of a name what counts in a variable: letters, digits, and one
// underscore for each of the rest.
func squash(name string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && !('a' <= r && r <= 'z' || '0' <= r && r <= '9') {
			return '_'
		}
		return r
	}, strings.ToLower(name))
}
