package render

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/template/parse"

	"hongyan/internal/fault"
)

// A parsing gathers files and faults while a template is read.
type parsing struct {
	source    Source
	faults    fault.Faults
	breakdown error
	files     []string             // every file read, absolute
	texts     map[string]string    // its text by the name that faults show
	shown     map[string]string    // parse name of a template → the file that faults show
	offset    map[string]int       // parse name → lines to add
	columns   map[string]bool      // columns used
	downloads []string             // files linked to
	partials  map[string]partial   // by name
	rows      map[*parse.Tree]bool // whether a tree's dot is the row wherever it is called
}

func (p *parsing) fault(f *fault.Fault) *fault.Fault {
	p.faults = append(p.faults, f)
	return f
}

func (p *parsing) template() (*Template, error) {
	text, head, ok := p.letter()
	if !ok {
		return nil, p.breakdown
	}
	p.readPartials()
	t := &Template{source: p.source}
	t.subject, t.preheader = p.subject(head), p.preheader(head)
	set, ok := p.trees(p.source.Template, 0, text)
	t.page = p.readLayout(head, head.Preheader != "" || p.source.Preheader != "")
	if !ok || t.page == nil {
		return nil, p.breakdown
	}
	t.body = p.rewrite(set)
	t.shapes = newShapes()
	t.records.New = func() any { return &record{} }
	t.papers.New = func() any { return &paper{home: &t.papers} }
	p.probe(t)
	t.files, t.columns, t.downloads = distinct(p.files), p.used(), distinct(p.downloads)
	return t, p.breakdown
}

func (p *parsing) subject(head head) *Line {
	if p.source.Subject != "" {
		return p.line(p.source.SubjectFile, p.source.SubjectLine, p.source.Subject)
	}
	if head.Subject == "" && !head.broken {
		p.fault(fault.At(p.source.Template, 1, "the mail has no subject").
			Hinted("write subject: in the campaign or in the template's front matter"))
	}
	return p.line(p.source.Template, head.lines["subject"], head.Subject)
}

func (p *parsing) preheader(head head) *Line {
	if p.source.Preheader != "" {
		return p.line(p.source.SubjectFile, p.source.PreheaderLine, p.source.Preheader)
	}
	return p.line(p.source.Template, head.lines["preheader"], head.Preheader)
}

// line parses a one-line template; what is wrong with it joins the faults.
func (p *parsing) line(file string, line int, src string) *Line {
	l := &Line{empty: src == "", records: sync.Pool{New: func() any { return &record{} }}}
	set, ok := p.trees(file, max(line-1, 0), src)
	if ok {
		l.script = p.rewrite(set)
	}
	return l
}

// trees parses a template with all the partials it names and checks every name
// in it. Its lines count from offset.
func (p *parsing) trees(file string, offset int, src string) (map[string]*parse.Tree, bool) {
	set := map[string]*parse.Tree{}
	before := len(p.faults)
	p.parse(rootName, file, offset, src, set)
	for _, missing := range p.wanted(set) {
		if part, ok := p.partials[missing]; ok && p.take(part) {
			p.parse(missing, part.shown, 0, part.text, set)
		}
	}
	if len(p.faults) > before || set[rootName] == nil {
		return nil, false
	}
	c := &checker{parsing: p, set: set, stack: []string{rootName}}
	c.tree(set[rootName], scope{record: true, root: true})
	return set, !c.endless
}

// calls notes what a tree is called with.
func (p *parsing) calls(t *parse.Tree, sc scope) {
	if p.rows == nil {
		p.rows = map[*parse.Tree]bool{}
	}
	before, known := p.rows[t]
	p.rows[t] = sc.record && (before || !known)
}

const rootName = "mail"

func (p *parsing) parse(name, file string, offset int, src string, set map[string]*parse.Tree) {
	if p.shown == nil {
		p.shown, p.offset = map[string]string{}, map[string]int{}
	}
	key := "t" + strconv.Itoa(len(p.shown))
	p.shown[key], p.offset[key] = file, offset
	tree := parse.New(key)
	tree.Mode = parse.SkipFuncCheck
	found := map[string]*parse.Tree{}
	if _, err := tree.Parse(joinRows(src), "", "", found); err != nil {
		line, what := syntax(err, key)
		f := p.fault(fault.At(file, line+offset, "template: %s", what))
		if name := oddName(src, line); name != "" {
			f.Hinted("a column with such a name is written {{field %q}}", name)
		}
		return
	}
	if found[key] == nil { // nothing but definitions and blanks
		found[key] = &parse.Tree{Name: key, ParseName: key, Root: &parse.ListNode{NodeType: parse.NodeList}}
	}
	for n, t := range found {
		if n == key {
			n = name
		}
		if set[n] == nil {
			set[n] = t
		}
	}
}

// wanted returns the names of partials that the set calls, those that they
// call included.
func (p *parsing) wanted(set map[string]*parse.Tree) []string {
	var out []string
	var visit func(n parse.Node)
	seen := map[string]bool{}
	visit = func(n parse.Node) {
		eachTemplate(n, func(call *parse.TemplateNode) {
			if seen[call.Name] {
				return
			}
			seen[call.Name] = true
			part, ok := p.partials[call.Name]
			if !ok || set[call.Name] != nil {
				return
			}
			out = append(out, call.Name)
			tree := parse.New(call.Name)
			tree.Mode = parse.SkipFuncCheck
			found := map[string]*parse.Tree{}
			if _, err := tree.Parse(joinRows(part.text), "", "", found); err == nil {
				for _, t := range found {
					visit(t.Root)
				}
			}
		})
	}
	for _, name := range sortedKeys(set) {
		visit(set[name].Root)
	}
	return out
}

