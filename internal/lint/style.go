package lint

import (
	"iter"
	"strconv"
	"strings"
)

// A look is what one style attribute says; a mail repeats few of them often.
type look struct {
	ink, ground paint
	hasInk      bool
	hasGround   bool
	hides       bool
	size        float64 // in unit; meant when the unit is not ""
	unit        string
	bold        bool
	used        []use
}

func readLook(style string) *look {
	l := &look{}
	for property, value := range declarations(style) {
		l.take(property, value)
		usedBy(property, value, func(feature int, needle string) {
			l.used = append(l.used, use{feature, needle})
		})
	}
	return l
}

func (l *look) take(property, value string) {
	value = strings.ToLower(strings.TrimSpace(strings.TrimSuffix(value, "!important")))
	switch property {
	case "color":
		l.ink, l.hasInk = readPaint(value), true
	case "background-color":
		l.ground, l.hasGround = readPaint(value), true
	case "background", "background-image":
		l.background(property, value)
	case "display", "visibility", "mso-hide":
		l.hides = l.hides || value == "none" || value == "hidden" || value == "all"
	case "opacity", "max-height", "font-size":
		l.hides = l.hides || nothing(value)
	}
	switch property {
	case "font-size":
		l.size, l.unit, _ = number(value)
	case "font-weight":
		l.bold = value == "bold" || value >= "600" && value <= "900"
	}
}

// background reads the colour of the shorthand. An image or a gradient may
// cover it, so that nobody can tell what the text stands on.
func (l *look) background(property, value string) {
	if strings.Contains(value, "(") && !strings.HasPrefix(value, "rgb") {
		l.ground, l.hasGround = paint{}, true
		return
	}
	for word := range strings.FieldsSeq(value) {
		if p := readPaint(word); property == "background" && (p.known || p == seeThrough) {
			l.ground, l.hasGround = p, true
		}
	}
}

func nothing(value string) bool {
	n, _, ok := number(value)
	return ok && n < 2 && n >= 0 && (n == 0 || strings.HasSuffix(value, "px"))
}

func (l *look) apply(f *frame) {
	f.hidden = f.hidden || l.hides
	if l.hasGround {
		f.ground = l.ground.over(f.ground)
	}
	if l.hasInk {
		f.ink = l.ink.over(f.ground)
	}
	f.bold = f.bold || l.bold
	f.size = scaled(l.size, l.unit, f.size)
}

func scaled(n float64, unit string, inherited float64) float64 {
	switch unit {
	case "px":
		return n
	case "pt":
		return n * 4 / 3
	case "rem":
		return n * 16
	case "em":
		return n * inherited
	case "%":
		return n * inherited / 100
	}
	return inherited
}

// number splits "1.5em" into 1.5 and "em"; what does not begin with digits is
// no number, and its unit is "".
func number(value string) (n float64, unit string, ok bool) {
	end := 0
	for end < len(value) && (value[end] >= '0' && value[end] <= '9' || value[end] == '.' || value[end] == '-' && end == 0) {
		end++
	}
	n, err := strconv.ParseFloat(value[:end], 64)
	if err != nil {
		return 0, "", false
	}
	return n, value[end:], true
}

// declarations yields the properties, in lower case, and values of a CSS
// declaration list. Semicolons in strings and url(…) do not end a value.
func declarations(css string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for css != "" {
			end := declarationEnd(css)
			property, value, ok := strings.Cut(css[:end], ":")
			css = css[min(end+1, len(css)):]
			if ok && !yield(strings.ToLower(strings.TrimSpace(property)), strings.TrimSpace(value)) {
				return
			}
		}
	}
}

func declarationEnd(css string) int {
	quote, depth := byte(0), 0
	for i := 0; i < len(css); i++ {
		switch c := css[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ';' && depth <= 0:
			return i
		}
	}
	return len(css)
}
