package online

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"slices"
	"strings"

	"hongyan/internal/fault"
	"hongyan/internal/lint"
)

// A Sender is the domain that mails come from.
type Sender struct {
	Domain string     // of From, as A-labels
	DKIM   *Signature // nil: hongyan does not sign
	File   string     // the configuration
	Line   int
}

// A Signature is how hongyan signs.
type Signature struct {
	Domain, Selector string
	Key              crypto.PublicKey // nil: whatever the DNS has will do
}

// Sender asks the DNS for the SPF, DKIM and DMARC records of an own domain. For
// a provider's domain, such as qq.com, there is nothing that its user could mend.
func (c *Checker) Sender(ctx context.Context, s Sender) []lint.Finding {
	var out []lint.Finding
	if Provided(s.Domain) {
		out = append(out, lint.Found("sender-provider",
			fault.Textf("SPF, DKIM and DMARC of %s are its provider's job, as is their alignment", s.Domain), fault.Text{}))
	} else {
		out = append(c.spf(ctx, s.Domain), c.dmarc(ctx, s.Domain)...)
	}
	out = append(out, c.dkim(ctx, s)...)
	for i := range out {
		out[i].File, out[i].Line = s.File, s.Line
	}
	return out
}

// Provided tells the domains that mailbox providers give addresses under.
func Provided(domain string) bool {
	return slices.Contains(strings.Fields(providers), strings.ToLower(domain))
}

const providers = `qq.com vip.qq.com foxmail.com 163.com vip.163.com 126.com vip.126.com yeah.net 188.com netease.com
	sina.com sina.cn vip.sina.com vip.sina.cn sohu.com vip.sohu.com 139.com 189.cn wo.cn 21cn.com tom.com 263.net aliyun.com
	gmail.com googlemail.com outlook.com hotmail.com live.com live.cn msn.com yahoo.com yahoo.co.jp ymail.com rocketmail.com
	icloud.com me.com mac.com aol.com proton.me protonmail.com pm.me gmx.com gmx.de gmx.net web.de t-online.de mail.ru
	yandex.ru yandex.com zoho.com fastmail.com naver.com daum.net hey.com`

// records returns the TXT records of a name that begin with a version tag. No
// such name is no error.
func (c *Checker) records(ctx context.Context, name, version string) ([]string, error) {
	all, err := ask(ctx, c, func(ctx context.Context) ([]string, error) { return c.resolver.LookupTXT(ctx, absolute(name)) })
	if notFound(err) {
		return nil, nil
	}
	var out []string
	for _, txt := range all {
		head, _, _ := strings.Cut(strings.TrimSpace(txt), ";")
		head, _, _ = strings.Cut(head, " ")
		if strings.EqualFold(head, version) {
			out = append(out, strings.TrimSpace(txt))
		}
	}
	return out, err
}

func (c *Checker) spf(ctx context.Context, domain string) []lint.Finding {
	found, err := c.records(ctx, domain, "v=spf1")
	switch {
	case err != nil:
		return []lint.Finding{unchecked("SPF "+domain, err)}
	case len(found) == 0:
		return []lint.Finding{lint.Found("spf-missing", fault.Textf("%s has no SPF record", domain),
			fault.Textf("add a TXT record that names your provider's servers; it tells you which: v=spf1 include:… ~all"))}
	case len(found) > 1:
		return []lint.Finding{lint.Found("spf-broken", fault.Textf("%s has %d SPF records; receivers take that for an error", domain, len(found)),
			fault.Textf("make one record of them (RFC 7208 §4.5)"))}
	}
	var out []lint.Finding
	if terms := strings.Fields(strings.ToLower(found[0])); slices.Contains(terms, "+all") || slices.Contains(terms, "all") {
		out = append(out, lint.Found("spf-broken", fault.Textf("the SPF record of %s lets everybody send in its name", domain), fault.Textf("end it with ~all or -all")))
	}
	if n := c.spfLookups(ctx, found[0], 0); n > spfMost {
		out = append(out, lint.Found("spf-broken", fault.Textf("the SPF record of %s takes more than %d DNS look-ups; receivers take that for an error", domain, spfMost),
			fault.Textf("remove an include that nobody needs any more (RFC 7208 §4.6.4)")))
	}
	return out
}

const spfMost = 10

