package render

import (
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"

	"hongyan/internal/fault"
)

// A script is a template set whose execution tells literal text from printed
// values: each text node was replaced by the id of a mark.
type script struct {
	tmpl  *template.Template
	trees map[string]*parse.Tree
	ids   [][]byte // the text of node i; identity, not content, is what counts
	marks []mark
	sites map[*parse.ActionNode]*site
}

// A mark is what an id stands for: literal text, or a bare field.
type mark struct {
	text  string
	field bool   // print the field of site.needs[0]
	file  string // where the text stands
	line  int
	site  *site // the action that prints right after the text, or the field's own place
}

// A site is the place of an action that prints.
type site struct {
	file  string
	line  int
	needs []string // fields that must not be empty
	bare  bool     // prints needs[0] and nothing else
	kind  kind
}

type kind byte

const (
	data    kind = iota
	trusted      // Markdown, by the markdown function
	picture      // the text of a QR code
)

const idSize = 3

// rewrite replaces the text of all trees by marks and builds the set to execute.
func (p *parsing) rewrite(set map[string]*parse.Tree) *script {
	s := &script{trees: set, sites: map[*parse.ActionNode]*site{}, tmpl: template.New(rootName).Option("missingkey=zero").Funcs(callables())}
	s.tmpl.Funcs(template.FuncMap{
		dataFunction: func() map[string]any { return p.source.Data },
		textFunction: textOf,
	})
	for _, name := range sortedKeys(set) {
		row := p.rows[set[name]]
		w := &rewriter{script: s, parsing: p, tree: set[name], vars: map[string]string{}, row: row, root: row}
		w.list(set[name].Root)
		if _, err := s.tmpl.AddParseTree(name, set[name]); err != nil {
			p.breakdown = err
		}
	}
	return s
}

// mark adds a mark and returns the node that announces it.
func (s *script) mark(m mark, pos parse.Pos) *parse.TextNode {
	n := len(s.marks)
	id := []byte{byte(n >> 16), byte(n >> 8), byte(n)}
	s.ids, s.marks = append(s.ids, id), append(s.marks, m)
	return &parse.TextNode{NodeType: parse.NodeText, Pos: pos, Text: id}
}

// lookup returns the mark that p announces. A value with the same bytes stands
// elsewhere in memory, so no value can pass for a mark.
func (s *script) lookup(p []byte) (int, bool) {
	if len(p) != idSize {
		return 0, false
	}
	n := int(p[0])<<16 | int(p[1])<<8 | int(p[2])
	return n, n < len(s.ids) && &p[0] == &s.ids[n][0]
}

type rewriter struct {
	script  *script
	parsing *parsing
	tree    *parse.Tree
	vars    map[string]string // variable → the bare field it was set from
	asked   bool              // a branch around has looked whether there is an unsubscribe page

	row, root bool // whether the dot and the $ are the row
}

func (w *rewriter) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	out := make([]parse.Node, 0, len(l.Nodes)+2)
	for _, node := range l.Nodes {
		switch n := node.(type) {
		case *parse.TextNode:
			file, line := w.parsing.place(w.tree, n)
			out = append(out, w.script.mark(mark{text: string(n.Text), file: file, line: line}, n.Pos))
			continue
		case *parse.ActionNode:
			out = w.action(out, n)
			continue
		case *parse.IfNode:
			w.branch(&n.BranchNode, w.row)
		case *parse.WithNode:
			w.branch(&n.BranchNode, w.isRow(n.Pipe))
		case *parse.RangeNode:
			w.branch(&n.BranchNode, false)
			// Each turn of a range is seen by the writer, so that an endless one ends.
			n.List.Nodes = slices.Insert(n.List.Nodes, 0, parse.Node(w.script.mark(mark{}, n.Pos)))
		case *parse.TemplateNode:
			indexFields(n.Pipe)
			w.bindData(n.Pipe)
		}
		out = append(out, node)
	}
	l.Nodes = out
}

