package config

import (
	"net"
	"net/netip"
	"net/url"
	"strings"

	"hongyan/internal/list"
)

// Unsubscribe is how recipients leave; zero when mails show no way out.
type Unsubscribe struct {
	URL    string // of the public pages, as seen from outside; "" = none
	Mailto string // an address that takes wishes by mail; "" = none
	Listen string // where serve answers for URL
}

// unsubscribe reads how recipients leave.
func (b *builder) unsubscribe(values map[string]any) Unsubscribe {
	u := Unsubscribe{URL: strings.TrimSuffix(text(values["url"]), "/"), Mailto: text(values["mailto"]), Listen: text(values["listen"])}
	if u.URL != "" {
		b.publicPage(u.URL)
	}
	if u.Mailto != "" {
		address, name, _, f := list.ParseAddress(u.Mailto)
		if f != nil || name != "" || strings.ContainsAny(address, "?&<>,") {
			b.wrong(join("unsubscribe", "mailto"), "%q is no address", u.Mailto).Hinted("write it like leave@example.com")
		}
		u.Mailto = address
	}
	if u.Listen == "" {
		u.Listen = "127.0.0.1:8027"
	}
	if _, port, err := net.SplitHostPort(u.Listen); err != nil || port == "" {
		b.wrong(join("unsubscribe", "listen"), "%q is no place to listen", u.Listen).Hinted("write it like 127.0.0.1:8027 or :8027")
	}
	return u
}

// publicPage checks the address that stands in every mail: mail programs post
// to https only (RFC 8058 §3.1), and a link that cannot be built upon is none.
func (b *builder) publicPage(address string) {
	path := join("unsubscribe", "url")
	u := webAddress(address)
	switch {
	case u == nil || u.RawQuery != "" || u.Fragment != "" || u.User != nil || strings.ContainsAny(address, "<> \",;"):
		b.wrong(path, "%q is no address of pages", address).Hinted("write it like https://mail.example.com/unsubscribe")
	case u.Scheme != "https" && !loopback(u):
		b.wrong(path, "%q must begin with https://", address).Hinted("mail programs show their button for https only; http is for trying on this machine")
	}
}

func loopback(u *url.URL) bool {
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && addr.IsLoopback()
}
