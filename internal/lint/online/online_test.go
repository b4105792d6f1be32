package online_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hongyan/internal/lint"
	"hongyan/internal/lint/online"
	"hongyan/internal/lint/online/onlinetest"
)

func said(findings []lint.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s %s: %s\n", f.Severity, f.Rule, f.What)
	}
	return b.String()
}

// a world is a web site and a name server on loopback. The site is served under
// any name that resolves to 127.0.0.1, with a certificate for example.com.
func world(t *testing.T, zone string, site http.HandlerFunc) online.Options {
	t.Helper()
	secure, plain := httptest.NewUnstartedServer(site), httptest.NewServer(site)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that refuse the certificate
	secure.StartTLS()
	t.Cleanup(secure.Close)
	t.Cleanup(plain.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	return online.Options{
		Resolver: onlinetest.Resolver(onlinetest.Serve(t, zone)), Timeout: time.Minute, Roots: roots,
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Ports: map[string]string{"443": portOf(t, secure), "80": portOf(t, plain)},
	}
}

func portOf(t *testing.T, s *httptest.Server) string {
	t.Helper()
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func links(urls ...string) (out []online.Link) {
	for i, u := range urls {
		out = append(out, online.Link{URL: u, File: "t.md", Line: i + 1})
	}
	return out
}

func site(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/ok":
	case "/no-head":
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	case "/gone":
		w.WriteHeader(http.StatusGone)
	case "/shy":
		w.WriteHeader(http.StatusForbidden)
	case "/broken":
		w.WriteHeader(http.StatusBadGateway)
	case "/cut":
		panic(http.ErrAbortHandler)
	case "/slow":
		<-r.Context().Done()
		panic(http.ErrAbortHandler) // or who hangs up just then has an answer after all
	case "/hop1", "/hop2", "/hop3", "/hop4":
		http.Redirect(w, r, "/hop"+string(r.URL.Path[4]-1), http.StatusFound)
	case "/hop0":
	case "/inside":
		http.Redirect(w, r, "https://router.lan.cn/", http.StatusFound)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

const zone = `
	example.com   A 127.0.0.1
	other.cn      A 127.0.0.1
	router.lan.cn A 192.168.1.1
	ill.cn        FAIL
	far.cn        SILENCE
`

func TestLinksAreAsked(t *testing.T) {
	t.Parallel()
	o := world(t, zone, site)
	patient := online.New(o)
	o.Timeout = 100 * time.Millisecond
	hasty := online.New(o)
	for link, want := range map[string]string{
		"https://example.com/ok":         "",
		"https://example.com/ok#part":    "",
		"https://example.com/no-head":    "",
		"https://example.com/hop3":       "",
		"http://example.com/ok":          "info link-https: http://example.com/ok answers with https: too\n",
		"https://example.com/nothing":    "error link-dead: https://example.com/nothing is not there (404)\n",
		"https://example.com/gone":       "error link-dead: https://example.com/gone is not there (410)\n",
		"https://example.com/shy":        "info online-unchecked: https://example.com/shy does not let a program look (403)\n",
		"https://example.com/broken":     "warning link-unanswered: https://example.com/broken answers 502 Bad Gateway\n",
		"https://example.com/hop4":       "warning link-unanswered: https://example.com/hop4 redirects more than 3 times\n",
		"https://example.com/cut":        "warning link-unanswered: https://example.com/cut does not answer: EOF\n",
		"https://example.com/slow":       "info online-unchecked: https://example.com/slow could not be checked: no answer in time\n",
		"https://example.com/inside":     "warning link-private: https://example.com/inside leads to 192.168.1.1, which is not a public address\n",
		"https://router.lan.cn/":         "warning link-private: https://router.lan.cn/ leads to 192.168.1.1, which is not a public address\n",
		"https://nowhere.cn/":            "error link-dead: https://nowhere.cn/: there is no such host\n",
		"https://ill.cn/":                "info online-unchecked: https://ill.cn/ could not be checked: server misbehaving\n",
		"https://far.cn/":                "info online-unchecked: https://far.cn/ could not be checked: no answer in time\n",
		"https://other.cn/ok":            "warning link-unanswered: https://other.cn/ok does not answer: x509: certificate is valid for example.com, *.example.com, not other.cn\n",
		"http://other.cn/ok":             "", // its https has the wrong certificate, its http answers
		"https://u:p@example.com/gone":   "error link-dead: https://example.com/gone is not there (410)\n",
		"https://example.com/%E4%BD%A0?": "error link-dead: https://example.com/%E4%BD%A0? is not there (404)\n",
	} {
		c := patient
		if strings.Contains(want, "in time") {
			c = hasty
		}
		if got := said(c.Links(t.Context(), links(link))); got != want {
			t.Errorf("%s\ngot  %swant %s", link, got, want)
		}
	}
}

func TestAFindingKnowsWhereItsLinkStands(t *testing.T) {
	t.Parallel()
	c := online.New(world(t, zone, site))
	found := c.Links(t.Context(), links("https://example.com/ok", "https://example.com/gone", "https://example.com/gone", "https://nowhere.cn/"))
	if len(found) != 2 || found[0].Line != 2 || found[0].File != "t.md" || found[1].Line != 4 {
		t.Errorf("%+v", found)
	}
}

func TestALinkOfOneRecipientIsNeverFollowed(t *testing.T) {
	t.Parallel()
	var asked atomic.Value
	c := online.New(world(t, zone, func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.URL.String())
		w.WriteHeader(http.StatusNotFound)
	}))
	own := online.Link{URL: "https://example.com/unsubscribe/d41d8cd9?who=li", Personal: true}
	if got := said(c.Links(t.Context(), []online.Link{own})); got != "" || asked.Load() != "/" {
		t.Errorf("asked %v, said %q", asked.Load(), got)
	}
	own.URL = "https://nowhere.cn/unsubscribe/d41d8cd9"
	if got := said(c.Links(t.Context(), []online.Link{own})); !strings.Contains(got, "https://nowhere.cn/: there is no such host") {
		t.Errorf("a personal link without a site: %q", got)
	}
}

func TestAHundredLinksAreEnough(t *testing.T) {
	t.Parallel()
	var requests, now, most atomic.Int64
	o := world(t, zone, func(http.ResponseWriter, *http.Request) {
		requests.Add(1)
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		now.Add(-1)
	})
	o.Workers = 3
	var many []string
	for i := range 130 {
		many = append(many, fmt.Sprintf("https://example.com/ok?%d", i))
	}
	got := said(online.New(o).Links(t.Context(), links(many...)))
	if got != "info online-unchecked: only the first 100 of 130 links were asked\n" || requests.Load() != 100 || most.Load() > 3 {
		t.Errorf("%d requests, %d at once: %s", requests.Load(), most.Load(), got)
	}
}

func TestAnInterruptEndsTheAsking(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	o := world(t, zone, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
		panic(http.ErrAbortHandler) // or who hangs up just then has an answer after all
	})
	o.Workers = 2
	var many []string
	for i := range 90 {
		many = append(many, fmt.Sprintf("https://example.com/%d", i))
	}
	online.New(o).Links(ctx, links(many...)) // returns, or the test does not
}

