package render

import (
	"container/list"
	"strings"
	"sync"
	"text/template/parse"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"

	"hongyan/internal/fault"
)

// A shape is everything of a mail that does not depend on values.
type shape struct {
	html, text program
	images     []Image
}

// maxShapes and maxKey bound the memory of the shapes: a template with trusted
// Markdown may have one for each row, which is then made and thrown away.
const (
	maxShapes = 128
	maxKey    = 64 << 10
)

// shapes keeps the shapes used last.
type shapes struct {
	mu    sync.Mutex
	byKey map[string]*list.Element
	order list.List // of *entry, the last used in front
}

type entry struct {
	key   string
	shape *shape
}

func newShapes() *shapes { return &shapes{byKey: map[string]*list.Element{}} }

func (s *shapes) get(key []byte) *shape {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byKey[string(key)]
	if e == nil {
		return nil
	}
	s.order.MoveToFront(e)
	return e.Value.(*entry).shape
}

func (s *shapes) put(key []byte, sh *shape) {
	if len(key) > maxKey {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byKey[string(key)] != nil {
		return
	}
	e := &entry{string(key), sh}
	s.byKey[e.key] = s.order.PushFront(e)
	if s.order.Len() > maxShapes {
		last := s.order.Remove(s.order.Back()).(*entry)
		delete(s.byKey, last.key)
	}
}

// shape returns the shape of a record, made now if it is a new one.
func (t *Template) shape(r *record) (*shape, error) {
	if sh := t.shapes.get(r.key); sh != nil {
		return sh, nil
	}
	var src strings.Builder
	next := frameHoles
	for piece := range r.pieces() {
		if piece.hole {
			src.WriteString(t.page.tokenOf(next))
			next++
			continue
		}
		src.WriteString(piece.text)
	}
	if next >= maxHoles {
		return nil, fault.At(t.source.Template, 0, "the mail has more than %d values", maxHoles)
	}
	sh, faults, _ := t.page.build(src.String(), r.holes)
	if err := faults.Err(); err != nil {
		return nil, faults[0]
	}
	t.shapes.put(r.key, sh)
	return sh, nil
}

// build makes a shape of Markdown with tokens; sites[i] is the place of hole i.
func (pg *page) build(src string, sites []*site) (*shape, fault.Faults, []stray) {
	source := []byte(src)
	doc := pg.parse(source)
	var body strings.Builder
	b := &built{page: pg, seen: map[int]bool{}}
	if err := pg.md.Renderer().Render(&body, source, doc); err != nil {
		b.fault(-1, "Markdown: %s", err.Error())
	}
	b.markup(strings.Replace(pg.frame, pg.bodyToken(), body.String(), 1))
	sh := &shape{html: b.html, images: b.images}
	var w *textWriter
	sh.text, w = pg.program(doc, source)
	return sh, b.blame(sites), w.found
}

func (pg *page) parse(src []byte) ast.Node { return pg.md.Parser().Parse(text.NewReader(src)) }

// blame gives the faults their file and line, and adds the values that came
// out nowhere.
func (b *built) blame(sites []*site) fault.Faults {
	for i := frameHoles; i < len(sites); i++ {
		if !b.seen[i] {
			b.fault(i, "the value is lost: nothing of the mail shows it").
				hinted("it may stand in a comment or in the head of a code block")
		}
	}
	b.pictures(sites)
	var out fault.Faults
	for _, hf := range b.faults {
		f := &fault.Fault{What: hf.what, Hint: hf.hint}
		if hf.hole >= 0 && hf.hole < len(sites) && sites[hf.hole] != nil {
			f.File, f.Line = sites[hf.hole].file, sites[hf.hole].line
		}
		out = append(out, f)
	}
	return out
}

// pictures checks that a QR code stands where an image does.
func (b *built) pictures(sites []*site) {
	for i, o := range b.html.ops {
		if o.hole < 0 || sites[o.hole] == nil || sites[o.hole].kind != picture {
			continue
		}
		if o.at != urlWhole || i == 0 || !strings.HasSuffix(b.html.ops[i-1].lit, `src="`) {
			b.fault(o.hole, "a QR code is an image").hinted("write ![…]({{qr .code}})")
		}
	}
}

// probe builds the shapes of all branches, so that what is wrong with a place
// is known before the first row: once with the first choice of each branch,
// and once for each second choice.
func (p *parsing) probe(t *Template) {
	all := p.choices(t.body)
	for _, choice := range all {
		if len(all) > maxProbes {
			break
		}
		p.probeOne(t, choice)
	}
	if len(all) > maxProbes {
		p.probeOne(t, all[0])
	}
	t.warnings = unique(t.warnings)
	p.files = append(p.files, t.page.gallery.files...)
	t.page.gallery.closed = true
}

const maxProbes = 400

func (p *parsing) probeOne(t *Template, choice map[parse.Node]bool) {
	pr := &prober{script: t.body, page: t.page, second: choice, sites: make([]*site, frameHoles)}
	pr.list(t.body.trees[rootName].Root)
	_, faults, found := t.page.build(pr.src.String(), pr.sites)
	for _, f := range faults {
		if f.File == "" {
			p.locate(f)
		}
		p.faults = append(p.faults, f)
	}
	for _, f := range found {
		file, line := pr.origin(f.at)
		if f.link {
			p.fault(fault.At(file, line, "%q is no link: a blank stands in its target", f.mark)).
				Hinted("write the target as <…>, or the blank as %s", "%20")
			continue
		}
		t.warnings = append(t.warnings, fault.At(file, line, "%q stays in the mail as it is", f.mark).
			Hinted("the text between two marks must not begin or end with a blank; write \\* for a star"))
	}
}

// locate finds the line of a fault about a file's name by searching for it.
func (p *parsing) locate(f *fault.Fault) {
	f.File = p.source.Template
	if len(f.What.Args) == 0 {
		return
	}
	name, _ := f.What.Args[0].(string)
	if logo := p.source.Theme["logo"]; logo != "" && localName(logo) == name {
		f.File, f.Line = p.source.SubjectFile, p.source.Lines["theme.logo"]
		return
	}
	for _, shown := range append([]string{p.source.Template}, sortedKeys(p.texts)...) {
		if line := lineOf(p.texts[shown], name); line > 0 {
			f.File, f.Line = shown, line
			return
		}
	}
}

// choices returns which branches take their second way, one set for each
// probe; a branch within another is reached through the outer one's way to it.
func (p *parsing) choices(s *script) []map[parse.Node]bool {
	out := []map[parse.Node]bool{{}}
	seen := map[parse.Node]bool{}
	var walk func(l *parse.ListNode, way map[parse.Node]bool)
	branch := func(n parse.Node, b *parse.BranchNode, way map[parse.Node]bool) {
		other := map[parse.Node]bool{n: true}
		for k := range way {
			other[k] = true
		}
		if !seen[n] {
			seen[n] = true
			out = append(out, other)
		}
		walk(b.List, way)
		walk(b.ElseList, other)
	}
	walk = func(l *parse.ListNode, way map[parse.Node]bool) {
		if l == nil || len(out) > maxProbes {
			return
		}
		for _, node := range l.Nodes {
			switch n := node.(type) {
			case *parse.IfNode:
				branch(n, &n.BranchNode, way)
			case *parse.WithNode:
				branch(n, &n.BranchNode, way)
			case *parse.RangeNode:
				branch(n, &n.BranchNode, way)
			case *parse.TemplateNode:
				if tree := s.trees[n.Name]; tree != nil {
					walk(tree.Root, way)
				}
			}
		}
	}
	walk(s.trees[rootName].Root, nil)
	return out
}

// A prober writes the Markdown of one way through a template, with a token for
// each action.
type prober struct {
	script  *script
	page    *page
	second  map[parse.Node]bool
	src     strings.Builder
	sites   []*site
	origins []origin
}

// origin says where a piece of the probe stands in the template.
type origin struct {
	from int // offset in the probe
	file string
	line int
}

func (pr *prober) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, node := range l.Nodes {
		switch n := node.(type) {
		case *parse.TextNode:
			pr.text(n)
		case *parse.ActionNode:
			if st := pr.script.sites[n]; st != nil {
				pr.hole(st)
			}
		case *parse.IfNode:
			pr.branch(n, &n.BranchNode)
		case *parse.WithNode:
			pr.branch(n, &n.BranchNode)
		case *parse.RangeNode:
			pr.branch(n, &n.BranchNode)
		case *parse.TemplateNode:
			if tree := pr.script.trees[n.Name]; tree != nil {
				pr.list(tree.Root)
			}
		}
	}
}

func (pr *prober) branch(n parse.Node, b *parse.BranchNode) {
	if pr.second[n] {
		pr.list(b.ElseList)
		return
	}
	pr.list(b.List)
}

func (pr *prober) text(n *parse.TextNode) {
	id, ok := pr.script.lookup(n.Text)
	if !ok {
		return
	}
	m := pr.script.marks[id]
	if m.field {
		pr.hole(m.site)
		return
	}
	pr.origins = append(pr.origins, origin{from: pr.src.Len(), file: m.file, line: m.line})
	pr.src.WriteString(m.text)
}

func (pr *prober) hole(st *site) {
	if st.kind == trusted {
		pr.src.WriteString("x")
		return
	}
	pr.src.WriteString(pr.page.tokenOf(len(pr.sites)))
	pr.sites = append(pr.sites, st)
}

// origin returns the place in the template that an offset of the probe came from.
func (pr *prober) origin(at int) (string, int) {
	var from origin
	for _, o := range pr.origins {
		if o.from > at {
			break
		}
		from = o
	}
	return from.file, from.line + strings.Count(pr.src.String()[from.from:at], "\n")
}
