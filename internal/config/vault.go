package config

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/hashicorp/vault/api"

	"hongyan/internal/fault"
)

// fromVault reads one key of a secret in HashiCorp Vault's key-value engine,
// written "PATH#KEY" as `vault kv get -field=KEY PATH` takes it. Where Vault is
// and who asks say Vault's own variables: VAULT_ADDR, VAULT_TOKEN, VAULT_CACERT,
// VAULT_NAMESPACE … (https://developer.hashicorp.com/vault/docs/commands#environment-variables).
func (s Secret) fromVault(ctx context.Context) (string, error) {
	path, key, _ := strings.Cut(s.name, "#")
	if path == "" || key == "" {
		return "", s.wrong("a secret in Vault is written vault:PATH#KEY").Hinted("secret: vault:secret/hongyan#qq")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := api.NewClient(api.DefaultConfig())
	if err != nil {
		return "", s.wrong("Vault cannot be asked: %s", err)
	}
	values, err := readVault(ctx, client, strings.Trim(path, "/"))
	if err != nil {
		return "", s.vaultFault(client.Address(), path, err)
	}
	text, ok := values[key].(string)
	if !ok {
		return "", s.wrong("the secret %s in Vault has no text under the key %q", path, key).
			Hinted("look: vault kv get %s", path)
	}
	return text, nil
}

// readVault asks which version of the key-value engine the path lies in, as the
// vault command does, and reads the newest version of the secret.
// https://developer.hashicorp.com/vault/api-docs/system/internal-ui-mounts
func readVault(ctx context.Context, client *api.Client, path string) (map[string]any, error) {
	mount, version := vaultMount(ctx, client, path)
	below := strings.Trim(strings.TrimPrefix(path+"/", mount), "/")
	read := client.KVv2(strings.Trim(mount, "/")).Get
	if version != "2" {
		read = client.KVv1(strings.Trim(mount, "/")).Get
	}
	secret, err := read(ctx, below)
	if err != nil {
		return nil, err
	}
	return secret.Data, nil
}

// vaultMount is where the engine of a path is mounted, ending in a slash, and
// its version. Who may not ask gets the usual: the first folder, version 2.
func vaultMount(ctx context.Context, client *api.Client, path string) (mount, version string) {
	first, _, _ := strings.Cut(path, "/")
	mount, version = first+"/", "2"
	answer, err := client.Logical().ReadWithContext(ctx, "sys/internal/ui/mounts/"+path)
	if err != nil || answer == nil {
		return mount, version
	}
	if found, ok := answer.Data["path"].(string); ok && found != "" {
		mount, version = found, "1"
	}
	if options, ok := answer.Data["options"].(map[string]any); ok && options["version"] == "2" {
		version = "2"
	}
	return mount, version
}

func (s Secret) vaultFault(address, path string, err error) *fault.Fault {
	if errors.Is(err, api.ErrSecretNotFound) {
		return s.wrong("Vault at %s has no secret %s", address, path).Hinted("look: vault kv get %s", path)
	}
	if answer, ok := errors.AsType[*api.ResponseError](err); ok && answer.StatusCode == http.StatusForbidden {
		return s.wrong("Vault at %s does not let this token read %s", address, path).
			Hinted("set VAULT_TOKEN to a token whose policy may read it")
	}
	return s.wrong("Vault at %s cannot be asked: %s", address, err).
		Hinted("VAULT_ADDR says where it is, VAULT_CACERT who vouches for it")
}
