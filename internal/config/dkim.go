package config

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
)

// DKIM is how mails of an own domain are signed (RFC 6376).
type DKIM struct {
	Domain, Selector string
	Key              Secret // of a PEM file
	Line             int    // where it stands in File
	File             string
}

// dkim settles the signature of an account: its domain is the address's unless
// told, and must be aligned with it, or the signature proves nothing (RFC 7489
// §3.1.1).
func (e *entry) dkim() {
	_, given := e.values["dkim"]
	if _, empty := e.tree.lines[e.key("dkim")]; !given && !empty { // viper forgets an empty one
		return
	}
	values := branchOf(e.values["dkim"])
	at := func(key string) string { return e.key("dkim" + sep + key) }
	_, from, _ := strings.Cut(e.Address, "@")
	d := &DKIM{Domain: strings.ToLower(text(values["domain"])), Selector: text(values["selector"])}
	d.File, d.Line = e.place(e.key("dkim"))
	if d.Domain == "" {
		d.Domain = from
	}
	switch {
	case !isHost(d.Domain):
		e.wrong(at("domain"), "%q is no domain", d.Domain)
	case from != "" && !below(from, d.Domain) && !below(d.Domain, from):
		e.wrong(at("domain"), "a signature of %s says nothing for mails from %s", d.Domain, from).
			Hinted("sign with the domain of the address: leave domain: out")
	}
	if !isHost(d.Selector) {
		e.wrong(at("selector"), "dkim needs the selector under which its public key is published").
			Hinted("selector: hongyan, for a TXT record at hongyan._domainkey.%s", d.Domain)
	}
	key, ok := ParseSecret(text(values["key"]))
	if !ok {
		e.wrong(at("key"), "dkim needs to know where its private key is").
			Hinted("write key: file:PATH of a PEM file, env:NAME, cmd:COMMAND, keyring:NAME or vault:PATH#KEY")
	}
	key.file, key.line = e.place(at("key"))
	key.dir, key.environ = e.dir, e.environ
	d.Key = key
	e.DKIM = d
}

// below reports whether a domain is another or lies below it.
func below(domain, of string) bool { return domain == of || strings.HasSuffix(domain, "."+of) }

// isHost tells a name of letters, digits, hyphens and dots.
func isHost(s string) bool {
	bad := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '.' || r == '_')
	}
	return s != "" && len(s) <= 253 && !strings.ContainsFunc(s, bad) && !strings.HasPrefix(s, ".") && !strings.HasSuffix(s, ".")
}

// Signer reads the private key. What is wrong with it comes as a *fault.Fault.
func (d *DKIM) Signer(ctx context.Context) (crypto.Signer, error) {
	text, err := d.Key.whole(ctx)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, d.Key.wrong("the DKIM key is not in PEM form").
			Hinted("make one: openssl genrsa -out dkim.pem 2048, or openssl genpkey -algorithm ed25519 -out dkim.pem")
	}
	var key any
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return nil, d.Key.wrong("the DKIM key is a %s", block.Type).Hinted("it must be a private key of RSA or Ed25519, without a password")
	}
	if err != nil {
		return nil, d.Key.wrong("the DKIM key cannot be read: it is damaged")
	}
	return d.usable(key)
}

// usable refuses what receivers would: RFC 8301 §3.2, RFC 8463.
func (d *DKIM) usable(key any) (crypto.Signer, error) {
	switch key := key.(type) {
	case ed25519.PrivateKey:
		return key, nil
	case *rsa.PrivateKey:
		if bits := key.N.BitLen(); bits < 1024 {
			return nil, d.Key.wrong("the DKIM key has %d bits; receivers ignore signatures of less than 1024", bits).
				Hinted("make a new one: openssl genrsa -out dkim.pem 2048")
		}
		return key, nil
	}
	return nil, d.Key.wrong("the DKIM key is neither RSA nor Ed25519").Hinted("receivers know no other: openssl genrsa -out dkim.pem 2048")
}
