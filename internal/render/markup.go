package render

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"hongyan/internal/fault"
)

// built is a shape while it is made.
type built struct {
	page   *page
	html   program
	seen   map[int]bool // holes that came out in the HTML
	open   []element
	images []Image
	faults []holeFault
}

// A holeFault is a value in a place where no escaping helps; hole -1 is none.
type holeFault struct {
	hole int
	what fault.Text
	hint fault.Text
}

func (b *built) fault(hole int, format string, args ...any) *holeFault {
	b.faults = append(b.faults, holeFault{hole: hole, what: fault.Textf(format, args...)})
	return &b.faults[len(b.faults)-1]
}

func (h *holeFault) hinted(format string, args ...any) { h.hint = fault.Textf(format, args...) }

// markup walks a whole document: it gives each element its styles, makes local
// images inline parts and finds where each value stands.
func (b *built) markup(doc string) {
	z := html.NewTokenizer(strings.NewReader(doc))
	for {
		switch tt := z.Next(); tt {
		case html.ErrorToken:
			return
		case html.TextToken:
			b.text(string(z.Raw()))
		case html.StartTagToken, html.SelfClosingTagToken:
			b.tag(string(z.Raw()))
		case html.EndTagToken:
			b.endTag(string(z.Raw()))
		default:
			raw := string(z.Raw())
			b.refuse(raw, "a value cannot stand in a comment")
			b.html.lit(raw)
		}
	}
}

// refuse reports every hole of a text as a fault.
func (b *built) refuse(s, what string) {
	b.page.cut(s, func(string) {}, func(n int) {
		b.seen[n] = true
		b.fault(n, "%s", what)
	})
}

var (
	voids    = strings.Fields("area base br col embed hr img input link meta param source track wbr")
	rawText  = strings.Fields("script style iframe noembed noframes noscript xmp plaintext")
	unbroken = strings.Fields("title textarea pre")
	// inert elements take no value in any attribute.
	inert     = strings.Fields("script style iframe object embed applet param base meta link svg math animate set use")
	addresses = strings.Fields("href src action formaction background cite poster longdesc lowsrc dynsrc xlink:href data")
)

func (b *built) text(raw string) {
	at := htmlText
	for _, e := range b.open {
		if slices.Contains(rawText, e.tag) {
			b.refuse(raw, "a value cannot stand in <"+e.tag+">")
			b.html.lit(raw)
			return
		}
		if slices.Contains(unbroken, e.tag) {
			at = htmlPlain
		}
	}
	b.page.cut(raw, b.html.lit, func(n int) {
		b.seen[n] = true
		b.html.ops = append(b.html.ops, op{hole: n, at: at})
	})
}

func (b *built) endTag(raw string) {
	b.refuse(raw, "a value cannot name an element")
	b.html.lit(raw)
	name := strings.ToLower(strings.TrimRight(strings.TrimPrefix(raw, "</"), "> \t\n"))
	for i := len(b.open) - 1; i >= 0; i-- {
		if b.open[i].tag == name {
			b.open = b.open[:i]
			return
		}
	}
}

// attr is an attribute as it stands in the source: the value is not decoded.
type attr struct {
	name, value string
	quote       byte // 0 = unquoted
	bare        bool // no value
}

func (b *built) tag(raw string) {
	name, attrs, closed := parseTag(raw)
	if strings.Contains(name, b.page.token) {
		b.refuse(name, "a value cannot name an element; an address in <…> is not a link")
		b.faults[len(b.faults)-1].hinted("write [text]({{…}}) instead of <{{…}}>")
		b.html.lit("&lt;" + raw[1:])
		return
	}
	e := element{tag: name}
	if class := find(attrs, "class"); class != nil {
		e.classes = strings.Fields(html.UnescapeString(class.value))
	}
	b.open = append(b.open, e)
	plain := !strings.Contains(raw, b.page.token)
	attrs, changed := b.style(name, attrs)
	if name == "img" {
		changed = b.image(attrs, &attrs) || changed
	}
	if closed || slices.Contains(voids, name) {
		b.open = b.open[:len(b.open)-1]
	}
	if plain && !changed {
		b.html.lit(raw)
		return
	}
	b.html.lit("<" + name)
	for i := range attrs {
		b.attribute(name, &attrs[i])
	}
	if closed {
		b.html.lit(" /")
	}
	b.html.lit(">")
}

func find(attrs []attr, name string) *attr {
	for i := range attrs {
		if attrs[i].name == name {
			return &attrs[i]
		}
	}
	return nil
}

// style writes the rules that match into the style attribute, and for Outlook
// into the attributes of HTML 4.
func (b *built) style(name string, attrs []attr) ([]attr, bool) {
	own := ""
	have := find(attrs, "style")
	if have != nil {
		if strings.Contains(have.value, b.page.token) {
			return attrs, false
		}
		own = html.UnescapeString(have.value)
	}
	decls := computed(b.page.rules, b.open, own)
	if len(decls) == 0 {
		return attrs, false
	}
	var text strings.Builder
	for i, d := range decls {
		if i > 0 {
			text.WriteByte(';')
		}
		text.WriteString(d.name + ":" + strings.ReplaceAll(d.value, `"`, "'"))
	}
	value := strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;").Replace(text.String())
	if have != nil {
		have.value, have.quote, have.bare = value, '"', false
	} else {
		attrs = append(attrs, attr{name: "style", value: value, quote: '"'})
	}
	for _, d := range decls {
		if old := outlook(name, d); old.name != "" && find(attrs, old.name) == nil {
			attrs = append(attrs, old)
		}
	}
	return attrs, true
}

