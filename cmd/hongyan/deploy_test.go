package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const deploy = "../../deploy/"

// TestUnitsAreWhatSystemdTakes has systemd itself read the units, with this very
// program in the place of the installed one.
func TestUnitsAreWhatSystemdTakes(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze; on Debian it comes with the package systemd (make needs)")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"hongyan.service", "hongyan-send@.service", "hongyan-send@.timer"} {
		unit := read(t, "systemd/"+name)
		unit = strings.ReplaceAll(unit, "/usr/local/bin/hongyan", program)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(unit), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"hongyan.service", "hongyan-send@welcome.service", "hongyan-send@welcome.timer"} {
		said, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", filepath.Join(dir, name)).CombinedOutput()
		if err != nil || len(said) > 0 {
			t.Errorf("%s: %v\n%s", name, err, said)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(deploy + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestCommandsOfDeployAreCommandsOfOurs: each command line that a unit or an image
// runs is one that this program understands.
func TestCommandsOfDeployAreCommandsOfOurs(t *testing.T) {
	t.Parallel()
	var lines []string
	for _, m := range regexp.MustCompile(`/usr/local/bin/hongyan ([^'\n]*)`).FindAllStringSubmatch(
		read(t, "systemd/hongyan.service")+read(t, "systemd/hongyan-send@.service"), -1) {
		lines = append(lines, strings.NewReplacer(`"$(date +%%F)"`, "2026-11-23", `"`, "").Replace(m[1]))
	}
	for _, m := range regexp.MustCompile(`CMD \["(?:/hongyan", ")?(.*)"\]`).FindAllStringSubmatch(read(t, "docker/Dockerfile"), -1) {
		lines = append(lines, strings.ReplaceAll(m[1], `", "`, " "))
	}
	for _, m := range regexp.MustCompile(`args: \[(.*)\]`).FindAllStringSubmatch(read(t, "kubernetes/serve.yaml")+read(t, "kubernetes/worker.yaml"), -1) {
		lines = append(lines, strings.ReplaceAll(m[1], ", ", " "))
	}
	if len(lines) != 6 {
		t.Fatalf("%d command lines: %q", len(lines), lines)
	}
	for _, line := range lines {
		cmd, args, err := newRoot(newDoor(nil)).Find(strings.Fields(line))
		if err == nil {
			err = cmd.ParseFlags(args)
		}
		if err != nil || !cmd.HasParent() {
			t.Errorf("hongyan %s: %v", line, err)
		}
	}
}

// TestTheContainerMayDoLittle reads the compose file by the keys of its
// specification that it uses, and the image's last stage.
func TestTheContainerMayDoLittle(t *testing.T) {
	t.Parallel()
	type service struct {
		Build       struct{ Context, Dockerfile string }
		Image       string
		NetworkMode string `yaml:"network_mode"`
		Restart     string
		Grace       string `yaml:"stop_grace_period"`
		User        string
		ReadOnly    bool     `yaml:"read_only"`
		CapDrop     []string `yaml:"cap_drop"`
		SecurityOpt []string `yaml:"security_opt"`
		Tmpfs       []string
		Volumes     []string
		Environment map[string]string
	}
	var compose struct {
		Services map[string]service
		Volumes  map[string]any
	}
	if err := yaml.UnmarshalWithOptions([]byte(read(t, "docker/compose.yaml")), &compose, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	s := compose.Services["hongyan"]
	if !s.ReadOnly || s.CapDrop[0] != "ALL" || strings.HasPrefix(s.User, "0") || s.SecurityOpt[0] != "no-new-privileges:true" {
		t.Errorf("%+v", s)
	}
	if _, err := os.Stat(filepath.Join(deploy, "docker", s.Build.Context, s.Build.Dockerfile)); err != nil {
		t.Error(err)
	}
	for _, volume := range s.Volumes {
		name, _, _ := strings.Cut(volume, ":")
		if _, named := compose.Volumes[name]; !named && !strings.HasPrefix(name, "./") {
			t.Errorf("nobody makes the volume %s", name)
		}
	}
	_, last, _ := strings.Cut(read(t, "docker/Dockerfile"), "\nFROM scratch\n")
	if !strings.Contains(last, "\nUSER "+s.User+"\n") || !strings.Contains(last, "\nHEALTHCHECK ") {
		t.Errorf("the image's last stage:\n%s", last)
	}
}
