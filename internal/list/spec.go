package list

import (
	"strings"

	"golang.org/x/net/idna"

	"hongyan/internal/fault"
)

// parseSpec checks an addr-spec and writes its domain as A-labels in lower
// case. Quoted local parts and address literals are legal, but no mailbox that
// people write to has them and they are the way into the envelope: refused.
func parseSpec(spec string) (string, *fault.Fault) {
	local, host, ok := strings.Cut(spec, "@")
	if !ok {
		return "", fault.At("", 0, "%q is not an address: there is no @", clip(spec))
	}
	if strings.Contains(host, "@") {
		return "", fault.At("", 0, "%q is not an address: there are several @", clip(spec)).
			Hinted("one address in each row")
	}
	if f := checkLocal(local); f != nil {
		return "", f
	}
	ascii, f := parseHost(host)
	if f != nil {
		return "", f
	}
	if len(local)+1+len(ascii) > maxAddress {
		return "", fault.At("", 0, "the address is longer than %d bytes", maxAddress)
	}
	return local + "@" + ascii, nil
}

func checkLocal(local string) *fault.Fault {
	switch {
	case local == "":
		return fault.At("", 0, "nothing stands before the @")
	case len(local) > maxLocal:
		return fault.At("", 0, "the part before the @ is longer than %d bytes", maxLocal)
	case isDotAtom(local):
		return nil
	}
	for _, r := range local {
		if r > '~' {
			return fault.At("", 0, "%q before the @ holds %q, which mail servers do not take", clip(local), string(r)).
				Hinted("letters, digits and . _ - + are sure to be taken")
		}
		if r != '.' && !isAtext(byte(r)) {
			return fault.At("", 0, "%q before the @ holds %q, which may not stand there", clip(local), string(r))
		}
	}
	return fault.At("", 0, "%q before the @ has a dot at its beginning, at its end or two in a row", clip(local))
}

func parseHost(host string) (string, *fault.Fault) {
	if host == "" {
		return "", fault.At("", 0, "nothing stands behind the @")
	}
	if ascii := strings.ToLower(host); isHost(ascii) {
		return ascii, nil
	}
	ascii, err := idna.Lookup.ToASCII(host)
	if err == nil && isHost(ascii) {
		return ascii, nil
	}
	f := fault.At("", 0, "%q is not a domain", clip(host))
	if meant := mendedHost(host); meant != "" {
		return "", f.Hinted("did you mean %s?", meant)
	}
	return "", f
}

// isDotAtom tells whether s is a dot-atom of RFC 5322 §3.2.3 in ASCII.
func isDotAtom(s string) bool {
	dot := true // a dot may not come now
	for i := range len(s) {
		if s[i] == '.' {
			if dot {
				return false
			}
			dot = true
			continue
		}
		if !isAtext(s[i]) {
			return false
		}
		dot = false
	}
	return !dot
}

func isAtext(c byte) bool {
	return isAlnum(c) || c >= 'A' && c <= 'Z' || c != 0 && strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

// isHost tells whether s is a host name of at least two labels, in lower case,
// whose last one is not a number (RFC 5321 §2.3.5, RFC 1123 §2.1).
func isHost(s string) bool {
	labels, start, digits := 0, 0, true
	for i := 0; i <= len(s); i++ {
		if i == len(s) || s[i] == '.' {
			if n := i - start; n == 0 || n > 63 || s[start] == '-' || s[i-1] == '-' {
				return false
			}
			labels, start = labels+1, i+1
			if i < len(s) {
				digits = true
			}
			continue
		}
		if !isAlnum(s[i]) && s[i] != '-' {
			return false
		}
		digits = digits && s[i] >= '0' && s[i] <= '9'
	}
	return labels > 1 && !digits && len(s) <= 253
}

func isAlnum(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
