package config_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// vault answers as Vault's HTTP API is documented to: the mounts of a version 2
// engine at secret/ and a version 1 engine at old/, read with one token.
// https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2
func vault(t *testing.T) {
	t.Helper()
	answers := map[string]string{
		"/v1/sys/internal/ui/mounts/secret/hongyan": `{"data": {"options": {"version": "2"}, "path": "secret/", "type": "kv"}}`,
		"/v1/sys/internal/ui/mounts/secret/nothing": `{"data": {"options": {"version": "2"}, "path": "secret/", "type": "kv"}}`,
		"/v1/sys/internal/ui/mounts/old/mail/qq":    `{"data": {"options": null, "path": "old/", "type": "kv"}}`,
		"/v1/secret/data/hongyan":                   `{"data": {"data": {"qq": "` + canary + `", "port": 465}, "metadata": {"version": 3, "created_time": "2026-11-25T08:00:00Z", "deletion_time": "", "destroyed": false}}}`,
		"/v1/old/mail/qq":                           `{"data": {"code": "` + canary + `"}}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.URL.Path]
		switch {
		case r.Header.Get("X-Vault-Token") != "s.reader":
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"errors": ["permission denied"]}`))
		case !ok:
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"errors": []}`))
		default:
			_, _ = w.Write([]byte(answer))
		}
	}))
	t.Cleanup(server.Close)
	t.Setenv("VAULT_ADDR", server.URL)
	t.Setenv("VAULT_TOKEN", "s.reader")
	t.Setenv("VAULT_MAX_RETRIES", "0")
}

func TestASecretMayLieInEitherEngineOfVault(t *testing.T) {
	vault(t)
	for _, source := range []string{"vault:secret/hongyan#qq", "vault:/old/mail/qq#code"} {
		if got, err := account(t, t.TempDir(), source).Secret.Read(t.Context()); got != canary || err != nil {
			t.Errorf("%s: got %q, %v", source, got, err)
		}
	}
}

func TestVaultSaysWhatIsAmiss(t *testing.T) {
	vault(t)
	for source, want := range map[string]string{
		"vault:secret/hongyan":       "a secret in Vault is written vault:PATH#KEY",
		"vault:secret/hongyan#163":   `has no text under the key "163"`,
		"vault:secret/hongyan#port":  `has no text under the key "port"`,
		"vault:secret/nothing#qq":    "has no secret secret/nothing",
		"vault:nowhere/at/all#qq":    "has no secret nowhere/at/all",
		"vault:secret/hongyan#qq#qq": `has no text under the key "qq#qq"`,
	} {
		_, err := account(t, t.TempDir(), source).Secret.Read(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: got %v, want %q", source, err, want)
		}
	}
	t.Setenv("VAULT_TOKEN", "s.stranger")
	_, err := account(t, t.TempDir(), "vault:secret/hongyan#qq").Secret.Read(t.Context())
	if err == nil || !strings.Contains(err.Error(), "does not let this token read secret/hongyan") {
		t.Errorf("got %v", err)
	}
	t.Setenv("VAULT_ADDR", "http://127.0.0.1:1")
	_, err = account(t, t.TempDir(), "vault:secret/hongyan#qq").Secret.Read(t.Context())
	if err == nil || !strings.Contains(err.Error(), "cannot be asked") {
		t.Errorf("got %v", err)
	}
}
