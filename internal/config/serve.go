package config

import (
	"net/url"
	"strconv"
	"strings"

	"hongyan/internal/fault"
	"hongyan/internal/list"
)

// Serve says where and how the dashboard is reached.
type Serve struct {
	Listen          string   // host:port
	Campaigns       string   // folder that is watched, as a path; "" = campaigns, beside the file
	Hosts           []string // by which it may be called, besides loopback
	TLSCert, TLSKey string   // files of a certificate, as paths
	ACME            string   // the address that a certificate is asked for with; "" = none is
	ClientCA        string   // file of the authority that visitors' certificates come from

	// Missing are the faults of these files that cannot be had. Whoever opens the
	// entrance minds them; a worker with the same configuration need not have them.
	Missing fault.Faults
}

// Beyond reports whether other machines can reach it.
func (s Serve) Beyond() bool {
	host, _, _ := hostPort(s.Listen)
	return !isLoopback(host)
}

// dashboard is where the dashboard listens when nothing is said.
const dashboard = "127.0.0.1:8090"

// serve reads the section of the dashboard.
func (b *builder) serve(values map[string]any) Serve {
	at := func(key string) string { return join("serve", key) }
	var missing fault.Faults
	file := func(key string) string {
		name := within(b.dir, text(values[key]))
		if name == "" {
			return ""
		}
		if f := b.missing(at(key), name); f != nil {
			missing = append(missing, f)
		}
		return name
	}
	s := Serve{Listen: text(values["listen"]), Campaigns: within(b.dir, text(values["campaigns"])), Hosts: texts(values["hosts"]), TLSCert: file("tls_cert"), TLSKey: file("tls_key"), ClientCA: file("client_ca")}
	s.Missing = missing
	if s.Listen == "" {
		s.Listen = dashboard
	}
	if _, _, ok := hostPort(s.Listen); !ok {
		b.wrong(at("listen"), "%q is no address to listen on", s.Listen).Hinted("write it like 127.0.0.1:8090, or 0.0.0.0:443 for all networks")
		return s
	}
	s.ACME = b.acme(at("acme"), text(values["acme"]))
	b.guarded(s, at)
	return s
}

// hostPort parts an address to listen on; the host may be missing.
func hostPort(listen string) (host string, port int, ok bool) {
	u, err := url.Parse("tcp://" + listen)
	if err != nil || u.Host != listen {
		return "", 0, false
	}
	port, err = strconv.Atoi(u.Port())
	return u.Hostname(), port, err == nil && port <= 65535
}

func (b *builder) acme(path, given string) string {
	if given == "" {
		return ""
	}
	address, _, _, f := list.ParseAddress(given)
	if f != nil {
		b.wrong(path, "%q is no mail address", given).Hinted("write whom the authority may write to: acme: you@example.com")
	}
	return address
}

// guarded refuses an entrance that would be open to strangers, or half closed.
func (b *builder) guarded(s Serve, at func(string) string) {
	secure := s.TLSCert != "" || s.ACME != ""
	switch {
	case s.TLSCert != "" && s.TLSKey == "":
		b.wrong(at("tls_cert"), "the certificate has no key").Hinted("name its file: tls_key: key.pem")
	case s.TLSCert == "" && s.TLSKey != "":
		b.wrong(at("tls_key"), "the key has no certificate").Hinted("name its file: tls_cert: cert.pem")
	case s.TLSCert != "" && s.ACME != "":
		b.wrong(at("acme"), "there is a certificate already: tls_cert").Hinted("keep one of the two")
	case s.Beyond() && !secure:
		b.wrong(at("listen"), "%s can be reached from other machines: the dashboard needs a certificate there", s.Listen).
			Hinted("write tls_cert and tls_key, or acme; or listen on 127.0.0.1")
	case s.ClientCA != "" && !secure:
		b.wrong(at("client_ca"), "visitors show certificates by TLS alone").Hinted("write tls_cert and tls_key, or acme")
	case len(s.Hosts) == 0 && (s.Beyond() || s.ACME != ""):
		b.wrong(at("listen"), "the dashboard has no name to be called by").Hinted("write it as browsers do: hosts: [mail.example.com]")
	}
	for _, host := range s.Hosts {
		if strings.ContainsAny(host, ":/ ") && !isIP(host) {
			b.wrong(at("hosts"), "%q is no name of a host", host).Hinted("write the name alone, without https:// and port")
		}
	}
}
