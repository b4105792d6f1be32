package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"hongyan/internal/config"
)

func TestTheDashboardIsOnThisMachineAlone(t *testing.T) {
	t.Parallel()
	if s := mustLoad(t, "").Serve; !reflect.DeepEqual(s, config.Serve{Listen: "127.0.0.1:8090"}) || s.Beyond() {
		t.Errorf("%+v", s)
	}
	for listen, beyond := range map[string]bool{"127.0.0.1:0": false, "localhost:80": false, "[::1]:80": false} {
		if s := mustLoad(t, "serve: {listen: \""+listen+"\"}").Serve; s.Beyond() != beyond || s.Listen != listen {
			t.Errorf("%+v", s)
		}
	}
	s := mustLoad(t, "serve: {listen: 0.0.0.0:443, acme: you@example.com, hosts: [mail.example.com]}").Serve
	if !s.Beyond() || s.ACME != "you@example.com" || s.Hosts[0] != "mail.example.com" {
		t.Errorf("%+v", s)
	}
	if s := mustLoad(t, "", "HONGYAN_SERVE__LISTEN=127.0.0.1:1").Serve; s.Listen != "127.0.0.1:1" {
		t.Errorf("%+v", s)
	}
}

func TestAnEntranceThatIsOpenToStrangersIsAFault(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "some.pem")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for src, want := range map[string]string{
		"listen: 0.0.0.0:80":                    "0.0.0.0:80 can be reached from other machines: the dashboard needs a certificate there",
		"listen: \":80\"":                       "can be reached from other machines",
		"listen: nowhere":                       `"nowhere" is no address to listen on`,
		"listen: 127.0.0.1:http":                "is no address to listen on",
		"listen: 127.0.0.1:99999":               "is no address to listen on",
		"tls_cert: " + file:                     "the certificate has no key",
		"tls_key: " + file:                      "the key has no certificate",
		"acme: you":                             `"you" is no mail address`,
		"acme: you@example.com":                 "the dashboard has no name to be called by",
		"client_ca: " + file:                    "visitors show certificates by TLS alone",
		"hosts: [\"https://mail.example.com\"]": "is no name of a host",
		"acme: you@example.com, hosts: [a.example.com], tls_cert: " + file + ", tls_key: " + file: "there is a certificate already",
		"port: 80": `unknown key "port"`,
	} {
		_, err := load(t, "serve: {"+src+"}")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "config.yaml:1: ") {
			t.Errorf("%s: %v", src, err)
		}
	}
}

// A worker has the service's configuration, and need not have its key.
func TestACertificateIsMissedByTheEntranceAlone(t *testing.T) {
	t.Parallel()
	s := mustLoad(t, "account: sandbox\nserve:\n  tls_cert: none.pem\n  tls_key: .\n  client_ca: none.pem\n").Serve
	if len(s.Missing) != 3 || !strings.Contains(s.Missing[0].Error(), "config.yaml:3: ") || !strings.Contains(s.Missing[1].Error(), "is a folder") {
		t.Errorf("missing: %v", s.Missing)
	}
}
