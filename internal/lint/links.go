package lint

import (
	"net/netip"
	"net/url"
	"strings"
	"unicode"

	"hongyan/internal/fault"
)

func (c *check) links(p *page) {
	seen := map[string]bool{}
	for _, l := range p.links {
		text := strings.Join(strings.Fields(l.text), " ")
		key := l.href + "\n" + text
		if seen[key] || !l.target && l.anchor {
			continue
		}
		seen[key] = true
		c.link(l, text)
		if strings.HasPrefix(l.href, "#") {
			c.local(l.href, text, p)
			continue
		}
		c.target(l.href, seen)
		c.wording(l.href, text)
	}
}

func (c *check) link(l link, text string) {
	switch {
	case l.href == "" || l.href == "#":
		c.add(linkEmpty, text, fault.Textf("the link %q has no target", text), fault.Text{})
	case text == "" && !l.picture:
		c.add(linkEmpty, l.href, fault.Textf("the link to %s has no text", l.href), fault.Textf("write a text, or give its image an alt"))
	}
}

func (c *check) local(href, text string, p *page) {
	if href != "#" && !p.ids[href[1:]] {
		c.add(linkBroken, href, fault.Textf("the link %q leads to %s, which is not in the mail", text, href), fault.Text{})
	}
}

// target checks where a link or an image leads, once for each.
func (c *check) target(href string, seen map[string]bool) {
	if href == "" || seen[href] {
		return
	}
	seen[href] = true
	u, err := url.Parse(href)
	if err != nil {
		c.add(linkBroken, href, fault.Textf("%q is not a link", href), fault.Textf("%s", plain(err)))
		return
	}
	if why := broken(u, href); why.Format != "" {
		c.add(linkBroken, href, fault.Textf("%q leads nowhere", href), why)
		return
	}
	if u.Scheme == "http" {
		c.add(linkInsecure, href, fault.Textf("%s is not encrypted", href), fault.Textf("write https:// if the site has it"))
	}
	if shortener(u.Hostname()) {
		c.add(linkShortened, href, fault.Textf("%s hides its target behind a shortener", href), fault.Textf("link to the page itself"))
	}
}

func plain(err error) string {
	if e, ok := err.(*url.Error); ok {
		return e.Err.Error()
	}
	return err.Error()
}

// broken says why a link can lead nowhere for a stranger; zero if it may.
func broken(u *url.URL, href string) fault.Text {
	if strings.Contains(href, "{{") || strings.Contains(href, "%7B%7B") {
		return fault.Textf("a hole was not filled")
	}
	switch strings.ToLower(u.Scheme) {
	case "":
		return fault.Textf("a link in a mail needs its scheme, such as https://")
	case "http", "https":
		return brokenHost(u.Hostname())
	case "mailto":
		if !strings.Contains(u.Opaque, "@") && u.Query().Get("to") == "" {
			return fault.Textf("mailto: needs an address")
		}
	case "javascript", "vbscript", "data", "file", "about", "blob", "cid":
		return fault.Textf("clients do not open %s: links", u.Scheme)
	}
	return fault.Text{}
}

func brokenHost(host string) fault.Text {
	if ip, err := netip.ParseAddr(host); err == nil {
		if !public(ip.Unmap()) {
			return fault.Textf("%s is an address of your own network", host)
		}
		return fault.Text{}
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	dot := strings.LastIndexByte(name, '.')
	switch {
	case name == "":
		return fault.Textf("the link has no host")
	case dot < 0:
		return fault.Textf("%s is a name of your own network", host)
	case strings.ContainsFunc(name, odd):
		return fault.Textf("the host %s has signs that no host has", host)
	}
	switch name[dot+1:] {
	case "local", "internal", "intranet", "lan", "home", "corp", "localhost", "test", "invalid", "example", "localdomain":
		return fault.Textf("%s is a name of your own network", host)
	}
	return fault.Text{}
}

func public(ip netip.Addr) bool {
	shared := netip.MustParsePrefix("100.64.0.0/10") // RFC 6598
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !shared.Contains(ip)
}

// odd tells signs that a host cannot have: ，。！ and blanks slip in when a
// link is written in Chinese text.
func odd(r rune) bool {
	return !(r == '.' || r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
}

func shortener(host string) bool {
	switch strings.ToLower(host) {
	case "bit.ly", "tinyurl.com", "t.co", "goo.gl", "ow.ly", "is.gd", "buff.ly", "t.cn", "url.cn", "dwz.cn", "suo.im", "w.url.cn":
		return true
	}
	return false
}

// wording compares what a link says with where it leads.
func (c *check) wording(href, text string) {
	if vague(text) {
		c.add(linkVague, text, fault.Textf("the link says only %q", text), fault.Textf("say where it leads: readers with a screen reader hear links out of context"))
	}
	u, err := url.Parse(href)
	shown := site(text)
	if err != nil || shown == "" || u.Hostname() == "" {
		return
	}
	host := strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
	if host != shown && !strings.HasSuffix(host, "."+shown) && !strings.HasSuffix(shown, "."+host) {
		c.add(linkDeceives, href, fault.Textf("the link shows %s and leads to %s", shown, host), fault.Textf("phishing looks like this; filters refuse it"))
	}
}

func vague(text string) bool {
	switch strings.ToLower(strings.Trim(text, " .!。！>»→[]【】")) {
	case "click here", "here", "click", "this", "this link", "link", "press here", "more",
		"点击这里", "点击此处", "点这里", "点此", "点我", "这里", "此处", "戳这里", "戳我", "链接", "点击", "请点击", "点击链接", "單擊此處", "點擊這裡":
		return true
	}
	return false
}

// site returns the host that a text names, "" if it does not look like one;
// report.pdf and node.js do not.
func site(text string) string {
	s := strings.ToLower(text)
	s = strings.TrimPrefix(strings.TrimPrefix(s, "https://"), "http://")
	bare := s == strings.ToLower(text)
	s, _, _ = strings.Cut(s, "/")
	www := strings.HasPrefix(s, "www.")
	s = strings.TrimPrefix(s, "www.")
	dot := strings.LastIndexByte(s, '.')
	if dot <= 0 || strings.ContainsFunc(s, odd) {
		return ""
	}
	switch s[dot+1:] {
	case "com", "cn", "net", "org", "io", "edu", "gov", "top", "xyz", "hk", "tw":
		return s
	}
	if www || !bare {
		return s
	}
	return ""
}
