package lint

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// A tag is a start tag with those attributes that a rule asks for.
type tag struct {
	atom                          atom.Atom
	look                          *look // nil without a style
	href, src, alt                string
	width, height, id, lang, kind string
	bgcolor, color                string
	handler                       string // the first on… attribute
	hasHref, hasAlt, hidden       bool
	refresh                       bool
	used                          []use
}

func readTag(z *html.Tokenizer) *tag {
	name, more := z.TagName()
	t := &tag{atom: atom.Lookup(name)}
	var attributes []int
	for more {
		var key, val []byte
		key, val, more = z.TagAttr()
		if i, ok := table().attribute[string(key)]; ok {
			attributes = append(attributes, i)
		}
		t.take(key, val)
	}
	t.features(attributes)
	return t
}

// raw tells whether what follows the tag may be no HTML.
func (t *tag) raw() bool {
	switch t.atom {
	case atom.Iframe, atom.Noembed, atom.Noframes, atom.Noscript, atom.Plaintext, atom.Script, atom.Style,
		atom.Textarea, atom.Title, atom.Xmp:
		return true
	}
	return false
}

func (t *tag) take(key, val []byte) {
	switch string(key) {
	case "style":
		if len(val) > 0 {
			t.look = readLook(string(val))
		}
	case "href":
		t.href, t.hasHref = strings.TrimSpace(string(val)), true
	case "src":
		t.src = strings.TrimSpace(string(val))
	case "alt":
		t.alt, t.hasAlt = strings.TrimSpace(string(val)), true
	case "width", "height":
		t.size(key, val)
	case "id", "name":
		t.id = string(val)
	case "lang":
		t.lang = string(val)
	case "type":
		t.kind = strings.ToLower(string(val))
	case "bgcolor":
		t.bgcolor = string(val)
	case "color":
		t.color = string(val)
	case "hidden":
		t.hidden = true
	case "http-equiv":
		t.refresh = strings.EqualFold(string(val), "refresh")
	default:
		if len(key) > 2 && key[0] == 'o' && key[1] == 'n' && t.handler == "" {
			t.handler = string(key)
		}
	}
}

// size keeps the size of images: cells have one too, and nobody asks.
func (t *tag) size(key, val []byte) {
	switch {
	case t.atom != atom.Img:
	case key[0] == 'w':
		t.width = string(val)
	default:
		t.height = string(val)
	}
}

// features notes the features of the table that a tag uses.
func (t *tag) features(attributes []int) {
	s := table()
	note := func(feature int, needle string) { t.used = append(t.used, use{feature, needle}) }
	for _, i := range attributes {
		note(i, s.features[i].name())
	}
	if i, ok := s.element[t.atom]; ok {
		note(i, "<"+t.atom.String())
	}
	switch t.atom {
	case atom.Input, atom.Button:
		note(s.slug("html-"+t.atom.String()+"-"+t.kind), "<"+t.atom.String())
	case atom.A:
		if strings.HasPrefix(t.href, "#") && len(t.href) > 1 {
			note(s.slug("html-anchor-links"), t.href)
		}
	}
}