// branch rewrites the ways of a branch; in the first the dot may be another.
func (w *rewriter) branch(b *parse.BranchNode, row bool) {
	indexFields(b.Pipe)
	w.bindData(b.Pipe)
	asked, was := w.asked, w.row
	w.asked = asked || strings.Contains(b.Pipe.String(), strconv.Quote(UnsubscribeField))
	w.row = row
	w.list(b.List)
	w.asked, w.row = asked, was
	w.list(b.ElseList)
}

// isRow reports whether a pipeline gives the row as it is.
func (w *rewriter) isRow(p *parse.PipeNode) bool {
	if len(p.Cmds) != 1 || len(p.Cmds[0].Args) != 1 {
		return false
	}
	switch n := p.Cmds[0].Args[0].(type) {
	case *parse.DotNode:
		return w.row
	case *parse.VariableNode:
		return w.root && len(n.Ident) == 1 && n.Ident[0] == "$"
	}
	return false
}

func (w *rewriter) action(out []parse.Node, n *parse.ActionNode) []parse.Node {
	indexFields(n.Pipe)
	w.bindData(n.Pipe)
	if len(n.Pipe.Decl) > 0 {
		if name, ok := w.bareField(n.Pipe); ok {
			w.vars[n.Pipe.Decl[0].Ident[0]] = name
		}
		return append(out, n)
	}
	st := w.site(n)
	if st.bare && st.kind == data && w.isField(n.Pipe) {
		return append(out, w.script.mark(mark{field: true, site: st}, n.Pos))
	}
	w.script.sites[n] = st
	w.asText(n.Pipe)
	if len(out) > 0 {
		if text, ok := out[len(out)-1].(*parse.TextNode); ok {
			id, _ := w.script.lookup(text.Text)
			if m := &w.script.marks[id]; !m.field && m.site == nil {
				m.site = st
				return append(out, n)
			}
		}
	}
	return append(out, w.script.mark(mark{site: st}, n.Pos), n)
}

func (w *rewriter) site(n *parse.ActionNode) *site {
	file, line := w.parsing.place(w.tree, n)
	st := &site{file: file, line: line, needs: w.needs(n.Pipe)}
	if name, ok := w.bareField(n.Pipe); ok {
		st.bare, st.needs = true, []string{name}
	}
	if v, ok := loneVariable(n.Pipe); ok && w.vars[v] != "" {
		st.bare, st.needs = true, []string{w.vars[v]}
	}
	if !w.asked && !w.parsing.source.Unsubscribe && slices.Contains(st.needs, UnsubscribeField) {
		w.parsing.fault(fault.At(file, line, "there is no unsubscribe page to show")).
			Hinted("set unsubscribe: {url: https://…} in config.yaml, or write {{if unsubscribe_url}} around it")
	}
	switch lastFunction(n.Pipe) {
	case "markdown":
		st.kind = trusted
	case "qr":
		st.kind = picture
	}
	return st
}

// isField reports whether a pipeline is a field itself and not a variable.
func (w *rewriter) isField(p *parse.PipeNode) bool { _, ok := w.bareField(p); return ok }

// bareField returns the field that a pipeline prints as it stands: {{.name}},
// {{$.name}} or {{field "name"}}.
func (w *rewriter) bareField(p *parse.PipeNode) (string, bool) {
	if len(p.Cmds) != 1 {
		return "", false
	}
	args := p.Cmds[0].Args
	if len(args) == 1 {
		return w.fieldName(args[0])
	}
	if len(args) == 3 && isIdent(args[0], "index") {
		v, isVar := args[1].(*parse.VariableNode)
		if s, ok := args[2].(*parse.StringNode); ok && isVar && len(v.Ident) == 1 && v.Ident[0] == "$" {
			return s.Text, true
		}
	}
	return "", false
}

func (w *rewriter) fieldName(n parse.Node) (string, bool) {
	switch n := n.(type) {
	case *parse.FieldNode:
		return n.Ident[0], w.row && len(n.Ident) == 1
	case *parse.VariableNode:
		if w.root && n.Ident[0] == "$" && len(n.Ident) == 2 {
			return n.Ident[1], true
		}
	}
	return "", false
}