func TestNothingPrivateIsDialled(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254",
		"100.64.0.1", "100.127.255.255", "0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "192.0.0.8", "198.18.0.1",
		"240.0.0.1", "::1", "::", "::7f00:1", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "2001:db8::1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:c0a8:101::1",
	} {
		kind := "A"
		if strings.Contains(address, ":") {
			kind = "AAAA"
		}
		o := world(t, "trap.cn "+kind+" "+address+"\n", func(http.ResponseWriter, *http.Request) {
			t.Errorf("%s was dialled", address)
		})
		o.Allow = nil
		for _, link := range []string{"https://trap.cn/", "http://trap.cn/", "https://[" + address + "]/", "https://" + address + "/"} {
			if strings.Contains(address, ":") != strings.Contains(link, "[") && !strings.Contains(link, "trap") {
				continue
			}
			got := said(online.New(o).Links(t.Context(), links(link)))
			if !strings.HasPrefix(got, "warning link-private:") {
				t.Errorf("%s as %s: %q", link, address, got)
			}
		}
	}
}

func TestARebindingNameReachesNothing(t *testing.T) {
	t.Parallel()
	// The first question has a public answer that never connects in time; every
	// further one leads inside, where a server waits.
	o := world(t, "moving.cn A 127.0.0.1 then 127.0.0.2\n", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		t.Error("the second address was reached")
	})
	got := said(online.New(o).Links(t.Context(), links("http://moving.cn:80/")))
	if !strings.Contains(got, "link-private") || !strings.Contains(got, "127.0.0.2") {
		t.Errorf("got %q", got)
	}
}

