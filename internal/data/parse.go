package data

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"golang.org/x/text/encoding/simplifiedchinese"

	"hongyan/internal/fault"
	"hongyan/internal/outline"
)

// Bounds of what one source may hold, whatever its bytes unfold to.
const (
	maxValues = 100_000
	maxDepth  = 64
)

// A counter bounds a tree of values.
type counter struct{ n int }

func (c *counter) count(depth int) error {
	if c.n++; c.n > maxValues || depth > maxDepth {
		return c.full()
	}
	return nil
}

func (c *counter) full() error {
	return fault.At("", 0, "it holds more than %d values, or values in values more than %d deep", maxValues, maxDepth)
}

var bom = []byte("\xef\xbb\xbf")

// garbled is the fault of a text that is not UTF-8, nil if it is.
func garbled(src []byte) error {
	if bad := fault.NotUTF8("", src); bad != nil {
		return within(bad)
	}
	return nil
}

// within says the line of a source in words: a fault's own place is the campaign.
func within(bad *fault.Fault) *fault.Fault {
	if bad.Line > 0 {
		bad.What = fault.Textf("line %d: %s", bad.Line, bad.What)
	}
	return bad
}

func parseJSON(src []byte) (any, error) {
	if err := garbled(src); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(src, bom)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fault.At("", 0, "this is not JSON: %s", err.Error())
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.At("", 0, "there is more behind the JSON value")
	}
	var c counter
	return c.plain(v, 0)
}

// plain makes texts of numbers and of null.
func (c *counter) plain(v any, depth int) (any, error) {
	if err := c.count(depth); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case nil:
		return "", nil
	case json.Number:
		return v.String(), nil
	case []any:
		for i := range v {
			var err error
			if v[i], err = c.plain(v[i], depth+1); err != nil {
				return nil, err
			}
		}
		return v, c.level(v)
	case map[string]any:
		for k := range v {
			var err error
			if v[k], err = c.plain(v[k], depth+1); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// level gives all maps of a list the same keys, as the rows of a table have:
// what one lacks is empty, and counts.
func (c *counter) level(list []any) error {
	keys := map[string]bool{}
	for _, v := range list {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		for k := range m {
			keys[k] = true
		}
	}
	for _, v := range list {
		m := v.(map[string]any)
		if c.n += len(keys) - len(m); c.n > maxValues {
			return c.full()
		}
		for k := range keys {
			if m[k] == nil {
				m[k] = ""
			}
		}
	}
	return nil
}

func parseYAML(src []byte) (any, error) {
	if err := garbled(src); err != nil {
		return nil, err
	}
	tree, bad := outline.Parse(src)
	if bad != nil {
		return nil, within(bad)
	}
	if tree.Body == nil {
		return nil, fault.At("", 0, "the file is empty")
	}
	y := yamlReader{anchors: tree.Anchors}
	return y.value(tree.Body, 0)
}

// A yamlReader takes scalars as they are written: 007 is no 7, and no is no
// falsehood.
type yamlReader struct {
	counter
	anchors map[string]ast.Node
}

func (y *yamlReader) value(node ast.Node, depth int) (any, error) {
	if err := y.count(depth); err != nil {
		return nil, err
	}
	switch n := node.(type) {
	case *ast.AnchorNode:
		return y.value(n.Value, depth+1)
	case *ast.TagNode:
		return y.value(n.Value, depth+1)
	case *ast.AliasNode:
		name := n.Value.GetToken().Value
		anchored, ok := y.anchors[name]
		if !ok {
			return nil, atLine(node, "there is no anchor &%s", name)
		}
		return y.value(anchored, depth+1)
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.BoolNode:
		return n.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, nil
	case *ast.SequenceNode:
		out := make([]any, 0, len(n.Values))
		for _, item := range n.Values {
			v, err := y.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, y.level(out)
	case *ast.MappingNode:
		return y.mapping(n, depth)
	case nil, *ast.NullNode:
		return "", nil
	}
	return nil, atLine(node, "this is no value")
}

func (y *yamlReader) mapping(n *ast.MappingNode, depth int) (any, error) {
	out := map[string]any{}
	for _, pair := range n.Values {
		v, err := y.value(pair.Value, depth+1)
		if err != nil {
			return nil, err
		}
		switch pair.Key.(type) {
		case *ast.MergeKeyNode:
			err = merge(out, v, pair.Value)
		case *ast.AliasNode, *ast.AnchorNode, *ast.TagNode, *ast.MappingKeyNode:
			err = atLine(pair.Key, "the key is no text")
		default:
			out[pair.Key.GetToken().Value] = v
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// merge adds what "<<" stands for: a map or several, of which the earlier counts.
func merge(into map[string]any, v any, place ast.Node) error {
	all, several := v.([]any)
	if !several {
		all = []any{v}
	}
	for _, one := range all {
		merged, ok := one.(map[string]any)
		if !ok {
			return atLine(place, "<< takes values of a map, and this is none")
		}
		for k, v := range merged {
			if _, told := into[k]; !told {
				into[k] = v
			}
		}
	}
	return nil
}

func atLine(node ast.Node, format string, args ...any) error {
	return fault.At("", 0, "line %d: %s", node.GetToken().Position.Line, fault.Textf(format, args...))
}

// parseCSV makes a map of each row, by the names in the first.
func parseCSV(src []byte) (any, error) {
	src = bytes.TrimPrefix(src, bom)
	if !utf8.Valid(src) {
		decoded, err := simplifiedchinese.GB18030.NewDecoder().Bytes(src)
		if err != nil || bytes.ContainsRune(decoded, utf8.RuneError) {
			return nil, fault.At("", 0, "the text is neither UTF-8 nor GB18030")
		}
		src = decoded
	}
	rows := csv.NewReader(bytes.NewReader(src))
	rows.Comma = delimiter(src)
	header, err := rows.Read()
	if err != nil {
		return nil, csvFault(err)
	}
	for i := range header {
		header[i] = strings.TrimSpace(header[i])
		if header[i] != "" && slices.Contains(header[:i], header[i]) {
			return nil, fault.At("", 0, "the header has the name %q twice", header[i])
		}
	}
	var c counter
	out := []any{}
	for {
		cells, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, csvFault(err)
		}
		row := map[string]any{}
		for i, cell := range cells {
			if err := c.count(1); err != nil {
				return nil, err
			}
			row[header[i]] = cell
		}
		out = append(out, row)
	}
}

func csvFault(err error) error {
	if errors.Is(err, io.EOF) {
		return fault.At("", 0, "the file is empty")
	}
	return fault.At("", 0, "this is not CSV: %s", err.Error())
}

// delimiter is what parts the names in the first line.
func delimiter(src []byte) rune {
	first, _, _ := bytes.Cut(src, []byte("\n"))
	best := ','
	for _, c := range ";\t" {
		if bytes.Count(first, []byte(string(c))) > bytes.Count(first, []byte(string(best))) {
			best = c
		}
	}
	return best
}
