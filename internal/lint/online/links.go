package online

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"hongyan/internal/fault"
	"hongyan/internal/gate"
	"hongyan/internal/lint"
)

// A Link is a page or picture that a mail leads to.
type Link struct {
	URL  string // http: or https:
	File string // where it stands
	Line int
	// Personal links carry values of one recipient: to follow one may count as
	// a click, or take somebody off a list. Only their site is asked.
	Personal bool
}

// Most is how many links are asked.
const Most = 100

const hops = 3 // redirects that are followed

// Links asks each link once, the first Most of them, with HEAD, and with GET
// where HEAD is not welcome. It returns one finding at most for a link.
func (c *Checker) Links(ctx context.Context, links []Link) []lint.Finding {
	links = unique(links)
	var out []lint.Finding
	if len(links) > Most {
		out = append(out, lint.Found("online-unchecked", fault.Textf("only the first %d of %d links were asked", Most, len(links)), fault.Text{}))
		links = links[:Most]
	}
	found := make([]lint.Finding, len(links))
	c.each(ctx, len(links), func(i int) {
		found[i] = c.link(ctx, links[i])
		found[i].File, found[i].Line = links[i].File, links[i].Line
	})
	for _, f := range found {
		if f.Rule != "" {
			out = append(out, f)
		}
	}
	return out
}

// unique leaves of each link one; of a personal one its site.
func unique(links []Link) []Link {
	var out []Link
	seen := map[string]bool{}
	for _, l := range links {
		u, err := url.Parse(l.URL)
		if err != nil {
			continue // lint says so
		}
		u.User, u.Fragment = nil, ""
		if l.Personal {
			u = &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}
		}
		if l.URL = u.String(); !seen[l.URL] {
			seen[l.URL] = true
			out = append(out, l)
		}
	}
	return out
}

// link returns what is wrong with a link, a zero finding if nothing is.
func (c *Checker) link(ctx context.Context, l Link) lint.Finding {
	if secure, ok := secured(l.URL); ok {
		if status, err := c.fetch(ctx, secure); err == nil && status < 400 {
			return lint.Found("link-https", fault.Textf("%s answers with https: too", l.URL), fault.Textf("write %s", secure))
		}
	}
	status, err := c.fetch(ctx, l.URL)
	if err != nil {
		return failed(l.URL, err)
	}
	if l.Personal && status < 500 {
		return lint.Finding{} // the site is there, which is all that was asked
	}
	return answered(l.URL, status)
}

// secured returns the https: form of an http: link.
func secured(link string) (string, bool) {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "http" || u.Port() != "" && u.Port() != "80" {
		return "", false
	}
	u.Scheme, u.Host = "https", u.Hostname()
	return u.String(), true
}

// fetch returns the status of a page. Servers that do not know HEAD say 405, or
// 501, or anything else: only what GET says counts against a page.
func (c *Checker) fetch(ctx context.Context, link string) (int, error) {
	status, err := c.request(ctx, http.MethodHead, link)
	if err != nil || status < 400 || status == http.StatusTooManyRequests {
		return status, err
	}
	return c.request(ctx, http.MethodGet, link)
}

func (c *Checker) request(ctx context.Context, method, link string) (int, error) {
	return ask(ctx, c, func(ctx context.Context) (int, error) {
		r, err := http.NewRequestWithContext(ctx, method, link, nil)
		if err != nil {
			return 0, err
		}
		r.Header.Set("User-Agent", "hongyan (link check)")
		answer, err := c.client.Do(r)
		if err != nil {
			return 0, err
		}
		return answer.StatusCode, answer.Body.Close()
	})
}

var errHops = errors.New("too many redirects")

func redirects(_ *http.Request, via []*http.Request) error {
	if len(via) > hops {
		return errHops
	}
	return nil
}

func answered(link string, status int) lint.Finding {
	switch {
	case status < 400:
		return lint.Finding{}
	case status == http.StatusNotFound, status == http.StatusGone:
		return lint.Found("link-dead", fault.Textf("%s is not there (%d)", link, status), fault.Text{})
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusTooManyRequests, status > 599:
		return lint.Found("online-unchecked", fault.Textf("%s does not let a program look (%d)", link, status), fault.Textf("open it yourself"))
	}
	return lint.Found("link-unanswered", fault.Textf("%s answers %d %s", link, status, http.StatusText(status)), fault.Textf("open it yourself"))
}

func failed(link string, err error) lint.Finding {
	private, inside := errors.AsType[*gate.Private](err)
	switch {
	case inside:
		return lint.Found("link-private", fault.Textf("%s leads to %s, which is not a public address", link, private.Address),
			fault.Textf("it was not asked; recipients elsewhere cannot open it"))
	case notFound(err):
		return lint.Found("link-dead", fault.Textf("%s: there is no such host", link), fault.Text{})
	case errors.Is(err, errHops):
		return lint.Found("link-unanswered", fault.Textf("%s redirects more than %d times", link, hops), fault.Textf("link to the page itself"))
	case unsure(err):
		return unchecked(link, err)
	}
	return lint.Found("link-unanswered", fault.Textf("%s does not answer: %s", link, reason(err)), fault.Text{})
}
