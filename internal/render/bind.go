package render

import (
	"fmt"
	"text/template/parse"

	"hongyan/internal/fault"
)

// The functions that stand for what templates do not write themselves.
const (
	dataFunction = "hongyan_data" // what .data is
	textFunction = "hongyan_text" // a value as it is printed
)

// bindData puts the data in the place of .data and $.data. The row has no such
// field; a column of that name is reached by {{field "data"}}.
func (w *rewriter) bindData(p *parse.PipeNode) {
	if w.parsing.source.Data == nil || p == nil {
		return
	}
	eachCommand(p, func(cmd *parse.CommandNode) {
		for i, arg := range cmd.Args {
			cmd.Args[i] = w.bound(arg)
		}
	})
}

func (w *rewriter) bound(n parse.Node) parse.Node {
	var path []string
	switch n := n.(type) {
	case *parse.FieldNode:
		if w.row {
			path = n.Ident
		}
	case *parse.VariableNode:
		if w.root && n.Ident[0] == "$" {
			path = n.Ident[1:]
		}
	}
	if len(path) == 0 || path[0] != dataName {
		return n
	}
	data := parse.NewIdentifier(dataFunction).SetPos(n.Position())
	if len(path) == 1 {
		return data
	}
	return &parse.ChainNode{NodeType: parse.NodeChain, Pos: n.Position(), Node: data, Field: path[1:]}
}

// asText makes a text of what is printed where it may be data.
func (w *rewriter) asText(p *parse.PipeNode) {
	if w.parsing.source.Data == nil {
		return
	}
	text := parse.NewIdentifier(textFunction).SetPos(p.Pos)
	p.Cmds = append(p.Cmds, &parse.CommandNode{NodeType: parse.NodeCommand, Pos: p.Pos, Args: []parse.Node{text}})
}

// textOf is a value as it is printed. What is not there is nothing, and what is
// more than one value would be gibberish.
func textOf(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case []any, map[string]any:
		return "", fault.At("", 0, "this is not one value but several").Hinted("go through a list with {{range}}, or name a part of it")
	}
	return fmt.Sprint(v), nil
}
