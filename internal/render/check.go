package render

import (
	"slices"
	"strings"
	"text/template/parse"

	"hongyan/internal/fault"
)

// A checker walks all branches of a template set and reports every name that
// means nothing: columns, functions, partials.
type checker struct {
	parsing *parsing
	set     map[string]*parse.Tree
	tree_   *parse.Tree
	stack   []string
	endless bool // a partial calls itself
	vars    map[string]scope
}

// scope says what the dot and the $ are. A dot that is no record may be data,
// of which value is an example, nil when there is none.
type scope struct {
	record, root bool
	data         bool
	value        any
}

func (c *checker) at(n parse.Node, format string, args ...any) *fault.Fault {
	file, line := c.parsing.place(c.tree_, n)
	return c.parsing.fault(&fault.Fault{File: file, Line: line, What: fault.Textf(format, args...)})
}

func (c *checker) tree(t *parse.Tree, sc scope) {
	was, vars := c.tree_, c.vars
	c.tree_, c.vars = t, map[string]scope{"$": sc}
	c.parsing.calls(t, sc)
	c.list(t.Root, sc)
	c.tree_, c.vars = was, vars
}

func (c *checker) list(l *parse.ListNode, sc scope) {
	if l == nil {
		return
	}
	for _, node := range l.Nodes {
		switch n := node.(type) {
		case *parse.ActionNode:
			c.pipe(n.Pipe, sc)
			c.declare(n.Pipe, c.follow(n.Pipe, sc))
		case *parse.IfNode:
			c.pipe(n.Pipe, sc)
			c.list(n.List, sc)
			c.list(n.ElseList, sc)
		case *parse.WithNode:
			c.inner(&n.BranchNode, sc, c.follow(n.Pipe, sc))
		case *parse.RangeNode:
			c.inner(&n.BranchNode, sc, c.follow(n.Pipe, sc).element())
		case *parse.TemplateNode:
			c.call(n, sc)
		}
	}
}

// inner checks a branch that moves the dot.
func (c *checker) inner(b *parse.BranchNode, sc, moved scope) {
	c.pipe(b.Pipe, sc)
	c.declare(b.Pipe, moved)
	moved.root = sc.root
	c.list(b.List, moved)
	c.list(b.ElseList, sc)
}

func (c *checker) call(n *parse.TemplateNode, sc scope) {
	c.pipe(n.Pipe, sc)
	t := c.set[n.Name]
	if t == nil {
		c.missing(n)
		return
	}
	if slices.Contains(c.stack, n.Name) {
		c.endless = true
		c.at(n, "partial %q calls itself: %s", n.Name, strings.Join(append(c.stack[1:], n.Name), " → "))
		return
	}
	dot := c.follow(n.Pipe, sc)
	dot.root = dot.record
	c.stack = append(c.stack, n.Name)
	c.tree(t, dot)
	c.stack = c.stack[:len(c.stack)-1]
}

func (c *checker) missing(n *parse.TemplateNode) {
	known := sortedKeys(c.parsing.partials)
	f := c.at(n, "there is no partial %q", n.Name)
	if near := fault.Near(n.Name, known); near != "" {
		f.Hinted("did you mean %q?", near)
		return
	}
	if len(known) > 0 {
		f.Hinted("known partials: %s", strings.Join(known, ", "))
	}
}

func (c *checker) pipe(p *parse.PipeNode, sc scope) {
	eachCommand(p, func(cmd *parse.CommandNode) {
		if isIdent(cmd.Args[0], "field") {
			c.fieldCall(cmd, sc)
			return
		}
		if isIdent(cmd.Args[0], "download") {
			c.download(cmd, sc)
			return
		}
		for _, arg := range cmd.Args {
			c.arg(arg, sc)
		}
	})
}

func (c *checker) arg(n parse.Node, sc scope) {
	switch n := n.(type) {
	case *parse.IdentifierNode:
		if n.Ident == unsubscribeURL && !sc.root {
			c.at(n, "a partial that gets one value only knows no unsubscribe_url").Hinted("call it with the dot: {{template \"name\" .}}")
			return
		}
		c.function(n)
	case *parse.FieldNode:
		c.field(n, n.Ident, sc)
	case *parse.VariableNode:
		c.variable(n, sc)
	case *parse.ChainNode:
		c.arg(n.Node, sc)
		if of := c.arm(n.Node, sc); of.data {
			c.part(n, n.Field, of.value)
		}
	}
}

func (c *checker) fieldCall(cmd *parse.CommandNode, sc scope) {
	if len(cmd.Args) != 2 {
		c.at(cmd, "field takes one column name, like {{field \"Order No.\"}}")
		return
	}
	name, ok := cmd.Args[1].(*parse.StringNode)
	if !ok || !sc.root {
		c.at(cmd, "field takes one column name, like {{field \"Order No.\"}}")
		return
	}
	c.column(cmd, name.Text)
}

func (c *checker) field(n parse.Node, path []string, sc scope) {
	if of, rest, ok := c.parsing.dataOf(path, sc); ok {
		c.part(n, rest, of)
		return
	}
	if !sc.record {
		c.at(n, "inside {{with}} and {{range}} the dot is one value, which has no field %q", path[0]).
			Hinted("write {{$.%s}}", path[0])
		return
	}
	if len(path) > 1 {
		f := c.at(n, "a field has no parts: .%s", strings.Join(path, "."))
		if path[0] == dataName {
			f.Hinted("the campaign has no data; write data: {%s: …} in it", path[1])
		}
		return
	}
	c.column(n, path[0])
}

func (c *checker) column(n parse.Node, name string) {
	columns := c.parsing.source.Columns
	c.parsing.use(name)
	if columns == nil || slices.Contains(columns, name) {
		return
	}
	f := c.at(n, "the list has no column %q", name)
	if near := fault.Near(name, columns); near != "" {
		f.Hinted("did you mean %q?", near)
		return
	}
	f.Hinted("its columns are: %s", strings.Join(columns, ", "))
}

func (c *checker) function(n *parse.IdentifierNode) {
	if slices.Contains(refused, n.Ident) {
		c.at(n, "the function %q would escape twice", n.Ident).
			Hinted("leave it out: every value is escaped for the place where it stands")
		return
	}
	known := knownFunctions()
	if slices.Contains(known, n.Ident) {
		return
	}
	f := c.at(n, "there is no function %q", n.Ident)
	if near := fault.Near(n.Ident, known); near != "" {
		f.Hinted("did you mean %q?", near)
		return
	}
	f.Hinted("hongyan help templates lists them")
}

// refused are functions of text/template that escape for one context.
var refused = []string{"html", "js", "urlquery", "call"}

// eachTemplate visits the {{template}} calls below a node.
func eachTemplate(node parse.Node, visit func(*parse.TemplateNode)) {
	list, ok := node.(*parse.ListNode)
	if !ok || list == nil {
		return
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.TemplateNode:
			visit(n)
		case *parse.IfNode:
			eachTemplate(n.List, visit)
			eachTemplate(n.ElseList, visit)
		case *parse.WithNode:
			eachTemplate(n.List, visit)
			eachTemplate(n.ElseList, visit)
		case *parse.RangeNode:
			eachTemplate(n.List, visit)
			eachTemplate(n.ElseList, visit)
		}
	}
}
