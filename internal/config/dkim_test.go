package config_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"reflect"
	"strings"
	"testing"

	"hongyan/internal/config"
	"hongyan/internal/fault"
	"hongyan/internal/lint"
)

// signing is the DKIM part of an account that signs with a key.
func signing(t *testing.T, key string, environ ...string) *config.DKIM {
	t.Helper()
	file := write(t, t.TempDir(), "config.yaml", `
accounts:
  own:
    provider: custom
    host: smtp.example.com
    address: a@news.example.com
    dkim: {selector: hongyan, key: `+key+`}
`, 0o644)
	c, err := config.Load(file, environ)
	if err != nil {
		t.Fatal(err)
	}
	return c.Accounts["own"].DKIM
}

func pkcs8(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0") // to make one that nobody should have
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestAKeyIsReadInAnyUsualForm(t *testing.T) {
	big, small := rsaKey(t, 2048), ed25519.NewKeyFromSeed(make([]byte, 32))
	old := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(big)}))
	for name, text := range map[string]string{"PKCS #8": pkcs8(t, big), "PKCS #1": old, "Ed25519": pkcs8(t, small)} {
		d := signing(t, "env:KEY", "KEY="+text)
		key, err := d.Signer(t.Context())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := any(big.Public()); name != "Ed25519" && !reflect.DeepEqual(key.Public(), want) {
			t.Errorf("%s: another key", name)
		}
		if d.Domain != "news.example.com" || d.Selector != "hongyan" || d.Line != 7 {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestAKeyThatCannotSignIsAFaultWithItsLine(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	encrypted := string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}))
	for text, want := range map[string]string{
		canary:                   "the DKIM key is not in PEM form",
		encrypted:                "the DKIM key is a ENCRYPTED PRIVATE KEY",
		pkcs8(t, curve):          "the DKIM key is neither RSA nor Ed25519",
		pkcs8(t, rsaKey(t, 512)): "the DKIM key has 512 bits",
		"-----BEGIN PRIVATE KEY-----\n" + "aHVudGVyMg==" + "\n-----END PRIVATE KEY-----": "the DKIM key cannot be read",
		"": "the variable KEY is not set",
	} {
		_, err := signing(t, "env:KEY", "KEY="+text).Signer(t.Context())
		f, ok := errors.AsType[*fault.Fault](err)
		if !ok || f.Line != 7 || !strings.HasPrefix(f.What.String(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("want %s, got %v", want, err)
		}
	}
}

func TestLintIsToldForWhichReadersAndWhatNot(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, "lint:\n  clients: {qq: 0.50, outlook/windows: 1}\n  ignore: [contrast, img-alt]\n", "HONGYAN_LINT__CLIENTS__GMAIL=2")
	want := lint.Options{Clients: lint.Clients{"qq": 0.5, "outlook/windows": 1, "gmail": 2}, Ignore: []string{"contrast", "img-alt"}}
	if !reflect.DeepEqual(c.Lint, want) {
		t.Errorf("got %+v", c.Lint)
	}
	if got := mustLoad(t, "lang: en\n").Lint; !reflect.DeepEqual(got, lint.Options{}) {
		t.Errorf("nothing told: %+v", got)
	}
}