func TestRecipientsDomainsMustTakeMail(t *testing.T) {
	t.Parallel()
	c := online.New(world(t, `
		good.cn    MX 10 mx.good.cn
		bare.cn    A  93.184.216.34
		six.cn     AAAA 2400:3200::1
		parked.cn  MX 0 .
		words.cn   TXT hello
		ill.cn     FAIL
	`, site))
	var domains []online.Domain
	for i, name := range []string{"good.cn", "bare.cn", "six.cn", "parked.cn", "words.cn", "nowhere.cn", "ill.cn"} {
		domains = append(domains, online.Domain{Name: name, File: "list.csv", Line: i + 2, Rows: i})
	}
	found, lost := c.Recipients(t.Context(), domains)
	want := `warning domain-null-mx: parked.cn takes no mail, says its null MX; 3 recipients
warning domain-no-mail: words.cn has no mail server and no address; 4 recipients
warning domain-no-mail: nowhere.cn has no mail server and no address; 5 recipients
info online-unchecked: ill.cn could not be checked: server misbehaving
`
	if got := said(found); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if lost != 3+4+5 || found[0].File != "list.csv" || found[0].Line != 5 {
		t.Errorf("%d lost, the first at %s:%d", lost, found[0].File, found[0].Line)
	}
}

func TestADomainThatDoesNotAnswerInTimeIsNotRefused(t *testing.T) {
	t.Parallel()
	o := world(t, "far.cn SILENCE\nalso.far.cn SILENCE\n", site)
	o.Timeout = 50 * time.Millisecond
	c := online.New(o)
	found, lost := c.Recipients(t.Context(), []online.Domain{{Name: "far.cn", Rows: 1}, {Name: "also.far.cn", Rows: 1}})
	if got := said(found); got != "info online-unchecked: far.cn, also.far.cn could not be checked: no answer in time\n" || lost != 0 {
		t.Errorf("%d lost: %s", lost, got)
	}
	if got := said(c.Sender(t.Context(), online.Sender{Domain: "far.cn"})); !strings.HasPrefix(got, "info online-unchecked: SPF far.cn") {
		t.Error(got)
	}
}

func TestAnOwnDomainIsLookedAt(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	many.WriteString("v=spf1")
	for i := range 11 {
		many.WriteString(fmt.Sprintf(" include:%d.deep.cn", i))
	}
	c := online.New(world(t, `
		good.cn             TXT v=spf1 include:spf.mail.qq.com ~all
		good.cn             TXT some-verification=1
		_dmarc.good.cn      TXT v=DMARC1; p=quarantine; rua=mailto:a@good.cn
		open.cn             TXT v=spf1 +all
		_dmarc.open.cn      TXT v=DMARC1; rua=mailto:a@open.cn
		twice.cn            TXT v=spf1 -all
		twice.cn            TXT v=spf1 ~all
		_dmarc.twice.cn     TXT v=DMARC1; p=none
		_dmarc.twice.cn     TXT v=DMARC1; p=reject
		deep.cn             TXT `+many.String()+`
		_dmarc.deep.cn      TXT v=DMARC1; p=none
		loop.cn             TXT v=spf1 include:loop.cn -all
		_dmarc.loop.cn      TXT v=DMARC1; p=reject
		ill.cn              FAIL
		_dmarc.ill.cn       FAIL
	`, site))
	unknown := func(domain string) string {
		return "info dkim-unknown: whether mails from " + domain + " are signed with DKIM is up to the server\n"
	}
	for domain, want := range map[string]string{
		"good.cn":      "",
		"news.good.cn": "warning spf-missing: news.good.cn has no SPF record\n",
		"bare.cn":      "warning spf-missing: bare.cn has no SPF record\nwarning dmarc-missing: bare.cn has no DMARC record\n",
		"open.cn":      "warning spf-broken: the SPF record of open.cn lets everybody send in its name\nwarning dmarc-broken: the DMARC record of open.cn has no valid policy\n",
		"twice.cn":     "warning spf-broken: twice.cn has 2 SPF records; receivers take that for an error\nwarning dmarc-broken: twice.cn has 2 DMARC records; receivers heed none of them\n",
		"deep.cn":      "warning spf-broken: the SPF record of deep.cn takes more than 10 DNS look-ups; receivers take that for an error\n",
		"loop.cn":      "warning spf-broken: the SPF record of loop.cn takes more than 10 DNS look-ups; receivers take that for an error\n",
		"ill.cn":       "info online-unchecked: SPF ill.cn could not be checked: server misbehaving\ninfo online-unchecked: DMARC ill.cn could not be checked: server misbehaving\n",
	} {
		got := said(c.Sender(t.Context(), online.Sender{Domain: domain}))
		if got != want+unknown(domain) {
			t.Errorf("%s: got\n%swant\n%s", domain, got, want)
		}
	}
}