// spfLookups counts the terms of a record that cost a look-up, those of what it
// includes as well; it stops counting when they are too many.
func (c *Checker) spfLookups(ctx context.Context, record string, n int) int {
	for _, term := range strings.Fields(strings.ToLower(record))[1:] {
		if n > spfMost {
			return n
		}
		term = strings.TrimLeft(term, "+-~?")
		name, target, _ := strings.Cut(strings.Replace(term, "=", ":", 1), ":")
		name, _, _ = strings.Cut(name, "/")
		if !slices.Contains([]string{"include", "redirect", "a", "mx", "ptr", "exists"}, name) {
			continue
		}
		n++
		if name == "include" || name == "redirect" {
			if inner, err := c.records(ctx, target, "v=spf1"); err == nil && len(inner) == 1 {
				n = c.spfLookups(ctx, inner[0], n)
			}
		}
	}
	return n
}

// dmarc looks for the record of the domain or of the nearest one above it.
func (c *Checker) dmarc(ctx context.Context, domain string) []lint.Finding {
	for name := domain; strings.Contains(name, "."); _, name, _ = strings.Cut(name, ".") {
		found, err := c.records(ctx, "_dmarc."+name, "v=DMARC1")
		switch {
		case err != nil:
			return []lint.Finding{unchecked("DMARC "+name, err)}
		case len(found) == 0:
			continue
		case len(found) > 1:
			return []lint.Finding{lint.Found("dmarc-broken", fault.Textf("%s has %d DMARC records; receivers heed none of them", name, len(found)), fault.Textf("keep one of them"))}
		}
		if p := strings.ToLower(tags(found[0])["p"]); p != "none" && p != "quarantine" && p != "reject" {
			return []lint.Finding{lint.Found("dmarc-broken", fault.Textf("the DMARC record of %s has no valid policy", name), fault.Textf("write p=none, p=quarantine or p=reject"))}
		}
		return nil
	}
	return []lint.Finding{lint.Found("dmarc-missing", fault.Textf("%s has no DMARC record", domain),
		fault.Textf("add a TXT record at _dmarc.%s, to begin with v=DMARC1; p=none; big providers ask for one", domain))}
}

func (c *Checker) dkim(ctx context.Context, s Sender) []lint.Finding {
	if s.DKIM == nil {
		if Provided(s.Domain) {
			return nil
		}
		return []lint.Finding{lint.Found("dkim-unknown", fault.Textf("whether mails from %s are signed with DKIM is up to the server", s.Domain),
			fault.Textf("switch it on at your provider, or let hongyan sign: accounts.NAME.dkim in the configuration"))}
	}
	name := s.DKIM.Selector + "._domainkey." + s.DKIM.Domain
	all, err := ask(ctx, c, func(ctx context.Context) ([]string, error) { return c.resolver.LookupTXT(ctx, absolute(name)) })
	if err != nil && !notFound(err) {
		return []lint.Finding{unchecked("DKIM "+name, err)}
	}
	all = slices.DeleteFunc(all, func(txt string) bool { _, ok := tags(txt)["p"]; return !ok })
	switch {
	case len(all) == 0:
		return []lint.Finding{lint.Found("dkim-missing", fault.Textf("there is no DKIM record at %s", name), fault.Textf("publish the public key there, or every signature will fail"))}
	case len(all) > 1:
		return []lint.Finding{lint.Found("dkim-broken", fault.Textf("there are %d DKIM records at %s", len(all), name), fault.Textf("keep one of them"))}
	}
	record := tags(all[0])
	switch {
	case record["p"] == "":
		return []lint.Finding{lint.Found("dkim-broken", fault.Textf("the key at %s is revoked", name), fault.Textf("sign with a new key under a new selector"))}
	case s.DKIM.Key != nil && !fits(record, s.DKIM.Key):
		return []lint.Finding{lint.Found("dkim-broken", fault.Textf("the key at %s is not the one that mails are signed with", name), fault.Text{})}
	}
	return nil
}

// tags reads a tag list, RFC 6376 §3.2.
func tags(txt string) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(txt, ";") {
		name, value, ok := strings.Cut(part, "=")
		if ok {
			out[strings.TrimSpace(name)] = strings.Join(strings.Fields(value), "")
		}
	}
	return out
}

// fits compares a key with a record: RSA as SubjectPublicKeyInfo, or bare as
// some publish it; Ed25519 as its 32 bytes (RFC 8463).
func fits(record map[string]string, key crypto.PublicKey) bool {
	p, err := base64.StdEncoding.DecodeString(record["p"])
	if err != nil {
		return false
	}
	switch key := key.(type) {
	case ed25519.PublicKey:
		return record["k"] == "ed25519" && key.Equal(ed25519.PublicKey(p))
	case *rsa.PublicKey:
		if record["k"] != "" && record["k"] != "rsa" {
			return false
		}
		if published, err := x509.ParsePKIXPublicKey(p); err == nil {
			return key.Equal(published)
		}
		published, err := x509.ParsePKCS1PublicKey(p)
		return err == nil && key.Equal(published)
	}
	return false
}
