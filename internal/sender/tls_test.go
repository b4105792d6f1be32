package sender_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"hongyan/internal/sandbox"
	"hongyan/internal/sender"
)

// certificate makes one for a host and a time, and the pool that trusts it.
func certificate(t *testing.T, host string, until time.Time) (*tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sheet := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host},
		NotBefore: until.AddDate(-1, 0, 0), NotAfter: until, BasicConstraintsValid: true, IsCA: true,
	}
	if ip := net.ParseIP(host); ip != nil {
		sheet.DNSNames, sheet.IPAddresses = nil, []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, sheet, sheet, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestAServerThatCannotProveWhoItIsGetsNothing(t *testing.T) {
	t.Parallel()
	now := time.Now()
	good, goodPool := certificate(t, "127.0.0.1", now.Add(time.Hour))
	expired, expiredPool := certificate(t, "127.0.0.1", now.Add(-time.Hour))
	other, otherPool := certificate(t, "smtp.qq.com", now.Add(time.Hour))
	for _, mode := range []sandbox.Mode{sandbox.Implicit, sandbox.StartTLS} {
		for _, c := range []struct {
			name  string
			cert  *tls.Certificate
			roots *x509.CertPool
			max   uint16
			want  string
		}{
			{"good", good, goodPool, 0, "250"},
			{"unknown", good, otherPool, 0, string(sender.Certificate)},
			{"system roots", good, nil, 0, string(sender.Certificate)},
			{"expired", expired, expiredPool, 0, string(sender.Certificate)},
			{"another host", other, otherPool, 0, string(sender.Certificate)},
			{"TLS 1.1", good, goodPool, tls.VersionTLS11, string(sender.Handshake)},
			{"TLS 1.2", good, goodPool, tls.VersionTLS12, "250"},
		} {
			t.Run(string(mode)+" "+c.name, func(t *testing.T) {
				t.Parallel()
				o := qq()
				o.TLS, o.Certificate, o.MaxTLS = mode, c.cert, c.max
				s := start(t, o)
				a := account(s)
				a.TLS, a.Roots = sender.Mode(mode), c.roots
				a.Password = func(context.Context) (string, error) {
					if c.want != "250" {
						t.Error("the password was asked for")
					}
					return code, nil
				}
				same(t, send(t, open(t, a), "li"), c.want)
				if s.Connections() != 1 {
					t.Errorf("%d connections", s.Connections())
				}
			})
		}
	}
}

func TestTLSOnAPortThatHasNone(t *testing.T) {
	t.Parallel()
	o := qq()
	o.TLS = sandbox.Plain
	same(t, send(t, open(t, account(start(t, o))), "li"), string(sender.NotTLS))
}

func TestWithoutSTARTTLSNothingIsSaid(t *testing.T) {
	t.Parallel()
	o := qq()
	o.TLS = sandbox.Plain
	a := account(start(t, o))
	a.TLS = sender.StartTLS
	same(t, send(t, open(t, a), "li"), string(sender.NoStartTLS))
}

func TestSTARTTLSThatIsRefusedStrippedOrInjectedGoesNoFurther(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		action sandbox.Action
		stage  sandbox.Stage
		want   string
	}{
		{"refused", sandbox.Action{Reply: "454 TLS not available"}, sandbox.AtStartTLS, "454 starttls"},
		{"stripped", sandbox.Action{Reply: "250-qq\n250-XXXXXXXA\n250 AUTH LOGIN PLAIN"}, sandbox.AtEhlo, string(sender.NoStartTLS)},
		{"injected", sandbox.Action{Reply: "220 go\n250-evil\n250 AUTH LOGIN"}, sandbox.AtStartTLS, string(sender.Injected)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := qq()
			o.TLS, o.Hook = sandbox.StartTLS, at(c.stage, 1, c.action)
			a := account(start(t, o))
			a.TLS = sender.StartTLS
			a.Password = func(context.Context) (string, error) { t.Error("the password was asked for"); return "", nil }
			same(t, send(t, open(t, a), "li"), c.want)
		})
	}
}

func TestNothingLeavesTheMachineInClear(t *testing.T) {
	t.Parallel()
	// 192.0.2.0/24 is for documentation: a dial that was tried would time out.
	remote := sender.Account{Host: "192.0.2.1", Port: 25, TLS: sender.None}
	same(t, send(t, open(t, remote), "li"), string(sender.InClear))
	login := sender.Account{Host: "127.0.0.1", Port: 1, TLS: sender.None, Username: user, Password: secret(code), Insecure: true}
	same(t, send(t, open(t, login), "li"), string(sender.LoginClear))
}