func TestTheDomainOfAProviderIsItsOwnJob(t *testing.T) {
	t.Parallel()
	o := world(t, zone, site)
	o.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		t.Error("the DNS was asked")
		return nil, net.ErrClosed
	}}
	for _, domain := range []string{"qq.com", "163.com", "gmail.com", "QQ.com"} {
		got := said(online.New(o).Sender(t.Context(), online.Sender{Domain: domain}))
		if got != "info sender-provider: SPF, DKIM and DMARC of "+domain+" are its provider's job, as is their alignment\n" {
			t.Errorf("%s: %s", domain, got)
		}
	}
}

func TestTheKeyInTheDNSMustBeTheOneThatSigns(t *testing.T) {
	t.Parallel()
	small, other := ed25519.NewKeyFromSeed(make([]byte, 32)).Public(), ed25519.NewKeyFromSeed([]byte(strings.Repeat("x", 32))).Public()
	big := rsaKey(t)
	spki, err := x509.MarshalPKIXPublicKey(big)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.StdEncoding.EncodeToString
	c := online.New(world(t, `
		ed._domainkey.good.cn      TXT v=DKIM1; k=ed25519; p=`+b64(small.(ed25519.PublicKey))+`
		rsa._domainkey.good.cn     TXT v=DKIM1; p=`+b64(spki)+`
		bare._domainkey.good.cn    TXT k=rsa; p=`+b64(x509.MarshalPKCS1PublicKey(big))+`
		revoked._domainkey.good.cn TXT v=DKIM1; p=
		twice._domainkey.good.cn   TXT v=DKIM1; p=AA
		twice._domainkey.good.cn   TXT v=DKIM1; p=BB
		garbage._domainkey.good.cn TXT v=DKIM1; p=!!
		ill._domainkey.good.cn     FAIL
	`, site))
	for _, one := range []struct {
		selector string
		key      crypto.PublicKey
		want     string
	}{
		{"ed", small, ""},
		{"rsa", big, ""},
		{"bare", big, ""},
		{"rsa", nil, ""},
		{"ed", other, "error dkim-broken: the key at ed._domainkey.good.cn is not the one that mails are signed with\n"},
		{"rsa", small, "error dkim-broken: the key at rsa._domainkey.good.cn is not the one that mails are signed with\n"},
		{"ed", big, "error dkim-broken: the key at ed._domainkey.good.cn is not the one that mails are signed with\n"},
		{"garbage", big, "error dkim-broken: the key at garbage._domainkey.good.cn is not the one that mails are signed with\n"},
		{"revoked", big, "error dkim-broken: the key at revoked._domainkey.good.cn is revoked\n"},
		{"twice", big, "error dkim-broken: there are 2 DKIM records at twice._domainkey.good.cn\n"},
		{"none", big, "error dkim-missing: there is no DKIM record at none._domainkey.good.cn\n"},
		{"ill", big, "info online-unchecked: DKIM ill._domainkey.good.cn could not be checked: server misbehaving\n"},
	} {
		s := online.Sender{Domain: "qq.com", DKIM: &online.Signature{Domain: "good.cn", Selector: one.selector, Key: one.key}}
		_, got, _ := strings.Cut(said(c.Sender(t.Context(), s)), "\n")
		if got != one.want {
			t.Errorf("%s: got %swant %s", one.selector, got, one.want)
		}
	}
}

func rsaKey(t *testing.T) *rsa.PublicKey {
	t.Helper()
	key, err := rsa.GenerateKey(nil, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return &key.PublicKey
}

func TestEveryFindingIsOfARuleThatIsListed(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, r := range lint.Rules() {
		known[r.ID] = true
	}
	for _, id := range online.Rules(t) {
		if !known[id] {
			t.Errorf("nobody lists %s", id)
		}
	}
}
