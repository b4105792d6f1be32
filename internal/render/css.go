package render

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"hongyan/internal/fault"
)

// A rule is one selector of a <style data-inline> and its declarations. Known
// are tag, .class, tag.class and descendants of these.
type rule struct {
	path   []simple // from the outermost to the element itself
	decls  []decl
	weight int // classes × 1000 + tags
}

type simple struct {
	tag     string // "" = any
	classes []string
}

type decl struct{ name, value string }

// element is what rules see of an open element.
type element struct {
	tag     string
	classes []string
}

var (
	inlineStyle = regexp.MustCompile(`(?s)<style\s+data-inline\s*>(.*?)</style>\s*`)
	headStyle   = regexp.MustCompile(`(?s)<style[^>]*>.*?</style>`)
	cssComment  = regexp.MustCompile(`(?s)/\*.*?\*/`)
	simpleForm  = regexp.MustCompile(`^([a-z][a-z0-9]*)?((?:\.[A-Za-z_][\w-]*)*)$`)
)

// cutStyles takes the rules to inline out of a layout; other styles stay.
func (p *parsing) cutStyles(part partial, doc string) (string, []rule, bool) {
	before := len(p.faults)
	var rules []rule
	for _, m := range inlineStyle.FindAllStringSubmatch(doc, -1) {
		rules = append(rules, p.rules(part, m[1])...)
	}
	slices.SortStableFunc(rules, func(a, b rule) int { return cmp.Compare(a.weight, b.weight) })
	doc = inlineStyle.ReplaceAllString(doc, "")
	doc = headStyle.ReplaceAllStringFunc(doc, func(s string) string { return cssComment.ReplaceAllString(s, "") })
	return doc, rules, len(p.faults) == before
}

func (p *parsing) rules(part partial, css string) []rule {
	var out []rule
	for block := range strings.SplitSeq(cssComment.ReplaceAllString(css, ""), "}") {
		heads, body, ok := strings.Cut(block, "{")
		if !ok {
			if s := strings.TrimSpace(block); s != "" {
				p.fault(fault.At(part.shown, 0, "style: %q is no rule", s))
			}
			continue
		}
		decls := parseDecls(body)
		for head := range strings.SplitSeq(heads, ",") {
			r, ok := parseSelector(strings.TrimSpace(head))
			if !ok {
				p.fault(fault.At(part.shown, lineOf(part.text, strings.TrimSpace(head)),
					"style: %q cannot be inlined", strings.TrimSpace(head))).
					Hinted("<style data-inline> knows tag, .class, tag.class and descendants; other rules go into a plain <style>")
				continue
			}
			r.decls = decls
			out = append(out, r)
		}
	}
	return out
}

func parseSelector(s string) (rule, bool) {
	var r rule
	for part := range strings.FieldsSeq(s) {
		m := simpleForm.FindStringSubmatch(part)
		if m == nil || part == "" {
			return rule{}, false
		}
		sel := simple{tag: m[1]}
		if m[2] != "" {
			sel.classes = strings.Split(m[2][1:], ".")
		}
		r.weight += 1000 * len(sel.classes)
		if sel.tag != "" {
			r.weight++
		}
		r.path = append(r.path, sel)
	}
	return r, len(r.path) > 0
}

// parseDecls splits "a: b; c: d"; a semicolon inside quotes or brackets does
// not divide.
func parseDecls(s string) []decl {
	var out []decl
	add := func(text string) {
		name, value, ok := strings.Cut(text, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if ok && name != "" && value != "" {
			out = append(out, decl{name, strings.Join(strings.Fields(value), " ")})
		}
	}
	from, depth, quote := 0, 0, byte(0)
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ';' && depth <= 0:
			add(s[from:i])
			from = i + 1
		}
	}
	add(s[from:])
	return out
}

// computed returns the declarations for the last of the open elements, its own
// style last; a later one replaces an earlier one of the same name.
func computed(rules []rule, open []element, own string) []decl {
	var out []decl
	put := func(d decl) {
		out = slices.DeleteFunc(out, func(have decl) bool { return have.name == d.name })
		out = append(out, d)
	}
	for i := range rules {
		if rules[i].matches(open) {
			for _, d := range rules[i].decls {
				put(d)
			}
		}
	}
	for _, d := range parseDecls(own) {
		put(d)
	}
	return out
}

func (r *rule) matches(open []element) bool {
	i := len(r.path) - 1
	if !r.path[i].matches(open[len(open)-1]) {
		return false
	}
	for e := len(open) - 2; e >= 0 && i > 0; e-- {
		if r.path[i-1].matches(open[e]) {
			i--
		}
	}
	return i == 0
}

func (s simple) matches(e element) bool {
	if s.tag != "" && s.tag != e.tag {
		return false
	}
	for _, class := range s.classes {
		if !slices.Contains(e.classes, class) {
			return false
		}
	}
	return true
}

func lineOf(text, what string) int {
	i := strings.Index(text, what)
	if i < 0 || what == "" {
		return 0
	}
	return 1 + strings.Count(text[:i], "\n")
}
