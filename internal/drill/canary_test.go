package drill_test

import (
	"encoding/base64"
	"io/fs"
	"os"
	"strings"
	"testing"

	"hongyan/internal/sandbox"
)

const canary = "canary-4711-never-to-be-seen"

// songs are the forms in which the canary may be heard: as it is, and as SMTP
// logins carry it (RFC 4616, RFC 4954).
func songs() []string {
	var out []string
	for _, s := range []string{canary, "\x00a@example.com\x00" + canary} {
		out = append(out, s, base64.StdEncoding.EncodeToString([]byte(s)))
	}
	return out
}

// silent fails if the canary is heard in what a command said or wrote.
func silent(t *testing.T, where, what string) {
	t.Helper()
	for _, song := range songs() {
		if strings.Contains(what, song) {
			t.Errorf("the secret is in %s", where)
			return
		}
	}
}

// TestTheSecretIsNeverSeen runs every command that could know the secret, at
// the most talkative level, with logins that work and logins that fail, and
// looks for it in all that is said and in every file that is left behind.
func TestTheSecretIsNeverSeen(t *testing.T) {
	t.Parallel()
	welcome := serve(t, sandbox.Options{Username: "a@example.com", Password: canary})
	fails := serve(t, sandbox.Options{Username: "a@example.com", Password: "another"})
	drops := serve(t, sandbox.Options{Hook: func(at sandbox.Stage, _ int) sandbox.Action {
		if at == sandbox.AtAuth {
			return sandbox.Action{Mute: true, Cut: sandbox.Drop}
		}
		return sandbox.Action{}
	}})
	for _, c := range []struct {
		name   string
		server *sandbox.Server
		secret string
		env    []string
		login  int // exit code of account test
	}{
		{"from a variable", welcome, `"env:CODE"`, []string{"CODE=" + canary}, 0},
		{"from a file", welcome, `"file:code.secret"`, nil, 0},
		{"from a command", welcome, `"cmd:cat code.secret"`, nil, 0},
		{"refused", fails, `"env:CODE"`, []string{"CODE=" + canary}, 4},
		{"cut off", drops, `"env:CODE"`, []string{"CODE=" + canary}, 1},
		{"written into the configuration", welcome, canary, nil, 2},
		{"written into a variable of ours", welcome, `"env:CODE"`, []string{"HONGYAN_ACCOUNTS__POST__SECRET=" + canary}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, at(c.server, "tls: implicit, ca_file: ca.pem, secret: "+c.secret), addresses(2)...)
			d.write(t, "ca.pem", string(c.server.PEM()))
			d.write(t, "code.secret", canary+"\n")
			d.env = append(d.env, c.env...)
			code, said := d.do(t, "--log-level", "debug", "account", "test", "post")
			if code != c.login {
				t.Fatalf("account test: exit code %d:\n%s", code, said)
			}
			silent(t, "account test", said)
			for _, command := range []string{
				"check drill.yaml", "preview drill.yaml", "send --test me@example.com drill.yaml",
				"send --yes --no-wait drill.yaml", "send --yes --no-wait --json drill.yaml", "status", "status --json",
				"report drill.yaml", "settle drill.yaml", "verify", "account lift post", "account test --json post",
				"explain --provider qq 535", "version", "account test nobody", "check --config nowhere.yaml drill.yaml",
			} {
				for _, format := range []string{"text", "json"} {
					args := append(strings.Fields(command), "--log-level", "debug", "--log-format", format)
					code, said := d.do(t, args...)
					silent(t, command, said)
					if c.login == 0 && code == 2 && !strings.Contains(command, " no") { // nobody, nowhere
						t.Errorf("%s was not understood: %s", command, said)
					}
				}
			}
			d.search(t)
		})
	}
}

// search looks for the canary in every file of the desk but those that hold it
// by the user's own hand.
func (d desk) search(t *testing.T) {
	t.Helper()
	root := os.DirFS(d.dir)
	files := 0
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || name == "code.secret" || name == "config.yaml" {
			return err
		}
		data, err := fs.ReadFile(root, name)
		silent(t, name, string(data))
		files++
		return err
	})
	if err != nil || files < 4 {
		t.Errorf("%d files, %v", files, err)
	}
}

// TestTheCanaryWouldBeHeard shows that the search finds what it looks for.
func TestTheCanaryWouldBeHeard(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "provider: sandbox, address: a@example.com", "a@example.com")
	if _, said := d.do(t, "--json", "--log-level", "debug", "check", "--config", canary, "drill.yaml"); !strings.Contains(said, canary) {
		t.Errorf("not heard in %q", said)
	}
}
