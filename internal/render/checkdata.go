package render

import (
	"strings"
	"text/template/parse"

	"hongyan/internal/fault"
)

// dataName is the name under which templates find what is the same for all.
const dataName = "data"

// dataOf returns the value that a path begins in, and the rest of the path, if
// that is data.
func (p *parsing) dataOf(path []string, sc scope) (of any, rest []string, ok bool) {
	switch {
	case sc.record && path[0] == dataName && p.source.Data != nil:
		return p.source.Data, path[1:], true
	case !sc.record && sc.data:
		return sc.value, path, true
	}
	return nil, nil, false
}

// part checks a path into data and returns what it leads to, nil when that is
// not known.
func (c *checker) part(n parse.Node, path []string, of any) any {
	for i, name := range path {
		if of == nil {
			return nil
		}
		m, ok := of.(map[string]any)
		if !ok {
			c.noPart(n, path[:i], name, of)
			return nil
		}
		if of, ok = m[name]; !ok {
			c.unknownPart(n, name, m)
			return nil
		}
	}
	return of
}

func (c *checker) noPart(n parse.Node, path []string, name string, of any) {
	what := "." + strings.Join(path, ".")
	if _, list := of.([]any); list {
		c.at(n, "%s is a list, which has no %q", what, name).
			Hinted("go through it with {{range}}, or take one with {{(index LIST 0).%s}}", name)
		return
	}
	c.at(n, "%s is a single value, which has no %q", what, name)
}

func (c *checker) unknownPart(n parse.Node, name string, known map[string]any) {
	f := c.at(n, "the data have no %q", name)
	names := sortedKeys(known)
	if near := fault.Near(name, names); near != "" {
		f.Hinted("did you mean %q?", near)
		return
	}
	f.Hinted("there is: %s", strings.Join(names, ", "))
}

// variable checks $.name and the parts of a variable that holds data.
func (c *checker) variable(n *parse.VariableNode, sc scope) {
	if len(n.Ident) == 1 {
		return
	}
	if n.Ident[0] == "$" {
		c.field(n, n.Ident[1:], c.rootOf(sc))
		return
	}
	if v := c.vars[n.Ident[0]]; v.data {
		c.part(n, n.Ident[1:], v.value)
	}
}

// rootOf is what $ is: the record, or in a partial what it was called with.
func (c *checker) rootOf(sc scope) scope {
	if root, ok := c.vars["$"]; ok && !sc.root {
		return root
	}
	return scope{record: sc.root, root: sc.root}
}

// declare notes what the variables of a pipeline hold: the last one the value,
// one before it an index.
func (c *checker) declare(p *parse.PipeNode, value scope) {
	if p == nil || len(p.Decl) == 0 {
		return
	}
	c.vars[p.Decl[len(p.Decl)-1].Ident[0]] = value
}

// follow says what a pipeline gives.
func (c *checker) follow(p *parse.PipeNode, sc scope) scope {
	if p == nil || len(p.Cmds) != 1 {
		return scope{data: c.touches(p, sc)}
	}
	args := p.Cmds[0].Args
	if len(args) == 1 {
		return c.arm(args[0], sc)
	}
	if isIdent(args[0], "index") && len(args) == 3 {
		return c.arm(args[1], sc).element()
	}
	return scope{data: c.touches(p, sc)}
}

// arm says what an argument is.
func (c *checker) arm(n parse.Node, sc scope) scope {
	var path []string
	switch n := n.(type) {
	case *parse.DotNode:
		return sc
	case *parse.FieldNode:
		path = n.Ident
	case *parse.VariableNode:
		if n.Ident[0] == "$" {
			sc = c.rootOf(sc)
		} else {
			sc = c.vars[n.Ident[0]]
		}
		path = n.Ident[1:]
	case *parse.PipeNode:
		return c.follow(n, sc)
	case *parse.ChainNode:
		sc, path = c.arm(n.Node, sc), n.Field
	default:
		return scope{}
	}
	if len(path) == 0 {
		return sc
	}
	of, rest, ok := c.parsing.dataOf(path, sc)
	if !ok {
		return scope{}
	}
	return scope{data: true, value: lookUp(of, rest)}
}

func lookUp(of any, path []string) any {
	for _, name := range path {
		m, ok := of.(map[string]any)
		if !ok {
			return nil
		}
		of = m[name]
	}
	return of
}

// element is one of a list.
func (sc scope) element() scope {
	if !sc.data {
		return scope{}
	}
	switch v := sc.value.(type) {
	case []any:
		if len(v) > 0 {
			return scope{data: true, value: v[0]}
		}
	case map[string]any:
		for _, name := range sortedKeys(v) {
			return scope{data: true, value: v[name]}
		}
	}
	return scope{data: true}
}

// touches reports whether data are anywhere in a pipeline, as in the list that
// slice gives.
func (c *checker) touches(p *parse.PipeNode, sc scope) (found bool) {
	eachCommand(p, func(cmd *parse.CommandNode) {
		for _, arg := range cmd.Args {
			found = found || c.arm(arg, sc).data
		}
	})
	return found
}
