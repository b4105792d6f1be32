package lint

import (
	"math"
	"strconv"
	"strings"

	"hongyan/internal/fault"
)

// A paint is a colour, or not known.
type paint struct {
	r, g, b uint8
	known   bool
}

// seeThrough stands for a background that lets its parent's through.
var seeThrough = paint{1, 2, 3, false}

// over is a colour laid on another: all that matters is transparency.
func (p paint) over(under paint) paint {
	if p == seeThrough {
		return under
	}
	return p
}

func (p paint) String() string {
	return "#" + hex2(p.r) + hex2(p.g) + hex2(p.b)
}

func hex2(v uint8) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[v>>4], digits[v&15]})
}

// readPaint reads #rgb, #rrggbb, rgb() and the common names. What it cannot
// read, or what is half transparent, is not known: better no finding than a
// wrong one.
func readPaint(value string) paint {
	value = strings.ToLower(strings.TrimSpace(value))
	switch {
	case strings.HasPrefix(value, "#"):
		return hexPaint(value[1:])
	case strings.HasPrefix(value, "rgb"):
		return rgbPaint(value)
	case value == "transparent":
		return seeThrough
	}
	return namedPaint(value)
}

func hexPaint(digits string) paint {
	v, err := strconv.ParseUint(digits, 16, 32)
	switch {
	case err != nil:
		return paint{}
	case len(digits) == 3:
		return paint{uint8(v>>8&15) * 17, uint8(v>>4&15) * 17, uint8(v&15) * 17, true}
	case len(digits) == 6:
		return paint{uint8(v >> 16), uint8(v >> 8), uint8(v), true}
	}
	return paint{}
}

func rgbPaint(value string) paint {
	_, list, ok := strings.Cut(strings.TrimSuffix(value, ")"), "(")
	parts := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '/' })
	if !ok || len(parts) < 3 {
		return paint{}
	}
	if len(parts) == 4 && parts[3] != "1" && parts[3] != "100%" {
		if n, _, _ := number(parts[3]); n == 0 {
			return seeThrough
		}
		return paint{}
	}
	var v [3]uint8
	for i := range v {
		n, err := strconv.ParseUint(parts[i], 10, 8)
		if err != nil {
			return paint{}
		}
		v[i] = uint8(n)
	}
	return paint{v[0], v[1], v[2], true}
}

// namedPaint knows the names that people write in mails.
func namedPaint(name string) paint {
	switch name {
	case "black":
		return paint{known: true}
	case "white":
		return paint{255, 255, 255, true}
	case "red":
		return paint{255, 0, 0, true}
	case "green":
		return paint{0, 128, 0, true}
	case "blue":
		return paint{0, 0, 255, true}
	case "yellow":
		return paint{255, 255, 0, true}
	case "orange":
		return paint{255, 165, 0, true}
	case "gray", "grey":
		return paint{128, 128, 128, true}
	case "silver":
		return paint{192, 192, 192, true}
	case "lightgray", "lightgrey":
		return paint{211, 211, 211, true}
	case "darkgray", "darkgrey":
		return paint{169, 169, 169, true}
	case "pink":
		return paint{255, 192, 203, true}
	}
	return paint{}
}

// ratio is the contrast of two colours, 1 to 21 (WCAG 2.2, contrast ratio).
func ratio(a, b paint) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(p paint) float64 {
	return 0.2126*linear(p.r) + 0.7152*linear(p.g) + 0.0722*linear(p.b)
}

func linear(v uint8) float64 {
	s := float64(v) / 255
	if s <= 0.04045 {
		return s / 12.92
	}
	return math.Pow((s+0.055)/1.055, 2.4)
}

// contrast compares inline colours only: those of <style> are for clients
// that read it, and hongyan's layouts inline what matters.
func (c *check) contrast(p *page) {
	for _, r := range p.painted {
		least := 4.5
		if r.large {
			least = 3
		}
		if !r.ink.known || !r.ground.known || ratio(r.ink, r.ground) >= least {
			continue
		}
		text := short(r.text)
		c.add(contrast, text, fault.Textf("%q is %s on %s: contrast %.1f:1", text, r.ink, r.ground, math.Floor(ratio(r.ink, r.ground)*10)/10),
			fault.Textf("choose colours with at least %.1f:1", least))
	}
}

// short is the beginning of a text, for a message.
func short(s string) string {
	s = strings.TrimSpace(s)
	if line, _, cut := strings.Cut(s, "\n"); cut {
		s = strings.TrimSpace(line)
	}
	if r := []rune(s); len(r) > 24 {
		return string(r[:24])
	}
	return s
}
