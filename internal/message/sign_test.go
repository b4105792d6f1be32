package message_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"hongyan/internal/message"
)

func TestASignedMailVerifiesUntilItIsTouched(t *testing.T) {
	t.Parallel()
	for name, key := range keys(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := letterhead()
			h.From.Address = "news@example.com"
			h.Headers = [][2]string{{"List-Unsubscribe", "<https://example.com/u/7>"}, {"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"}}
			h.Signer = &message.Signer{Domain: "example.com", Selector: "s1", Key: key}
			m, raw := compose(t, composer(t, h, filled(t)), message.Letter{
				Subject: hanzi168, Text: []byte(oddBytes), HTML: []byte("<p>您好</p>"), Attachments: []message.Attachment{{File: "big.bin"}},
			})
			if !strings.HasPrefix(raw, "DKIM-Signature: ") {
				t.Error("the signature does not come first")
			}
			wireIsSound(t, m)
			if err := verify(t, key, raw); err != nil {
				t.Error(err)
			}
			for what, touched := range map[string]string{
				"a second Subject": strings.Replace(raw, "\r\nTo: ", "\r\nSubject: other\r\nTo: ", 1),
				"another link":     strings.Replace(raw, "/u/7", "/u/8", 1),
				"another body":     strings.Replace(raw, "PHA+", "PHB+", 1),
				"another sender":   strings.Replace(raw, "news@example.com", "fake@example.com", 1),
				"no one-click":     strings.Replace(raw, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", "", 1),
			} {
				if verify(t, key, touched) == nil {
					t.Errorf("%s: still verifies", what)
				}
			}
			rewritten := strings.Replace(raw, "Message-ID: <", "Message-ID: <tencent_", 1)
			if err := verify(t, key, rewritten); err != nil {
				t.Errorf("a relay that rewrites the Message-ID breaks the signature: %v", err)
			}
		})
	}
}

func keys(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]crypto.Signer{"rsa": private, "ed25519": ed}
}

func verify(t *testing.T, key crypto.Signer, raw string) error {
	t.Helper()
	found, err := dkim.VerifyWithOptions(strings.NewReader(raw), &dkim.VerifyOptions{
		LookupTXT: func(domain string) ([]string, error) {
			if domain != "s1._domainkey.example.com" {
				t.Errorf("asked for %s", domain)
			}
			return []string{record(t, key)}, nil
		},
	})
	if err != nil {
		return err
	}
	if len(found) != 1 {
		t.Fatalf("%d signatures", len(found))
	}
	return found[0].Err
}

func record(t *testing.T, key crypto.Signer) string {
	t.Helper()
	if public, ok := key.Public().(ed25519.PublicKey); ok {
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)
}
