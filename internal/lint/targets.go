package lint

import (
	"net/url"
	"slices"
	"strings"
)

// A Target is a page or a picture in the web that a mail leads to.
type Target struct {
	URL  string // http: or https:, as it stands in the HTML
	Text string // how it most likely stands in a source
	Line int    // in the template; 0 when it cannot be told
}

// Targets returns what a mail leads to in the web, each once, in the order of
// the mail: links first, then pictures. What Check finds broken is left out.
func Targets(m Mail) []Target {
	c := &check{mail: m}
	p := readPage(m.HTML, m.Memory)
	var all []string
	for _, l := range p.links {
		all = append(all, l.href)
	}
	for _, i := range p.pictures {
		all = append(all, i.src)
	}
	var out []Target
	for _, href := range all {
		u, err := url.Parse(href)
		known := slices.ContainsFunc(out, func(t Target) bool { return t.URL == href })
		if err != nil || known || u.Scheme != "http" && u.Scheme != "https" || broken(u, href).Format != "" {
			continue
		}
		needle := needleOf(href)
		out = append(out, Target{href, needle, c.line(needle)})
	}
	return out
}

// needleOf is how a link most likely stands in a source, which may leave its
// scheme to the Markdown and has no escapes in it.
func needleOf(href string) string {
	_, bare, _ := strings.Cut(href, "://")
	if plain, err := url.PathUnescape(bare); err == nil {
		bare = plain
	}
	return strings.TrimSuffix(bare, "/")
}
