package list

import (
	"strings"
	"unicode"

	"hongyan/internal/fault"
)

// Longest parts of an address in bytes: RFC 5321 §4.5.3.1.1 and §4.5.3.1.3 (a
// path of 256 with its brackets).
const (
	maxLocal   = 64
	maxAddress = 254
)

// Key returns what two addresses are compared by: whether they are the same
// mailbox is the provider's business, but no provider in use tells case apart.
func Key(address string) string { return strings.ToLower(address) }

// ParseAddress reads one address as people write it: bare, in brackets behind a
// display name, in quotes, after "mailto:", with full-width or invisible
// characters. It returns an addr-spec of RFC 5321 whose local part is ASCII and
// as written, and whose domain is lower case and made of A-labels; the display
// name, if there is one; and notes on what was read otherwise than written and
// on domains that look like a slip (these are never changed). A fault has
// neither file nor line: the caller knows them.
func ParseAddress(s string) (addr, name string, notes []fault.Text, f *fault.Fault) {
	if isPlain(s) {
		return s, "", slipNotes(nil, s), nil
	}
	written := strings.Trim(s, " \t\r\n")
	seen := trim(visible(written))
	raw, name, f := splitName(seen)
	if f != nil {
		return "", "", nil, f
	}
	spec, f := undress(trim(halfWidth(raw)))
	if f != nil {
		return "", "", nil, f
	}
	if addr, f = parseSpec(spec); f != nil {
		return "", "", nil, f
	}
	if spec != strings.Trim(raw, " \t") || seen != written {
		notes = append(notes, fault.Textf("the address was written %q and is read as %s", clip(written), spec))
	}
	return addr, name, slipNotes(hostNotes(notes, spec, addr), addr), nil
}

// isPlain tells whether the text is already what ParseAddress would return: the
// way of nearly every row, and it must not allocate.
func isPlain(s string) bool {
	at := strings.IndexByte(s, '@')
	return at > 0 && at <= maxLocal && len(s) <= maxAddress && isDotAtom(s[:at]) && isHost(s[at+1:])
}

func hostNotes(notes []fault.Text, spec, addr string) []fault.Text {
	_, written, _ := strings.Cut(spec, "@")
	_, host, _ := strings.Cut(addr, "@")
	if strings.EqualFold(host, written) {
		return notes
	}
	return append(notes, fault.Textf("the domain %s goes on the wire as %s", written, host))
}

// slipNote is noted of every address whose domain looks like a slip.
const slipNote = "%s: did you mean %s?"

func slipNotes(notes []fault.Text, addr string) []fault.Text {
	host := addr[strings.IndexByte(addr, '@')+1:]
	if meant := meantHost(host); meant != "" {
		return append(notes, fault.Textf(slipNote, host, meant))
	}
	return notes
}

// splitName takes the display name off an address in angle brackets.
func splitName(s string) (spec, name string, f *fault.Fault) {
	if strings.ContainsAny(s, "＜＞") {
		s = strings.NewReplacer("＜", "<", "＞", ">").Replace(s)
	}
	open := strings.LastIndexByte(s, '<')
	if open < 0 || !strings.Contains(s[open:], ">") {
		return s, "", nil
	}
	spec, rest, _ := strings.Cut(s[open+1:], ">")
	if trim(rest) != "" {
		return "", "", fault.At("", 0, "%q is not an address: there is text behind the >", clip(s)).
			Hinted("one address in each row")
	}
	name = unquote(trim(s[:open]))
	if strings.ContainsAny(name, "<>") {
		return "", "", fault.At("", 0, "%q holds more than one address", clip(s)).
			Hinted("one address in each row")
	}
	if strings.ContainsFunc(name, unicode.IsControl) {
		return "", "", fault.At("", 0, "the display name %q holds a line break or another control character", clip(name))
	}
	return spec, name, nil
}

// undress takes off what surrounds an address that was copied from elsewhere.
func undress(spec string) (string, *fault.Fault) {
	spec = unquote(spec)
	const scheme = "mailto:"
	if len(spec) > len(scheme) && strings.EqualFold(spec[:len(scheme)], scheme) {
		spec, _, _ = strings.Cut(spec[len(scheme):], "?")
	}
	if spec == "" {
		return "", fault.At("", 0, "there is no address")
	}
	if strings.ContainsFunc(spec, unicode.IsControl) {
		return "", fault.At("", 0, "the address %q holds a line break or another control character", clip(spec))
	}
	return spec, nil
}

// quotes are the pairs that people put around a name or an address.
const quotes = `""''“”‘’「」`

func unquote(s string) string {
	pairs := []rune(quotes)
	for i := 0; i < len(pairs); i += 2 {
		inner, ok := strings.CutPrefix(s, string(pairs[i]))
		if !ok {
			continue
		}
		if inner, ok = strings.CutSuffix(inner, string(pairs[i+1])); ok {
			return trim(strings.ReplaceAll(inner, `\"`, `"`))
		}
	}
	return s
}

// trim takes off white space of every script: NBSP and U+3000 are some.
func trim(s string) string { return strings.TrimSpace(s) }

// visible drops the characters that nobody sees and every copy brings along:
// zero-width ones, direction marks, soft hyphens, byte order marks.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\u00ad' || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s)
}

// halfWidth turns the full-width forms of ASCII and the ideographic full stops
// into what was meant.
func halfWidth(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '！' && r <= '～':
			return r - '！' + '!'
		case r == '。', r == '｡', r == '﹒':
			return '.'
		case r == '﹫':
			return '@'
		}
		return r
	}, s)
}

// clip shortens a text for a message.
func clip(s string) string {
	const most = 60
	runes := 0
	for i := range s {
		if runes++; runes > most {
			return s[:i] + "…"
		}
	}
	return s
}
