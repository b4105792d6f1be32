package unsubscribe

import "strings"

// Links are the ways out that a mail shows: all recipients of one list.
type Links struct {
	URL    string // where the pages are seen from outside, without a slash at the end; "" when they are not
	Mailto string // an address that takes wishes by mail; "" when there is none
	List   string
	Keys   *Keyring // used when there is a URL
}

// oneClick is the part of the path that mail programs post to, apart from the
// page for people.
const oneClick = "one-click/"

// Page is the page on which a recipient leaves; "" when there is none.
func (l Links) Page(address string) string {
	if l.URL == "" {
		return ""
	}
	return strings.TrimSuffix(l.URL, "/") + "/" + l.Keys.Seal(l.List, address)
}

// Headers are the header fields of RFC 2369 and 8058 for one recipient.
// List-Unsubscribe-Post goes with an https address only (RFC 8058 §3.1).
func (l Links) Headers(address string) [][2]string {
	var ways []string
	if l.URL != "" {
		ways = append(ways, "<"+strings.TrimSuffix(l.URL, "/")+"/"+oneClick+l.Keys.Seal(l.List, address)+">")
	}
	if l.Mailto != "" {
		ways = append(ways, "<mailto:"+l.Mailto+"?subject=unsubscribe>")
	}
	if len(ways) == 0 {
		return nil
	}
	out := [][2]string{{"List-Unsubscribe", strings.Join(ways, ", ")}}
	if strings.HasPrefix(l.URL, "https://") {
		out = append(out, [2]string{"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"})
	}
	return out
}
