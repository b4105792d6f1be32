package config

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/zalando/go-keyring"

	"hongyan/internal/fault"
)

const (
	redacted = "[redacted]"
	// service is the name under which secrets stand in a keyring.
	service = "hongyan"
	// patience is how long a command may take to print a secret: a password
	// manager may ask its user first.
	patience = 60 * time.Second
	// longest is the most that is read as a secret.
	longest = 64 << 10
)

// A Secret says where a secret is to be had. It holds no secret, and yet prints
// as [redacted] in every form, because a command may say too much.
type Secret struct {
	source, name string // "env", "QQ_AUTH_CODE"
	file         string // where it is written, for faults
	line         int
	dir          string // what a relative path starts from
	environ      []string
}

// ParseSecret reads "env:NAME", "file:PATH", "cmd:COMMAND", "keyring:NAME" or
// "vault:PATH#KEY".
// It never repeats the text, which may be the secret itself.
func ParseSecret(text string) (Secret, bool) {
	source, name, ok := strings.Cut(strings.TrimSpace(text), ":")
	name = strings.TrimSpace(name)
	known := slices.Contains([]string{"env", "file", "cmd", "keyring", "vault"}, source)
	return Secret{source: source, name: name}, ok && known && name != ""
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.source == "" }

// Source returns the kind of place: env, file, cmd, keyring or vault.
func (s Secret) Source() string { return s.source }

// String returns [redacted].
func (s Secret) String() string { return redacted }

// GoString returns [redacted].
func (s Secret) GoString() string { return redacted }

// Format prints [redacted] for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns [redacted].
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]".
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// LogValue returns [redacted].
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Read fetches the secret: its first line, without the line break. Whatever
// the user can mend comes as a *fault.Fault; no error holds any of the secret.
func (s Secret) Read(ctx context.Context) (string, error) {
	text, err := s.whole(ctx)
	if err != nil {
		return "", err
	}
	text, _, _ = strings.Cut(text, "\n")
	if text = strings.TrimSuffix(text, "\r"); text == "" {
		return "", s.wrong("the secret is empty")
	}
	return text, nil
}

// whole fetches the secret with all its lines.
func (s Secret) whole(ctx context.Context) (string, error) {
	switch s.source {
	case "env":
		return s.fromEnv()
	case "file":
		return s.fromFile()
	case "cmd":
		return s.fromCommand(ctx)
	case "keyring":
		return s.fromKeyring()
	case "vault":
		return s.fromVault(ctx)
	}
	return "", s.wrong("there is no secret")
}

func (s Secret) wrong(format string, args ...any) *fault.Fault {
	return fault.At(s.file, s.line, format, args...)
}

func (s Secret) fromEnv() (string, error) {
	for _, entry := range slices.Backward(s.environ) {
		if value, ok := strings.CutPrefix(entry, s.name+"="); ok && value != "" {
			return value, nil
		}
	}
	return "", s.wrong("the variable %s is not set", s.name).Hinted("set it before you send: export %s=…", s.name)
}

func (s Secret) fromFile() (string, error) {
	path := s.path()
	f, err := os.Open(path)
	if err != nil {
		return "", s.wrong("the file of the secret cannot be read: %s", reason(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return "", s.wrong("%s is open to others (mode %04o)", path, mode).Hinted("close it: chmod 600 %s", path)
	}
	b, err := io.ReadAll(io.LimitReader(f, longest))
	return string(b), err
}

func (s Secret) path() string {
	rest, home := strings.CutPrefix(s.name, "~/")
	if dir, err := os.UserHomeDir(); home && err == nil {
		return filepath.Join(dir, rest)
	}
	return within(s.dir, s.name)
}

// reason returns an error's cause without the path, which stands beside it.
func reason(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}

// fromCommand runs the command from the config's folder. What it writes to
// stderr is dropped: it may say too much.
func (s Secret) fromCommand(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", s.name)
	cmd.Dir, cmd.Env, cmd.WaitDelay = s.dir, s.environ, time.Second
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return "", s.wrong("the command for the secret did not end: %s", ctx.Err())
	}
	if err != nil {
		return "", s.wrong("the command for the secret failed: %s", err).Hinted("run it by hand: it must print the secret on its first line")
	}
	return string(out), nil
}

func (s Secret) fromKeyring() (string, error) {
	text, err := keyring.Get(service, s.name)
	if errors.Is(err, keyring.ErrNotFound) {
		return "", s.wrong("the keyring has no secret %q of %s", s.name, service).
			Hinted("store it, for instance: secret-tool store --label=hongyan service %s username %s", service, s.name)
	}
	if err != nil {
		return "", s.wrong("the keyring cannot be read: %s", err).Hinted("without a desktop use secret: env:NAME or file:PATH")
	}
	return text, nil
}