// place returns the file and the line that a node stands in.
func (p *parsing) place(t *parse.Tree, n parse.Node) (string, int) {
	key := t.ParseName
	location, _ := t.ErrorContext(n)
	m := locationLine.FindStringSubmatch(location)
	if m == nil {
		return p.shown[key], 0
	}
	return p.shown[key], number(m[1]) + p.offset[key]
}

var locationLine = regexp.MustCompile(`:(\d+):\d+$`)

var syntaxLine = regexp.MustCompile(`^:(\d+): (.*)$`)

// syntax reads the line and the words of an error of text/template/parse.
func syntax(err error, name string) (int, string) {
	text := strings.TrimPrefix(err.Error(), "template: "+name)
	if m := syntaxLine.FindStringSubmatch(text); m != nil {
		return number(m[1]), m[2]
	}
	return 0, strings.TrimPrefix(text, ": ")
}

var (
	dotted    = regexp.MustCompile(`\{\{(?:[^{}]*[\s(])?\.([^\s{}|()"]+)[^{}]*\}\}`)
	plainName = regexp.MustCompile(`^[\pL_][\pL\p{Nd}_]*(\.[\pL_][\pL\p{Nd}_]*)*$`)
)

// oddName returns the name in a line that stands behind a dot and cannot; "" if
// there is none.
func oddName(src string, line int) string {
	lines := strings.Split(src, "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	for _, m := range dotted.FindAllStringSubmatch(lines[line-1], -1) {
		if !plainName.MatchString(m[1]) {
			return m[1]
		}
	}
	return ""
}

func (p *parsing) used() []string { return slices.Sorted(maps.Keys(p.columns)) }

func (p *parsing) use(column string) {
	if p.columns == nil {
		p.columns = map[string]bool{}
	}
	p.columns[column] = true
}

var (
	control = regexp.MustCompile(`^\s*\{\{-?\s*(if|range|with|else|end)\b[^{}]*\}\}[ \t]*$`)
	row     = regexp.MustCompile(`^\s*(\||[-*+] |\d+[.)] )`)
)

// joinRows lets a control line stand between the rows of a table or the items
// of a list: without its line break it does not cut the table in two. The
// number of lines stays the same.
func joinRows(src string) string {
	if !strings.Contains(src, "{{") {
		return src
	}
	lines := strings.Split(src, "\n")
	neighbour := func(i, step int) string {
		for i += step; i >= 0 && i < len(lines); i += step {
			if !control.MatchString(lines[i]) {
				return row.FindString(lines[i])
			}
		}
		return ""
	}
	for i, l := range lines {
		if !control.MatchString(l) || strings.HasSuffix(strings.TrimRight(l, " \t"), "-}}") {
			continue
		}
		before, after := neighbour(i, -1), neighbour(i, 1)
		if before != "" && after != "" && (strings.TrimSpace(before) == "|") == (strings.TrimSpace(after) == "|") {
			lines[i] = strings.TrimSuffix(strings.TrimRight(l, " \t"), "}}") + " -}}"
		}
	}
	return strings.Join(lines, "\n")
}

// head is the front matter of a template.
type head struct {
	Subject   string
	Preheader string
	Layout    string
	Theme     map[string]string
	lines     map[string]int
	broken    bool
}

// letter reads the template and cuts off its front matter; the lines of the
// text keep their numbers.
func (p *parsing) letter() (string, head, bool) {
	data, abs, err := readFile(filepath.Dir(p.source.Template), filepath.Base(p.source.Template))
	if err != nil {
		p.unreadable(p.source.Template, 0, err)
		return "", head{}, false
	}
	part := p.piece(p.source.Template, abs, data)
	if !p.take(part) {
		return "", head{}, false
	}
	text := part.text
	front, rest, ok := cutFront(text)
	if !ok {
		return text, head{}, true
	}
	h := p.front(front)
	return strings.Repeat("\n", strings.Count(front, "\n")+2) + rest, h, true
}

func cutFront(text string) (front, rest string, ok bool) {
	body, ok := strings.CutPrefix(text, "---\n")
	if !ok {
		return "", text, false
	}
	if rest, ok := strings.CutPrefix(body, "---\n"); ok {
		return "", rest, true
	}
	front, rest, ok = strings.Cut(body, "\n---\n")
	return front + "\n", rest, ok
}

func (p *parsing) unreadable(file string, line int, err error) {
	if os.IsNotExist(err) {
		p.fault(fault.At(file, line, "there is no such file"))
		return
	}
	p.fault(fault.At(file, line, "the file cannot be read: %s", reason(err)))
}

// reason is an error as a fault can say it.
func reason(err error) fault.Text {
	if f, ok := errors.AsType[*fault.Fault](err); ok {
		return f.What
	}
	return fault.Textf("%s", err.Error())
}
