package render

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/yuin/goldmark"

	"hongyan/internal/fault"
)

// A page is the layout with everything in place but the body, the subject and
// the preheader, and the rules by which elements get their styles.
type page struct {
	frame   string // HTML with the tokens of body, subject and preheader
	rules   []rule
	token   string // what every token begins with
	md      goldmark.Markdown
	theme   theme
	footer  string // Markdown, also for the text part
	leave   string // Markdown of the unsubscribe link, for the text part; "" when the layout shows none
	lang    string
	links   string
	gallery *gallery
}

// theme is what the words and the renderer of the body need of a theme.
type theme struct {
	width int
	zh    bool
}

// contentMargin is what padding and border of the layouts that ship take off
// the width.
const contentMargin = 68

// bare is the layout "none": a document and nothing else.
const bare = `<!DOCTYPE html>
<html lang="{{.Lang}}">
<head><meta charset="utf-8"><title>{{.Subject}}</title></head>
<body>
{{.Body}}</body>
</html>
`

// slots are the names that a layout may use.
var slots = []string{"Body", "Footer", "Lang", "Preheader", "Subject", "Theme", "Unsubscribe"}

// readLayout finds, reads and runs the layout once: all but three tokens of it
// is the same in every mail.
// What is wrong with it does not hide what is wrong with the letter: then the
// layout "none" stands in.
func (p *parsing) readLayout(h head, preheader bool) *page {
	if part, ok := p.findLayout(p.layoutName(h)); ok {
		if pg := p.laidOut(part, h, preheader); pg != nil {
			return pg
		}
	}
	return p.laidOut(noLayout(), h, preheader)
}

func noLayout() partial { return partial{shown: "none", text: bare} }

func (p *parsing) laidOut(part partial, h head, preheader bool) *page {
	values := p.themeValues(h)
	pg := &page{token: newToken(), lang: p.source.Lang, links: p.source.Links, footer: values["footer"]}
	pg.theme = theme{width: max(number(values["width"])-contentMargin, 200), zh: strings.HasPrefix(strings.ToLower(pg.lang), "zh")}
	pg.md = newMarkdown(pg.theme, pg.token)
	if part == noLayout() {
		pg.footer = ""
	}
	set, ok := p.layoutTrees(part, h)
	if !ok {
		return nil
	}
	doc, err := pg.run(set, values, framed{preheader, p.source.Unsubscribe})
	if err != nil {
		p.fault(fault.At(part.shown, 0, "the layout fails: %s", err.Error()))
		return nil
	}
	if way := pg.tokenOf(2); strings.Contains(doc, way) {
		pg.leave = "[" + values["unsubscribe"] + "](" + way + ")"
	}
	if n := strings.Count(doc, pg.bodyToken()); n != 1 {
		p.fault(fault.At(part.shown, 0, "the layout shows {{.Body}} %d times, not once", n))
		return nil
	}
	var ok2 bool
	if pg.frame, pg.rules, ok2 = p.cutStyles(part, doc); !ok2 {
		return nil
	}
	pg.gallery = p.newGallery()
	return pg
}

func (p *parsing) layoutName(h head) (name, file string, line int) {
	switch {
	case p.source.Layout != "":
		return p.source.Layout, p.source.SubjectFile, p.source.Lines["layout"]
	case h.Layout != "":
		if isPath(h.Layout) && !filepath.IsAbs(h.Layout) {
			h.Layout = filepath.Join(filepath.Dir(p.source.Template), h.Layout)
		}
		return h.Layout, p.source.Template, h.lines["layout"]
	}
	return "default", "", 0
}

