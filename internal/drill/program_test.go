package drill_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// The program is built once, when the first drill asks for it.
var building struct {
	sync.Once
	dir string
	err error
}

// program returns the path of the built program.
func program(t *testing.T) string {
	t.Helper()
	building.Do(func() { building.dir, building.err = build() })
	if building.err != nil {
		t.Fatal(building.err)
	}
	return filepath.Join(building.dir, "hongyan")
}

func build() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "hongyan-drill"); err != nil {
		return "", err
	}
	said, err := exec.CommandContext(context.Background(), "go", "build", "-o", dir, "hongyan/cmd/hongyan").CombinedOutput()
	if err != nil {
		return dir, fmt.Errorf("%w\n%s", err, said)
	}
	return dir, nil
}

// TestMain removes the program when the drills are over.
func TestMain(m *testing.M) {
	code := m.Run()
	if building.dir != "" {
		_ = os.RemoveAll(building.dir) // left over at worst
	}
	os.Exit(code)
}

// A desk is a folder with a campaign to send, and the words to send it with.
type desk struct {
	dir string
	env []string
}

// newDesk lays out a campaign to the recipients, through an account whose
// settings are in YAML's flow style.
func newDesk(t *testing.T, account string, recipients ...string) desk {
	t.Helper()
	d := desk{dir: t.TempDir(), env: append(os.Environ(), "LANG=C")}
	d.write(t, "config.yaml", "account: post\nstate: state\naccounts:\n  post: {"+account+"}\n")
	d.write(t, "drill.yaml", "name: drill\nsubject: \"你好，{{.email}}\"\ntemplate: drill.md\nlayout: none\nrecipients: drill.csv\n")
	d.write(t, "drill.md", "# 您好\n\n**{{.email}}**, this is a drill.\n")
	d.write(t, "drill.csv", "email\n"+strings.Join(recipients, "\n")+"\n")
	return d
}

func (d desk) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (d desk) state() string { return filepath.Join(d.dir, "state") }

// command is a command line of the program, not yet started, and what it will
// have said on both streams.
func (d desk) command(t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program(t), args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = d.dir, d.env, &said, &said
	return cmd, &said
}

// do runs a command line to its end and returns its exit code and all it said.
func (d desk) do(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	cmd, out := d.command(t, args...)
	return exitCode(t, cmd.Run()), out.String()
}

func exitCode(t *testing.T, err error) int {
	t.Helper()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode() // -1 when it was killed
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0
}

// addresses are n different recipients.
func addresses(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("r%d@example.com", i)
	}
	return out
}
