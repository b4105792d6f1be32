package reply

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"hongyan/internal/fault"
	"hongyan/internal/outline"
)

// fields hands each value of a mapping to its key's setter and returns the keys.
// The parser lets no key stand twice.
func (rd *reader) fields(n ast.Node, setters map[string]func(ast.Node)) (keys []string) {
	known := make([]string, 0, len(setters))
	for key := range setters {
		known = append(known, key)
	}
	slices.Sort(known)
	for _, pair := range rd.pairs(n) {
		key := pair.Key.GetToken().Value
		set, ok := setters[key]
		if !ok {
			rd.unknown(pair.Key, "unknown key %q", key, known)
			continue
		}
		keys = append(keys, key)
		set(pair.Value)
	}
	return keys
}

// pairs returns a mapping's entries: goccy gives a lone pair no mapping node.
func (rd *reader) pairs(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	rd.at(outline.Line(n), "here should be keys and values").Hinted("such as %q", `text: "…"`)
	return nil
}

func (rd *reader) items(n ast.Node) []ast.Node {
	if seq, ok := n.(*ast.SequenceNode); ok {
		return seq.Values
	}
	rd.at(outline.Line(n), "here should be a list")
	return nil
}

func (rd *reader) words(n ast.Node) (words []string) {
	if _, ok := n.(*ast.SequenceNode); !ok {
		return []string{rd.word(n)}
	}
	for _, item := range rd.items(n) {
		words = append(words, rd.word(item))
	}
	return words
}

// word takes numbers too, as they were written: 550, 163.
func (rd *reader) word(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return strings.TrimSpace(n.Value.Value)
	case *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value
	}
	rd.at(outline.Line(n), "here should be a text").Hinted("put it in quotes")
	return ""
}

// needle is a text to look for. Three letters are the least that mean anything.
func (rd *reader) needle(n ast.Node) string {
	s := rd.word(n)
	if len(s) < 3 {
		rd.at(outline.Line(n), "%q is too short to tell answers apart", s)
	}
	return s
}

func (rd *reader) enhanced(n ast.Node) string {
	s := rd.word(n)
	if !isEnhanced(strings.NewReplacer("x.", "5.", ".x", ".0").Replace(s)) {
		rd.at(outline.Line(n), "%q is no enhanced code", s).Hinted("such as 5.1.1 or 5.7.x")
	}
	return s
}

func (rd *reader) code(n ast.Node) string {
	s := rd.word(n)
	if len(s) != 3 || s[0] < '2' || s[0] > '5' || s[1:] != "yz" && !digits(s) {
		rd.at(outline.Line(n), "%q is no reply code", s).Hinted("such as 550 or 5yz")
	}
	return s
}

func (rd *reader) stages(n ast.Node) (stages []Stage) {
	if _, ok := n.(*ast.SequenceNode); !ok {
		return []Stage{oneOf(rd, n, Stages())}
	}
	for _, item := range rd.items(n) {
		stages = append(stages, oneOf(rd, item, Stages()))
	}
	return stages
}

func (rd *reader) wait(n ast.Node) time.Duration {
	s := rd.word(n)
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 || d > 30*24*time.Hour {
		rd.at(outline.Line(n), "%q is no waiting time", s).Hinted("such as 15m or 3h, at most 720h")
	}
	return d
}

func (rd *reader) count(n ast.Node) int {
	i, err := strconv.Atoi(rd.word(n))
	if err != nil || i < 1 || i > 1000 {
		rd.at(outline.Line(n), "a streak is a number from 1 to 1000")
	}
	return i
}

func (rd *reader) yes(n ast.Node) bool {
	b, ok := n.(*ast.BoolNode)
	if !ok {
		rd.at(outline.Line(n), "here should be true or false")
		return false
	}
	return b.Value
}

// oneOf reads a word of a fixed vocabulary; "" if it is none.
func oneOf[S ~string](rd *reader, n ast.Node, among []S) S {
	s := rd.word(n)
	if i := slices.Index(among, S(s)); i >= 0 {
		return among[i]
	}
	known := make([]string, len(among))
	for i, k := range among {
		known[i] = string(k)
	}
	rd.unknown(n, "unknown word %q", s, known)
	return ""
}

func (rd *reader) unknown(n ast.Node, format, word string, known []string) {
	f := rd.at(outline.Line(n), format, word)
	if near := fault.Near(word, known); near != "" {
		f.Hinted("did you mean %q?", near)
		return
	}
	f.Hinted("one of: %s", strings.Join(known, ", "))
}

func join[S ~string](words []S) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(w))
	}
	return b.String()
}
