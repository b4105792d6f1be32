package online

import (
	"context"
	"net"
	"net/netip"
	"strings"

	"hongyan/internal/fault"
	"hongyan/internal/lint"
)

// A Domain is where recipients have their mailboxes.
type Domain struct {
	Name string // as A-labels
	File string // the list
	Line int    // of the first of its recipients
	Rows int    // how many they are
}

// MostDomains is how many domains are asked.
const MostDomains = 1000

// Recipients asks for the mail servers of each domain: a null MX (RFC 7505), or
// neither MX nor address, means that no mail can get there. It returns a finding
// for each such domain, and how many recipients they cost.
func (c *Checker) Recipients(ctx context.Context, domains []Domain) (out []lint.Finding, lost int) {
	if len(domains) > MostDomains {
		out = append(out, lint.Found("online-unchecked", fault.Textf("only the first %d of %d domains were asked", MostDomains, len(domains)), fault.Text{}))
		domains = domains[:MostDomains]
	}
	found := make([]lint.Finding, len(domains))
	failures := make([]error, len(domains))
	c.each(ctx, len(domains), func(i int) { found[i], failures[i] = c.domain(ctx, domains[i]) })
	var silent []string
	var why error
	for i, d := range domains {
		if found[i].Rule != "" {
			found[i].File, found[i].Line = d.File, d.Line
			out = append(out, found[i])
			lost += d.Rows
		}
		if failures[i] != nil {
			silent = append(silent, d.Name)
			why = failures[i]
		}
	}
	if len(silent) > 0 {
		out = append(out, unchecked(several(silent), why))
	}
	return out, lost
}

func several(names []string) string {
	const shown = 10
	if len(names) > shown {
		return strings.Join(names[:shown], ", ") + " …"
	}
	return strings.Join(names, ", ")
}

func (c *Checker) domain(ctx context.Context, d Domain) (lint.Finding, error) {
	name := absolute(d.Name)
	servers, err := ask(ctx, c, func(ctx context.Context) ([]*net.MX, error) { return c.resolver.LookupMX(ctx, name) })
	switch {
	case len(servers) == 1 && servers[0].Host == ".":
		return lint.Found("domain-null-mx", fault.Counted("%[2]s takes no mail, says its null MX; %[1]d recipient", "%[2]s takes no mail, says its null MX; %[1]d recipients", d.Rows, d.Name),
			fault.Textf("mend or remove these addresses: every one of them will bounce")), nil
	case len(servers) > 0:
		return lint.Finding{}, nil
	case !notFound(err):
		return lint.Finding{}, err
	}
	_, err = ask(ctx, c, func(ctx context.Context) ([]netip.Addr, error) { return c.resolver.LookupNetIP(ctx, "ip", name) })
	if notFound(err) {
		return lint.Found("domain-no-mail", fault.Counted("%[2]s has no mail server and no address; %[1]d recipient", "%[2]s has no mail server and no address; %[1]d recipients", d.Rows, d.Name),
			fault.Textf("mend or remove these addresses: every one of them will bounce")), nil
	}
	return lint.Finding{}, err
}
