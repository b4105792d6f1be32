package lint

import "strings"

// usedBy tells the features that one declaration uses.
func usedBy(property, value string, note func(feature int, needle string)) {
	s := table()
	if strings.HasPrefix(property, "--") {
		note(s.slug("css-variables"), property)
		return
	}
	if i, ok := s.property[property]; ok {
		note(i, property)
	}
	switch property {
	case "display":
		note(s.slug("css-display-"+strings.TrimPrefix(value, "inline-")), property+":"+value)
	case "flex-direction", "flex-wrap":
		note(s.slug("css-"+property), property)
	}
	usedByValue(value, note)
}

// usedByValue goes through the words of a value: functions such as calc( and
// numbers with a unit such as 2rem. Strings and url(…) have none.
func usedByValue(value string, note func(feature int, needle string)) {
	s := table()
	for i := 0; i < len(value); {
		switch c := value[i]; {
		case c == '"' || c == '\'':
			i = skipPast(value, i+1, c)
		case c >= '0' && c <= '9' || c == '.':
			end := i
			for end < len(value) && (value[end] >= '0' && value[end] <= '9' || value[end] == '.') {
				end++
			}
			stop := wordEnd(value, end)
			if f, ok := s.unit[value[end:stop]]; ok {
				note(f, value[i:stop])
			}
			i = max(stop, i+1)
		case c == '!':
			note(s.slug("css-important"), "!important")
			i = wordEnd(value, i+1)
		case letter(c):
			stop := wordEnd(value, i)
			if stop < len(value) && value[stop] == '(' {
				i = usedByCall(value, i, stop, note)
				continue
			}
			i = stop
		case c == '#':
			i = wordEnd(value, i+1)
		default:
			i++
		}
	}
}

func usedByCall(value string, start, stop int, note func(feature int, needle string)) int {
	name := strings.ToLower(value[start:stop])
	if name == "url" {
		note(table().slug("css-background-image"), "url(")
		return skipPast(value, stop, ')')
	}
	if f, ok := table().function[name]; ok {
		note(f, name+"(")
	}
	return stop + 1
}

func skipPast(s string, from int, c byte) int {
	if i := strings.IndexByte(s[from:], c); i >= 0 {
		return from + i + 1
	}
	return len(s)
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '-' || c == '_' || c >= 0x80 }

func wordEnd(s string, from int) int {
	if from < len(s) && s[from] == '%' {
		return from + 1
	}
	for from < len(s) && (letter(s[from]) || s[from] >= '0' && s[from] <= '9') {
		from++
	}
	return from
}

// readSheet notes what a <style> uses. What stands inside @media is an extra
// for clients that understand it, so only the @media itself counts.
func readSheet(css string, note func(feature int, needle string)) {
	depth, extra := 0, 0 // extra: the depth of the outermost @media, 0 outside
	for css != "" {
		css = strings.TrimLeft(css, " \t\r\n")
		if rest, ok := strings.CutPrefix(css, "/*"); ok {
			note(table().slug("css-comments"), "/*")
			_, css, _ = strings.Cut(rest, "*/")
			continue
		}
		end := strings.IndexAny(css, "{};")
		if end < 0 {
			return
		}
		chunk, stop := strings.TrimSpace(css[:end]), css[end]
		css = css[end+1:]
		switch {
		case stop == '{':
			depth++
			if extra == 0 && strings.HasPrefix(chunk, "@media") {
				extra = depth
			}
		case stop == '}':
			depth = max(depth-1, 0)
		}
		usedByChunk(chunk, stop == '{', extra != 0 && extra <= depth, note)
		if depth < extra {
			extra = 0
		}
	}
}

func usedByChunk(chunk string, opens, extra bool, note func(feature int, needle string)) {
	switch {
	case strings.HasPrefix(chunk, "@"):
		usedByAtRule(chunk, note)
	case extra || chunk == "":
	case opens:
		usedBySelector(chunk, note)
	default:
		for property, value := range declarations(chunk) {
			usedBy(property, value, note)
		}
	}
}

func usedByAtRule(chunk string, note func(feature int, needle string)) {
	s := table()
	word := chunk[1 : 1+len(chunk[1:])-len(strings.TrimLeft(chunk[1:], "abcdefghijklmnopqrstuvwxyz-"))]
	note(s.slug("css-at-"+word), "@"+word)
	if word != "media" {
		return
	}
	for _, query := range []string{"prefers-color-scheme", "prefers-reduced-motion", "orientation", "hover", "device-pixel-ratio"} {
		if strings.Contains(chunk, query) {
			note(s.slug("css-at-media-"+query), query)
		}
	}
}

func usedBySelector(chunk string, note func(feature int, needle string)) {
	s := table()
	for i := 0; i < len(chunk); i++ {
		switch chunk[i] {
		case '.':
			note(s.slug("css-selector-class"), chunk)
		case '#':
			note(s.slug("css-selector-id"), chunk)
		case '[':
			note(s.slug("css-selector-attribute"), chunk)
		case '>':
			note(s.slug("css-selector-child"), chunk)
		case '+':
			note(s.slug("css-selector-adjacent-sibling"), chunk)
		case '~':
			note(s.slug("css-selector-general-sibling"), chunk)
		case ':':
			name := chunk[i+1 : wordEnd(chunk, i+1)]
			note(s.slug("css-pseudo-class-"+name), ":"+name)
			note(s.slug("css-pseudo-element-"+name), ":"+name)
		}
	}
}
