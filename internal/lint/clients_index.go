package lint

import (
	"net/url"
	"path"
	"strings"

	"golang.org/x/net/html/atom"
)

// index prepares the ways from a page to the table. Most slugs say the thing
// itself (css-border-radius); the lists name those that do not.
func (s *support) index() {
	s.property, s.function, s.unit = map[string]int{}, map[string]int{}, map[string]int{}
	s.element, s.attribute = map[atom.Atom]int{}, map[string]int{}
	for i, f := range s.features {
		name, ok := strings.CutPrefix(f.slug, "css-")
		switch {
		case !ok:
		case strings.HasPrefix(name, "unit-"):
			s.unit[strings.TrimPrefix(name, "unit-")] = i
		case strings.HasPrefix(name, "function-"):
			s.function[strings.TrimPrefix(name, "function-")] = i
		case !strings.HasPrefix(name, "at-") && !strings.HasPrefix(name, "pseudo-") && !strings.HasPrefix(name, "selector-"):
			s.property[name] = i
		}
	}
	s.unit["%"] = s.slug("css-unit-percent")
	s.breaks = map[int]bool{}
	for slug := range strings.FieldsSeq(breaking) {
		s.breaks[s.slug(slug)] = true
	}
	s.alias(s.property, aliases)
	s.alias(s.function, functions)
	for name := range strings.FieldsSeq(elements) {
		if a := atom.Lookup([]byte(name)); a != 0 {
			s.element[a] = s.slug("html-" + name)
		}
	}
	for _, pair := range [][2]string{{"semantics", semantics}, {"lists", "ul ol dl"}, {"h1-h6", "h1 h2 h3 h4 h5 h6"}, {"image-maps", "map area"}} {
		for name := range strings.FieldsSeq(pair[1]) {
			s.element[atom.Lookup([]byte(name))] = s.slug("html-" + pair[0])
		}
	}
	for name := range strings.FieldsSeq(attributes) {
		s.attribute[name] = s.slug("html-" + name)
	}
	s.attribute["loading"], s.attribute["sizes"] = s.slug("html-loading-attribute"), s.slug("html-srcset")
}

// alias reads lines of "slug: name name".
func (s *support) alias(to map[string]int, lines string) {
	for line := range strings.Lines(lines) {
		slug, names, _ := strings.Cut(strings.TrimSpace(line), ":")
		for name := range strings.FieldsSeq(names) {
			to[name] = s.slug(slug)
		}
	}
}

const (
	elements = `abbr acronym address audio base bdi blockquote body code del dfn dialog div form hr img link marquee
		meter object p picture pre progress rp rt ruby select small span strike strong style svg table textarea video wbr`
	semantics  = `article aside details figcaption figure footer header main mark nav section summary time`
	attributes = `align valign width height cellpadding cellspacing background aria-describedby aria-hidden aria-label
		aria-labelledby aria-live dir hidden lang popover required role srcset target`
	aliases = `css-left-right-top-bottom: left right top bottom
		css-gap: gap column-gap row-gap
		css-grid-template: grid-template grid-template-columns grid-template-rows grid-template-areas
		css-block-inline-size: block-size inline-size
		css-margin-inline-block: margin-inline margin-block
		css-padding-inline-block: padding-inline padding-block
		css-margin-block-start-end: margin-block-start margin-block-end
		css-margin-inline-start-end: margin-inline-start margin-inline-end
		css-padding-block-start-end: padding-block-start padding-block-end
		css-padding-inline-start-end: padding-inline-start padding-inline-end
		css-border: border-top border-right border-bottom border-left
		css-padding: padding-top padding-right padding-bottom padding-left
		css-margin: margin-top margin-right margin-bottom margin-left
		css-column-layout-properties: columns column-width column-rule column-fill column-span
		css-border-radius: border-top-left-radius border-top-right-radius border-bottom-left-radius border-bottom-right-radius`
	functions = `css-rgb: rgb
		css-rgba: rgba
		css-unit-calc: calc
		css-variables: var
		css-modern-color: lch oklch lab oklab
		css-linear-gradient: linear-gradient repeating-linear-gradient
		css-radial-gradient: radial-gradient repeating-radial-gradient
		css-conic-gradient: conic-gradient repeating-conic-gradient`
)

// image returns the feature of an image's format, -1 if it has none to tell.
func (s *support) image(src string) int {
	if rest, ok := strings.CutPrefix(src, "data:"); ok {
		if strings.HasPrefix(rest, "image/svg") {
			return s.slug("image-svg")
		}
		return s.slug("image-base64")
	}
	if strings.HasPrefix(src, "cid:") {
		return -1
	}
	u, err := url.Parse(src)
	if err != nil {
		return -1
	}
	ext := strings.TrimPrefix(strings.ToLower(path.Ext(u.Path)), ".")
	switch ext {
	case "jpeg":
		ext = "jpg"
	case "heic":
		ext = "heif"
	case "tif":
		ext = "tiff"
	}
	return s.slug("image-" + ext)
}