func isPath(name string) bool {
	return strings.ContainsAny(name, `/\`) || strings.HasSuffix(name, ".html")
}

func (p *parsing) findLayout(name, file string, line int) (partial, bool) {
	if name == "none" {
		return noLayout(), true
	}
	if isPath(name) {
		data, abs, err := readFile(filepath.Dir(name), filepath.Base(name))
		if err != nil {
			p.fault(fault.At(file, line, "layout %q cannot be read: %s", name, reason(err)))
			return partial{}, false
		}
		part := p.piece(name, abs, data)
		return part, p.take(part)
	}
	known := p.readFolder("layouts", ".html")
	part, ok := known[name]
	if !ok {
		f := p.fault(fault.At(file, line, "there is no layout %q", name))
		names := append(sortedKeys(known), "none")
		if near := fault.Near(name, names); near != "" {
			f.Hinted("did you mean %q?", near)
		} else {
			f.Hinted("known layouts: %s", strings.Join(names, ", "))
		}
		return partial{}, false
	}
	return part, p.take(part)
}

// layoutTrees parses the layout with the style sheets and layout partials that
// it calls, and checks the slots it uses.
func (p *parsing) layoutTrees(part partial, h head) (map[string]*parse.Tree, bool) {
	outer := p.partials
	p.partials = p.readFolder("layouts", ".css")
	defer func() { p.partials = outer }()
	before := len(p.faults)
	set := map[string]*parse.Tree{}
	p.parse(rootName, part.shown, 0, part.text, set)
	for _, name := range p.wanted(set) {
		if sheet := p.partials[name]; p.take(sheet) {
			p.parse(name, sheet.shown, 0, sheet.text, set)
		}
	}
	if len(p.faults) > before {
		return nil, false
	}
	used := map[string]bool{}
	for _, name := range sortedKeys(set) {
		p.slots(set, set[name], used)
	}
	if part != noLayout() {
		p.checkTheme(h, used)
	}
	return set, len(p.faults) == before
}

// slots checks what one tree of a layout names, and gathers the theme's keys.
func (p *parsing) slots(set map[string]*parse.Tree, tree *parse.Tree, used map[string]bool) {
	at := func(n parse.Node, format string, args ...any) *fault.Fault {
		file, line := p.place(tree, n)
		return p.fault(&fault.Fault{File: file, Line: line, What: fault.Textf(format, args...)})
	}
	eachTemplate(tree.Root, func(call *parse.TemplateNode) {
		if set[call.Name] == nil {
			at(call, "there is no style sheet %q beside the layouts", call.Name)
		}
	})
	eachPipe(tree.Root, func(pipe *parse.PipeNode) {
		eachCommand(pipe, func(c *parse.CommandNode) {
			for _, arg := range c.Args {
				switch n := arg.(type) {
				case *parse.FieldNode:
					if !slices.Contains(slots, n.Ident[0]) {
						at(n, "a layout has no %q", "."+n.Ident[0]).
							Hinted("it shows .%s; the list's columns belong into the template", strings.Join(slots, ", ."))
					} else if n.Ident[0] == "Theme" && len(n.Ident) > 1 {
						used[n.Ident[1]] = true
					}
				case *parse.IdentifierNode:
					if !slices.Contains(layoutFunctions, n.Ident) {
						at(n, "a layout has no function %q", n.Ident)
					}
				}
			}
		})
	})
}

var layoutFunctions = strings.Fields("and or not eq ne lt le gt ge len print printf index")

// eachPipe visits the pipelines below a node.
func eachPipe(node parse.Node, visit func(*parse.PipeNode)) {
	list, ok := node.(*parse.ListNode)
	if !ok || list == nil {
		return
	}
	branch := func(b *parse.BranchNode) {
		visit(b.Pipe)
		eachPipe(b.List, visit)
		eachPipe(b.ElseList, visit)
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.ActionNode:
			visit(n.Pipe)
		case *parse.TemplateNode:
			visit(n.Pipe)
		case *parse.IfNode:
			branch(&n.BranchNode)
		case *parse.WithNode:
			branch(&n.BranchNode)
		case *parse.RangeNode:
			branch(&n.BranchNode)
		}
	}
}

// framed says which of the values that depend on the row a layout shows.
type framed struct{ preheader, unsubscribe bool }

func (pg *page) run(set map[string]*parse.Tree, values map[string]string, shows framed) (string, error) {
	t := template.New(rootName).Option("missingkey=zero")
	for name, tree := range set {
		if _, err := t.AddParseTree(name, tree); err != nil {
			return "", err
		}
	}
	footer, err := pg.inline(values["footer"])
	if err != nil {
		return "", err
	}
	escaped := maps.Clone(values)
	for key, value := range escaped {
		escaped[key] = escapeMarkup(value)
	}
	slot := map[string]any{
		"Body": pg.bodyToken(), "Subject": pg.tokenOf(0), "Preheader": "", "Unsubscribe": "", "Lang": escapeMarkup(pg.lang),
		"Footer": footer, "Theme": escaped,
	}
	if shows.preheader {
		slot["Preheader"] = pg.tokenOf(1)
	}
	if shows.unsubscribe {
		slot["Unsubscribe"] = pg.tokenOf(2)
	}
	var b bytes.Buffer
	err = t.Execute(&b, slot)
	return b.String(), err
}

// inline renders a line of Markdown, such as the footer, without its paragraph.
func (pg *page) inline(src string) (string, error) {
	var b bytes.Buffer
	if err := pg.md.Convert([]byte(src), &b); err != nil {
		return "", err
	}
	out := strings.TrimSpace(b.String())
	if inner, ok := strings.CutPrefix(out, "<p>"); ok && strings.Count(out, "<p>") == 1 {
		out = strings.TrimSuffix(inner, "</p>")
	}
	return out, nil
}

// A token stands for a hole while Markdown and layout are worked out: lower
// case letters and digits, so that nothing on the way changes it, and random,
// so that no value can contain it.
const (
	tokenHead = 16
	tokenSize = tokenHead + 4
)

func newToken() string {
	random := make([]byte, 10)
	rand.Read(random) // never fails
	word := strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(random))
	return "zq" + word[:tokenHead-2]
}

func (pg *page) tokenOf(i int) string {
	digits := strconv.FormatInt(int64(i), 36)
	return pg.token + "0000"[len(digits):] + digits
}

// bodyToken stands for the whole body; holes never count so far.
func (pg *page) bodyToken() string { return pg.token + "zzzz" }

const maxHoles = 36*36*36*36 - 2

// cut splits a text at its tokens and calls literal and hole in their order.
func (pg *page) cut(s string, literal func(string), hole func(int)) {
	for {
		i := strings.Index(s, pg.token)
		if i < 0 || len(s) < i+tokenSize {
			break
		}
		n, err := strconv.ParseInt(s[i+tokenHead:i+tokenSize], 36, 32)
		if err != nil {
			break
		}
		if i > 0 {
			literal(s[:i])
		}
		hole(int(n))
		s = s[i+tokenSize:]
	}
	if s != "" {
		literal(s)
	}
}
