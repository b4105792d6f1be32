package lint

import (
	"bytes"
	"slices"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// A page is what one pass over the HTML's tokens found. A tree would cost
// three times as much and tell nothing more.
type page struct {
	prose     []byte // the visible text outside code, a line a run
	code      []byte // that in <code> and <pre>
	painted   []run  // the first text of each painting
	links     []link
	pictures  []picture
	active    []string        // tags and attributes that run or submit something
	forms     []string        // form controls
	ids       map[string]bool // targets of local links
	root      bool            // there is an <html>
	lang      string
	preheader bool // there is hidden text
	styles    int  // bytes in <style>
	used      []use
	seen      []bool // by feature
	memory    *Memory
	stack     []frame
}

// A run is a piece of visible text with what it is painted with.
type run struct {
	text string
	painting
}

type painting struct {
	ink, ground paint
	large       bool // 24 px, or 18.66 px and bold (WCAG 2.2, large text)
}

type link struct {
	href    string
	target  bool // there is a href
	anchor  bool // <a name> or <a id>: a place, not a link
	picture bool // an image with an alt text stands in it
	text    string
}

type picture struct {
	src, alt      string
	hasAlt        bool
	width, height string
}

// A frame is an open element and what its children inherit.
type frame struct {
	tag          atom.Atom
	ink, ground  paint
	size         float64 // px
	bold, hidden bool
	code         bool
	link         int // index into links + 1
}

// A use is a feature that the page uses, by its number in the table.
type use struct {
	feature int
	needle  string // how it stands in a source
}

func readPage(src []byte, memory *Memory) *page {
	if memory == nil {
		memory = &Memory{}
	}
	p := blank(memory)
	p.prose = make([]byte, 0, len(src)/4)
	p.read(src)
	return p
}

// blank is a page with nothing on it.
func blank(memory *Memory) *page {
	p := &page{ids: map[string]bool{}, seen: make([]bool, len(table().features)), memory: memory}
	p.stack = append(p.stack, frame{ink: paint{known: true}, ground: paint{255, 255, 255, true}, size: 16})
	return p
}

func (p *page) top() frame { return p.stack[len(p.stack)-1] }

func (p *page) words(text []byte) {
	top := p.top()
	switch top.tag {
	case atom.Style:
		p.styles += len(text)
		p.noteAll(p.memory.sheet(string(text)))
		return
	case atom.Script, atom.Title, atom.Noscript, atom.Iframe:
		return
	}
	if bytes.IndexByte(text, '&') >= 0 {
		text = []byte(html.UnescapeString(string(text)))
	}
	switch {
	case len(bytes.TrimSpace(text)) == 0:
	case top.hidden:
		p.preheader = true
	default:
		p.visible(text, top)
	}
}

func (p *page) visible(text []byte, in frame) {
	to := &p.prose
	if in.code {
		to = &p.code
	}
	*to = append(append(*to, text...), '\n')
	if in.link > 0 {
		p.links[in.link-1].text += string(text)
	}
	paint := painting{in.ink, in.ground, in.size >= 24 || in.bold && in.size >= 18.66}
	if !slices.ContainsFunc(p.painted, func(r run) bool { return r.painting == paint }) {
		p.painted = append(p.painted, run{string(text), paint})
	}
}

func (p *page) start(t *tag) {
	p.noteAll(t.used)
	p.noteActive(t)
	if t.id != "" {
		p.ids[t.id] = true
	}
	next := p.top()
	next.tag = t.atom
	p.inherit(&next, t)
	switch t.atom {
	case atom.Html:
		p.root, p.lang = true, t.lang
	case atom.A, atom.Area:
		p.links = append(p.links, link{href: t.href, target: t.hasHref, anchor: t.id != "", picture: t.atom == atom.Area})
		next.link = len(p.links)
	case atom.Img:
		p.picture(t, next)
	case atom.Code, atom.Pre, atom.Kbd, atom.Samp:
		next.code = true
	}
	if !void(t.atom) {
		p.stack = append(p.stack, next)
	}
}

func (p *page) picture(t *tag, in frame) {
	p.pictures = append(p.pictures, picture{src: t.src, alt: t.alt, hasAlt: t.hasAlt, width: t.width, height: t.height})
	if in.link > 0 && t.alt != "" {
		p.links[in.link-1].picture = true
	}
	if i := table().image(t.src); i >= 0 {
		p.note(i, t.src)
	}
}

// inherit applies an element's own looks to what it got from its parent.
func (p *page) inherit(f *frame, t *tag) {
	defaults(f)
	if t.bgcolor != "" {
		f.ground = readPaint(t.bgcolor).over(f.ground)
	}
	if t.color != "" {
		f.ink = readPaint(t.color)
	}
	f.hidden = f.hidden || t.hidden
	if t.look == nil {
		return
	}
	p.noteAll(t.look.used)
	t.look.apply(f)
}

// defaults are the sizes that clients give to headings (HTML §15.3.7), and the
// colour of links, which is the client's own.
func defaults(f *frame) {
	switch f.tag {
	case atom.H1:
		f.size, f.bold = 32, true
	case atom.H2:
		f.size, f.bold = 24, true
	case atom.H3:
		f.size, f.bold = 18.72, true
	case atom.B, atom.Strong, atom.Th:
		f.bold = true
	case atom.A:
		f.ink = paint{}
	}
}

func (p *page) end(a atom.Atom) {
	for i := len(p.stack) - 1; i > 0; i-- {
		if p.stack[i].tag == a {
			p.stack = p.stack[:i]
			return
		}
	}
}

func (p *page) note(feature int, needle string) {
	if feature < 0 || p.seen[feature] {
		return
	}
	p.seen[feature] = true
	p.used = append(p.used, use{feature, needle})
}

func (p *page) noteAll(used []use) {
	for _, u := range used {
		p.note(u.feature, u.needle)
	}
}

func (p *page) noteActive(t *tag) {
	switch t.atom {
	case atom.Script, atom.Iframe, atom.Frame, atom.Object, atom.Embed, atom.Applet:
		p.active = append(p.active, "<"+t.atom.String()+">")
	case atom.Form, atom.Input, atom.Textarea, atom.Select:
		p.forms = append(p.forms, "<"+t.atom.String()+">")
	case atom.Meta:
		if t.refresh {
			p.active = append(p.active, "<meta http-equiv=refresh>")
		}
	}
	if t.handler != "" {
		p.active = append(p.active, t.handler)
	}
}

func void(a atom.Atom) bool {
	switch a {
	case atom.Area, atom.Base, atom.Br, atom.Col, atom.Embed, atom.Hr, atom.Img, atom.Input, atom.Link,
		atom.Meta, atom.Param, atom.Source, atom.Track, atom.Wbr:
		return true
	}
	return false
}
