package render

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hongyan/internal/fault"
)

// defaultTheme is every key that the layouts which ship understand.
var defaultTheme = map[string]string{
	"brand":      "#1a6dd4", // links, buttons, masthead
	"background": "#f2f4f7", // around the mail
	"width":      "600",     // pixels
	"logo":       "",        // an image file or an https address
	"logo_width": "120",     // pixels
	"name":       "",        // who writes: masthead, beside or instead of the logo
	"tagline":    "",        // a line below the name, an issue number
	"footer":     "",        // Markdown

	"unsubscribe": "", // words of the link by which a recipient leaves
}

// followers are the keys that follow from the brand: layouts show them, nobody sets them.
var followers = []string{"brand_dark", "brand_soft", "link", "on_brand"}

var (
	hexColour = regexp.MustCompile(`^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$`)
	pixels    = regexp.MustCompile(`^[1-9][0-9]{1,3}$`)
)

// widest is more pixels than any client gives a mail.
const widest = 1200

// themeValues lays the source's theme over the front matter's over the
// defaults, and adds the colours that follow from the brand's.
func (p *parsing) themeValues(h head) map[string]string {
	values := maps.Clone(defaultTheme)
	maps.Copy(values, h.Theme)
	maps.Copy(values, p.source.Theme)
	for _, key := range []string{"brand", "background"} {
		if !hexColour.MatchString(values[key]) {
			p.themeFault(h, key, fault.Textf("theme: %s is %q, not a colour like #1a6dd4", key, values[key]))
			values[key] = defaultTheme[key]
		}
	}
	for _, key := range []string{"width", "logo_width"} {
		values[key] = strings.TrimSuffix(values[key], "px")
		if !pixels.MatchString(values[key]) || number(values[key]) > widest {
			p.themeFault(h, key, fault.Textf("theme: %s is %q, not a number of pixels from 10 to %d", key, values[key], widest))
			values[key] = defaultTheme[key]
		}
	}
	if values["unsubscribe"] == "" {
		values["unsubscribe"] = "Unsubscribe"
		if strings.HasPrefix(strings.ToLower(p.source.Lang), "zh") {
			values["unsubscribe"] = "退订"
		}
	}
	brand := parseColour(values["brand"])
	values["brand"] = brand.String()
	values["background"] = parseColour(values["background"]).String()
	values["on_brand"] = brand.ink().String()
	values["link"] = brand.readable(colour{255, 255, 255}).String()
	values["brand_dark"] = brand.readable(colour{0x1e, 0x20, 0x24}).String()
	values["brand_soft"] = brand.mix(colour{255, 255, 255}, 0.9).String()
	return values
}

// themeFault puts a fault where the key was written.
func (p *parsing) themeFault(h head, key string, what fault.Text) {
	file, line := p.source.Template, h.lines["theme"]
	if _, ok := p.source.Theme[key]; ok {
		file, line = p.source.SubjectFile, p.source.Lines["theme."+key]
	}
	p.fault(&fault.Fault{File: file, Line: line, What: what})
}

// checkTheme reports keys that neither we nor the layout know.
func (p *parsing) checkTheme(h head, used map[string]bool) {
	known := append(sortedKeys(defaultTheme), sortedKeys(used)...)
	known = slices.DeleteFunc(known, func(key string) bool { return slices.Contains(followers, key) })
	slices.Sort(known)
	for _, given := range []map[string]string{h.Theme, p.source.Theme} {
		for _, key := range sortedKeys(given) {
			if slices.Contains(known, key) {
				continue
			}
			p.themeFault(h, key, fault.Textf("theme: the layout knows no %q", key))
			last := p.faults[len(p.faults)-1]
			if near := fault.Near(key, known); near != "" {
				last.Hinted("did you mean %q?", near)
			} else {
				last.Hinted("known keys: %s", strings.Join(slices.Compact(known), ", "))
			}
		}
	}
}

type colour [3]uint8

func parseColour(s string) colour {
	s = strings.TrimPrefix(s, "#")
	if len(s) == 3 {
		s = s[:1] + s[:1] + s[1:2] + s[1:2] + s[2:] + s[2:]
	}
	n, err := strconv.ParseUint(s, 16, 32)
	if err != nil {
		return colour{}
	}
	return colour{uint8(n >> 16), uint8(n >> 8), uint8(n)}
}

func (c colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// luminance is the relative luminance of WCAG 2.2.
func (c colour) luminance() float64 {
	var l [3]float64
	for i, v := range c {
		f := float64(v) / 255
		if f <= 0.04045 {
			l[i] = f / 12.92
		} else {
			l[i] = math.Pow((f+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*l[0] + 0.7152*l[1] + 0.0722*l[2]
}

// contrast is the contrast ratio of WCAG 2.2, from 1 to 21.
func (c colour) contrast(d colour) float64 {
	a, b := c.luminance(), d.luminance()
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

// ink returns the colour of words on c.
func (c colour) ink() colour {
	white, black := colour{255, 255, 255}, colour{0x1a, 0x1a, 0x1a}
	if c.contrast(white) >= 3.5 || c.contrast(white) >= c.contrast(black) {
		return white
	}
	return black
}

func (c colour) mix(d colour, share float64) colour {
	for i := range c {
		c[i] = uint8(math.Round(float64(c[i])*(1-share) + float64(d[i])*share))
	}
	return c
}

// readable moves c away from the ground until words in it can be read: 4.5 to 1
// (WCAG 2.2 §1.4.3).
func (c colour) readable(ground colour) colour {
	to := colour{255, 255, 255}
	if ground.luminance() > 0.5 {
		to = colour{}
	}
	for share := 0.0; share < 1; share += 0.05 {
		if m := c.mix(to, share); m.contrast(ground) >= 4.5 {
			return m
		}
	}
	return to
}