func loneVariable(p *parse.PipeNode) (string, bool) {
	if len(p.Cmds) != 1 || len(p.Cmds[0].Args) != 1 {
		return "", false
	}
	v, ok := p.Cmds[0].Args[0].(*parse.VariableNode)
	if !ok || len(v.Ident) != 1 || v.Ident[0] == "$" {
		return "", false
	}
	return v.Ident[0], true
}

func lastFunction(p *parse.PipeNode) string {
	if id, ok := p.Cmds[len(p.Cmds)-1].Args[0].(*parse.IdentifierNode); ok {
		return id.Ident
	}
	return ""
}

func isIdent(n parse.Node, name string) bool {
	id, ok := n.(*parse.IdentifierNode)
	return ok && id.Ident == name
}

// guards are the functions whose arguments may be empty.
var guards = strings.Fields("or and not default eq ne lt le gt ge len contains hasPrefix hasSuffix")

// needs returns the fields of a printed pipeline that must not be empty: all
// but those that a guard looks at.
func (w *rewriter) needs(p *parse.PipeNode) []string {
	var out []string
	for i, cmd := range p.Cmds {
		guarded := slices.ContainsFunc(p.Cmds[i:], func(c *parse.CommandNode) bool {
			id, ok := c.Args[0].(*parse.IdentifierNode)
			return ok && slices.Contains(guards, id.Ident)
		})
		if guarded {
			continue
		}
		if name, ok := w.bareField(&parse.PipeNode{Cmds: []*parse.CommandNode{cmd}}); ok {
			out = append(out, name)
			continue
		}
		for _, arg := range cmd.Args {
			if name, ok := w.fieldName(arg); ok {
				out = append(out, name)
			}
			if sub, ok := arg.(*parse.PipeNode); ok {
				out = append(out, w.needs(sub)...)
			}
		}
	}
	return out
}

// indexFields turns {{field "Order No."}} into {{index $ "Order No."}}, and the
// same for download and unsubscribe_url: none needs access to the row from a
// function.
func indexFields(p *parse.PipeNode) {
	eachCommand(p, func(c *parse.CommandNode) {
		if of, name, ok := downloadOf(c); ok {
			c.Args = indexed(c.Pos, of.named(DownloadField(name)))
			return
		}
		if len(c.Args) == 2 && isIdent(c.Args[0], "field") {
			c.Args = indexed(c.Pos, c.Args[1])
			return
		}
		way := &parse.StringNode{NodeType: parse.NodeString, Pos: c.Pos, Quoted: strconv.Quote(UnsubscribeField), Text: UnsubscribeField}
		if len(c.Args) == 1 && isIdent(c.Args[0], unsubscribeURL) {
			c.Args = indexed(c.Pos, way)
			return
		}
		for i, arg := range c.Args {
			if isIdent(arg, unsubscribeURL) {
				cmd := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: c.Pos, Args: indexed(c.Pos, way)}
				c.Args[i] = &parse.PipeNode{NodeType: parse.NodePipe, Pos: c.Pos, Cmds: []*parse.CommandNode{cmd}}
			}
		}
	})
}

const unsubscribeURL = "unsubscribe_url"

// indexed are the arguments of a command that prints one field of the row.
func indexed(at parse.Pos, name parse.Node) []parse.Node {
	root := &parse.VariableNode{NodeType: parse.NodeVariable, Pos: at, Ident: []string{"$"}}
	return []parse.Node{parse.NewIdentifier("index").SetPos(at), root, name}
}

// eachCommand visits the commands of a pipeline and of the pipelines in it.
func eachCommand(p *parse.PipeNode, visit func(*parse.CommandNode)) {
	if p == nil {
		return
	}
	for _, cmd := range p.Cmds {
		visit(cmd)
		for _, arg := range cmd.Args {
			switch a := arg.(type) {
			case *parse.PipeNode:
				eachCommand(a, visit)
			case *parse.ChainNode:
				if sub, ok := a.Node.(*parse.PipeNode); ok {
					eachCommand(sub, visit)
				}
			}
		}
	}
}