// outlook returns the attribute that says the same as a declaration to Word's
// engine.
func outlook(tag string, d decl) attr {
	cell := tag == "td" || tag == "th"
	switch {
	case d.name == "background-color" && (cell || tag == "table" || tag == "body") && hexColour.MatchString(d.value):
		return attr{name: "bgcolor", value: d.value, quote: '"'}
	case d.name == "width" && (cell || tag == "table" || tag == "img"):
		if n, ok := strings.CutSuffix(d.value, "px"); ok && pixels.MatchString(n) {
			return attr{name: "width", value: n, quote: '"'}
		}
		if strings.HasSuffix(d.value, "%") && tag == "table" {
			return attr{name: "width", value: d.value, quote: '"'}
		}
	case d.name == "text-align" && cell && slices.Contains([]string{"left", "right", "center"}, d.value):
		return attr{name: "align", value: d.value, quote: '"'}
	case d.name == "vertical-align" && cell && slices.Contains([]string{"top", "middle", "bottom"}, d.value):
		return attr{name: "valign", value: d.value, quote: '"'}
	}
	return attr{}
}

func (b *built) attribute(tag string, a *attr) {
	b.html.lit(" ")
	if strings.Contains(a.name, b.page.token) {
		b.refuse(a.name, "a value cannot name an attribute")
		return
	}
	if a.bare {
		b.html.lit(a.name)
		return
	}
	quote := `"`
	value := a.value
	if a.quote == '\'' {
		quote = "'"
	}
	if a.quote == 0 {
		value = strings.ReplaceAll(value, `"`, "&quot;")
	}
	b.html.lit(a.name + "=" + quote)
	b.attributeValue(tag, a, value)
	b.html.lit(quote)
}

func (b *built) attributeValue(tag string, a *attr, value string) {
	why := ""
	switch {
	case !strings.Contains(value, b.page.token):
		b.html.lit(value)
		return
	case a.quote == 0:
		why = "a value in an attribute needs quotes around it: " + a.name + "=\"…\""
	case a.name == "style":
		why = "a value cannot stand in a style"
	case strings.HasPrefix(a.name, "on"):
		why = "a value cannot stand in " + a.name + ", which is a script"
	case a.name == "srcset" || a.name == "srcdoc" || a.name == "ping" || slices.Contains(inert, tag):
		why = fmt.Sprintf("a value cannot stand in the %s of <%s>", a.name, tag)
	}
	if why != "" {
		b.refuse(value, why)
		return
	}
	if slices.Contains(addresses, a.name) {
		b.address(value, true)
		return
	}
	b.page.cut(value, b.html.lit, func(n int) {
		b.seen[n] = true
		b.html.ops = append(b.html.ops, op{hole: n, at: attrText})
	})
}

// address writes an address of a template, with values in it, to the HTML.
func (b *built) address(value string, attr bool) {
	ops, bad := b.page.address(value, attr)
	b.page.cut(value, func(string) {}, func(n int) { b.seen[n] = true })
	if bad >= 0 {
		b.fault(bad, "a value cannot stand in an address of this kind").
			hinted("allowed are %s", strings.Join(schemes, ", "))
		return
	}
	b.html.ops = append(b.html.ops, ops...)
}

// address returns the steps that fill an address; bad is a hole that cannot
// stand where it does, or -1.
func (pg *page) address(value string, attr bool) (ops []op, bad int) {
	bad = -1
	prefix, holes, begun := "", false, false
	pg.cut(value, func(lit string) {
		if attr {
			prefix += html.UnescapeString(lit)
		} else {
			prefix += lit
		}
		ops = append(ops, op{lit: lit, hole: -1})
	}, func(n int) {
		at, begin, ok := urlPlace(prefix, holes)
		if !ok {
			bad = n
		}
		begun, holes = begun || begin, true
		ops = append(ops, op{hole: n, at: at, attr: attr})
	})
	if begun {
		ops[0].begin, ops[len(ops)-1].check = true, true
	}
	return ops, bad
}

// parseTag reads a start tag as HTML's tokenizer does: name, attributes, and
// whether it closes itself.
func parseTag(raw string) (name string, attrs []attr, closed bool) {
	s := strings.TrimSuffix(raw[1:], ">")
	i := strings.IndexAny(s, " \t\n\f/")
	if i < 0 {
		return strings.ToLower(s), nil, false
	}
	name, s = strings.ToLower(s[:i]), s[i:]
	for {
		trimmed := strings.TrimLeft(s, " \t\n\f/")
		if trimmed == "" {
			return name, attrs, strings.HasSuffix(s, "/")
		}
		var a attr
		a, s = parseAttr(trimmed)
		attrs = append(attrs, a)
	}
}

func parseAttr(s string) (attr, string) {
	i := strings.IndexAny(s[1:], " \t\n\f/=") + 1
	if i == 0 {
		return attr{name: strings.ToLower(s), bare: true}, ""
	}
	a := attr{name: strings.ToLower(s[:i])}
	rest := strings.TrimLeft(s[i:], " \t\n\f")
	if !strings.HasPrefix(rest, "=") {
		a.bare = true
		return a, rest
	}
	rest = strings.TrimLeft(rest[1:], " \t\n\f")
	if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
		a.quote = rest[0]
		end := strings.IndexByte(rest[1:], a.quote)
		if end < 0 {
			end = len(rest) - 1
		}
		a.value = rest[1 : 1+end]
		return a, rest[min(len(rest), end+2):]
	}
	end := strings.IndexAny(rest, " \t\n\f")
	if end < 0 {
		end = len(rest)
	}
	a.value = rest[:end]
	return a, rest[end:]
}
