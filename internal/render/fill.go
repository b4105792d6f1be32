package render

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// A place is where a value stands, and so how it is escaped.
type place byte

const (
	verbatim  place = iota // the text part
	htmlText               // between tags; line breaks become <br>
	htmlPlain              // in title, textarea, pre: line breaks stay
	attrText               // a quoted attribute
	urlWhole               // the beginning of an address: reserved characters mean what they say
	urlHost                // between // and the path
	urlPath                // after the host, before ? and #
	urlQuery               // after ? or #
)

// An op is one step of filling: a literal, or a hole in its place.
type op struct {
	lit   string
	hole  int // -1: a literal only
	at    place
	attr  bool    // an address within an attribute: & and ' are escaped too
	check bool    // after it, the address that began at the last op with begin is checked
	begin bool    // an address begins here whose scheme comes from a value
	draw  drawing // what only the text part draws
}

type drawing interface {
	draw(dst []byte, r *record) []byte
}

// A program makes one part of a mail from the values of a row.
type program struct{ ops []op }

func (p *program) lit(s string) {
	if n := len(p.ops); n > 0 && p.ops[n-1].hole < 0 && p.ops[n-1].draw == nil && !p.ops[n-1].check {
		p.ops[n-1].lit += s
		return
	}
	p.ops = append(p.ops, op{lit: s, hole: -1})
}

// fill writes over dst, which a mail before may have left.
func (p *program) fill(dst []byte, r *record) []byte {
	size := len(r.values) + 64
	for i := range p.ops {
		size += len(p.ops[i].lit)
	}
	return p.append(slices.Grow(dst[:0], size+size/8), r)
}

func (p *program) append(dst []byte, r *record) []byte {
	begin := 0
	for i := range p.ops {
		o := &p.ops[i]
		if o.begin {
			begin = len(dst)
		}
		dst = append(dst, o.lit...)
		if o.hole >= 0 {
			dst = o.value(dst, r.hold(o.hole))
		}
		if o.check && !harmless(dst[begin:]) {
			dst = append(dst[:begin], "#blocked"...)
		}
		if o.draw != nil {
			dst = o.draw.draw(dst, r)
		}
	}
	return dst
}

func (o *op) value(dst, v []byte) []byte {
	switch o.at {
	case verbatim:
		return append(dst, v...)
	case htmlText:
		return appendMarkup(dst, v, true)
	case htmlPlain, attrText:
		return appendMarkup(dst, v, false)
	}
	return appendURL(dst, v, o.at, o.attr)
}

// appendMarkup escapes for HTML text and quoted attributes.
func appendMarkup(dst, v []byte, breaks bool) []byte {
	from := 0
	for i, c := range v {
		to := ""
		switch c {
		case '&':
			to = "&amp;"
		case '<':
			to = "&lt;"
		case '>':
			to = "&gt;"
		case '"':
			to = "&#34;"
		case '\'':
			to = "&#39;"
		case '\n':
			if !breaks {
				continue
			}
			to = "<br>"
		default:
			continue
		}
		dst = append(append(dst, v[from:i]...), to...)
		from = i + 1
	}
	return append(dst, v[from:]...)
}

func escapeMarkup(s string) string { return string(appendMarkup(nil, []byte(s), false)) }

const hexDigits = "0123456789ABCDEF"

// appendURL percent-encodes what has no business at the place (RFC 3986 §2).
// Where a whole address is expected, reserved characters and %XX are kept.
func appendURL(dst, v []byte, at place, attr bool) []byte {
	if at == urlWhole {
		v = trimBlanks(v)
	}
	for i, c := range v {
		switch {
		case unreserved(c), at != urlQuery && strings.IndexByte(keep(at), c) >= 0:
		case at == urlWhole && c == '%' && i+2 < len(v) && isHex(v[i+1]) && isHex(v[i+2]):
		default:
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
			continue
		}
		switch {
		case attr && c == '&':
			dst = append(dst, "&amp;"...)
		case attr && c == '\'':
			dst = append(dst, "&#39;"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

func keep(at place) string {
	switch at {
	case urlWhole:
		return "!#$&'()*+,/:;=?@[]"
	case urlPath:
		return "!$*+,/:;=@"
	}
	return ":" // host:port
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func trimBlanks(v []byte) []byte {
	return []byte(strings.TrimSpace(string(v)))
}

// schemes are those that an address made of a value may have.
var schemes = []string{"http", "https", "mailto", "tel", "cid"}

// harmless reports whether an address has an allowed scheme or none.
func harmless(url []byte) bool {
	for i, c := range url {
		switch c {
		case ':':
			return slices.Contains(schemes, strings.ToLower(string(url[:i])))
		case '/', '?', '#':
			return true
		case '&':
			return false // an entity before the scheme is known
		}
	}
	return true
}

// urlPlace returns where in an address the text after prefix stands. A hole in
// the prefix is opaque. ok is false when values may not stand there at all.
func urlPlace(prefix string, holes bool) (at place, begin, ok bool) {
	switch {
	case strings.ContainsAny(prefix, "?#"):
		return urlQuery, false, true
	case prefix == "" && !holes:
		return urlWhole, true, true
	}
	scheme, rest, found := strings.Cut(prefix, ":")
	if found && !strings.Contains(scheme, "/") {
		if !slices.Contains(schemes, strings.ToLower(strings.TrimSpace(scheme))) && !holes {
			return 0, false, false
		}
		if after, slashes := strings.CutPrefix(rest, "//"); slashes && !strings.Contains(after, "/") {
			return urlHost, false, true
		}
		return urlPath, false, true
	}
	if strings.Contains(prefix, "/") {
		if after, slashes := strings.CutPrefix(prefix, "//"); slashes && !strings.Contains(after, "/") {
			return urlHost, false, true
		}
		return urlPath, false, true
	}
	return urlPath, !holes, true // "java" + value: the scheme is not known yet
}

func runes(s string) int { return utf8.RuneCountInString(s) }
