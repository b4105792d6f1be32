// Package outline reads YAML as a tree, within bounds that its parser does not
// keep: 80 KB of brackets make that take gigabytes, and 40 KB of blank lines
// seconds. The room must never know what the values of a file mean.
package outline

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"

	"hongyan/internal/fault"
)

// An Outline is one document.
type Outline struct {
	Body    ast.Node // nil: there is nothing but comments
	Anchors map[string]ast.Node
}

// Parse reads a text in UTF-8. What is wrong with it is a fault with a line,
// and without a file.
func Parse(src []byte, options ...parser.Option) (o Outline, bad *fault.Fault) {
	defer func() { // a parser that other people's texts bring down must not bring down a service
		if choked := recover(); choked != nil {
			bad = fault.At("", 0, "this is not YAML: %s", fmt.Sprint(choked))
		}
	}()
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	if bad := sparse(src); bad != nil {
		return o, bad
	}
	tokens := lexer.Tokenize(string(src))
	if bad := bounded(tokens); bad != nil {
		return o, bad
	}
	file, err := parser.Parse(tokens, 0, options...)
	if err != nil {
		return o, syntax(err)
	}
	for _, doc := range file.Docs {
		if _, comment := doc.Body.(*ast.CommentGroupNode); doc.Body != nil && !comment {
			return Outline{Body: doc.Body, Anchors: anchorsOf(doc.Body)}, nil
		}
	}
	return o, nil
}

func syntax(err error) *fault.Fault {
	bad, ok := errors.AsType[*yaml.SyntaxError](err)
	if !ok || bad.Token == nil {
		return fault.At("", 0, "this is not YAML: %s", err.Error())
	}
	return fault.At("", bad.Token.Position.Line, "this is not YAML: %s", bad.Message)
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

// Follow looks through anchors, aliases and tags at the value itself; an alias
// that leads nowhere or in a circle is nil.
func (o Outline) Follow(node ast.Node) ast.Node {
	for range 16 {
		switch n := node.(type) {
		case *ast.AnchorNode:
			node = n.Value
		case *ast.TagNode:
			node = n.Value
		case *ast.AliasNode:
			node = o.Anchors[n.Value.GetToken().Value]
		default:
			return node
		}
	}
	return nil
}

// Text returns a single value as it stands in the file: 007 is no 7.
func (o Outline) Text(node ast.Node) (string, bool) {
	switch n := o.Follow(node).(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// Line is where a value begins; 0 if that is not known.
func Line(node ast.Node) int {
	if node == nil || node.GetToken() == nil || node.GetToken().Position == nil {
		return 0
	}
	return node.GetToken().Position.Line
}
