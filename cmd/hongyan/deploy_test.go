package main

import (
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"hongyan/internal/config"
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
	for _, name := range []string{"hongyan.service", "hongyan-send@.service", "hongyan-open@.service", "hongyan-send@.timer"} {
		unit := read(t, "systemd/"+name)
		unit = strings.ReplaceAll(unit, "/usr/local/bin/hongyan", program)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(unit), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"hongyan.service", "hongyan-send@welcome.service", "hongyan-open@welcome.service", "hongyan-send@welcome.timer"} {
		said, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", filepath.Join(dir, name)).CombinedOutput()
		if err != nil || len(said) > 0 {
			t.Errorf("%s: %v\n%s", name, err, said)
		}
	}
}

// TestAnIssueIsBegunByItsTimerAlone: whoever starts or restarts a unit by hand, or
// starts the machine, goes on with what was begun and begins nothing.
func TestAnIssueIsBegunByItsTimerAlone(t *testing.T) {
	t.Parallel()
	begins := func(unit string) bool { return strings.Contains(unit, "--issue") }
	send, open := read(t, "systemd/hongyan-send@.service"), read(t, "systemd/hongyan-open@.service")
	if !begins(send) || !strings.Contains(send, "\nRefuseManualStart=yes\n") || strings.Contains(send, "\n[Install]\n") {
		t.Errorf("it is begun otherwise:\n%s", send)
	}
	if begins(open) || !strings.Contains(open, "\nWantedBy=multi-user.target\n") {
		t.Errorf("it does not go on alone:\n%s", open)
	}
	commands := regexp.MustCompile(`(?m)^ExecStart=.*$`)
	if last := commands.FindAllString(send, -1); last[len(last)-1] != commands.FindString(open) {
		t.Errorf("what is left is not gone on with after an issue: %q", last)
	}
	_, fence, _ := strings.Cut(send, "\nUser=")
	if !strings.Contains(open, fence) {
		t.Error("the two may not do the same")
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
		read(t, "systemd/hongyan.service")+read(t, "systemd/hongyan-send@.service")+read(t, "systemd/hongyan-open@.service"), -1) {
		lines = append(lines, strings.NewReplacer(`"$(date +%%F)"`, "2026-11-23", `"`, "").Replace(m[1]))
	}
	for _, m := range regexp.MustCompile(`CMD \["(?:/hongyan", ")?(.*)"\]`).FindAllStringSubmatch(read(t, "docker/Dockerfile"), -1) {
		lines = append(lines, strings.ReplaceAll(m[1], `", "`, " "))
	}
	for _, m := range regexp.MustCompile(`args: \[(.*)\]`).FindAllStringSubmatch(read(t, "kubernetes/serve.yaml")+read(t, "kubernetes/worker.yaml"), -1) {
		lines = append(lines, strings.ReplaceAll(m[1], ", ", " "))
	}
	for _, m := range regexp.MustCompile(`command: \[(.*)\]`).FindAllStringSubmatch(read(t, "docker/compose.postgres.yaml"), -1) {
		lines = append(lines, strings.ReplaceAll(m[1], ", ", " "))
	}
	if len(lines) != 10 {
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

// A container as a compose file describes it, by the keys of its specification that
// ours use.
type container struct {
	Build       struct{ Context, Dockerfile string }
	Image       string
	Command     []string
	NetworkMode string `yaml:"network_mode"`
	Restart     string
	Grace       string `yaml:"stop_grace_period"`
	ShmSize     string `yaml:"shm_size"`
	User        string
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
	Tmpfs       []string
	Ports       []string
	Volumes     []string
	Environment map[string]string
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Health      struct {
		Test     []string
		Interval string
		Retries  int
		Disable  bool
	} `yaml:"healthcheck"`
}

type containers struct {
	Services map[string]container
	Volumes  map[string]any
}

func composed(t *testing.T, name string) (c containers) {
	t.Helper()
	if err := yaml.UnmarshalWithOptions([]byte(read(t, name)), &c, yaml.Strict()); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return c
}

// TestTheContainerMayDoLittle reads the compose files and the image's last stage.
func TestTheContainerMayDoLittle(t *testing.T) {
	t.Parallel()
	_, last, _ := strings.Cut(read(t, "docker/Dockerfile"), "\nFROM scratch\n")
	if !strings.Contains(last, "\nHEALTHCHECK ") {
		t.Errorf("the image's last stage:\n%s", last)
	}
	for file, ours := range map[string][]string{"docker/compose.yaml": {"hongyan"}, "docker/compose.postgres.yaml": {"serve", "worker"}} {
		c := composed(t, file)
		for _, name := range ours {
			s := c.Services[name]
			if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}) {
				t.Errorf("%s: %s: %+v", file, name, s)
			}
			if s.User == "" || !strings.Contains(last, "\nUSER "+s.User+"\n") {
				t.Errorf("%s: %s runs as %q", file, name, s.User)
			}
			if _, err := os.Stat(filepath.Join(deploy, "docker", s.Build.Context, s.Build.Dockerfile)); err != nil {
				t.Error(err)
			}
		}
		for name, s := range c.Services {
			for _, volume := range s.Volumes {
				from, _, _ := strings.Cut(volume, ":")
				if _, named := c.Volumes[from]; !named && !strings.HasPrefix(from, "./") {
					t.Errorf("%s: %s: nobody makes the volume %s", file, name, from)
				}
			}
		}
	}
}

// TestTheComposedWorkersShareTheirDatabase: serve and workers are told of the same
// one, which is the one that is made, and start once it answers.
func TestTheComposedWorkersShareTheirDatabase(t *testing.T) {
	t.Parallel()
	c := composed(t, "docker/compose.postgres.yaml")
	db := c.Services["postgres"]
	for name, host := range map[string]string{"serve": "127.0.0.1", "worker": "postgres"} { // the one is on the machine's network, the other beside the database
		s := c.Services[name]
		place := strings.ReplaceAll(s.Environment["HONGYAN_STATE"], "${HONGYAN_DB_PASSWORD:?}", "secret")
		conf, err := config.Load("../../config.yaml", []string{"HONGYAN_STATE=" + place})
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(string(conf.State))
		if err != nil || !conf.State.Database() || u.Host != host || u.User.Username() != db.Environment["POSTGRES_USER"] || u.Path != "/"+db.Environment["POSTGRES_DB"] {
			t.Errorf("%s works on %s, %v", name, place, err)
		}
		if s.DependsOn["postgres"].Condition != "service_healthy" || s.Command[0] != name {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if db.Environment["POSTGRES_PASSWORD"] != "${HONGYAN_DB_PASSWORD:?}" || !strings.HasPrefix(db.Ports[0], "127.0.0.1:5432:") {
		t.Errorf("%+v", db)
	}
}

// TestTheBuildSeesTheProgramAlone: all folders that the program is built of, and
// nothing that a checkout may hold besides, like a ledger.
func TestTheBuildSeesTheProgramAlone(t *testing.T) {
	t.Parallel()
	ignored, err := os.ReadFile("../../.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for line := range strings.Lines(string(ignored)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "!"); ok {
			seen = append(seen, name)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if .Main}}{{$.ImportPath}}{{end}}{{end}}", ".")
	built, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"go.mod": true, "go.sum": true}
	for path := range strings.FieldsSeq(string(built)) {
		want[strings.Split(path, "/")[1]] = true
	}
	slices.Sort(seen)
	if !slices.Equal(seen, slices.Sorted(maps.Keys(want))) || !strings.Contains(string(ignored), "\n*\n") {
		t.Errorf("the build sees %q, and is made of %v", seen, want)
	}
}

// TestEveryPodCanReadItsConfiguration: the one configuration of the cluster is
// good where no file of it is there, as for a worker; serve has its files, and both
// have its secrets.
func TestEveryPodCanReadItsConfiguration(t *testing.T) {
	t.Parallel()
	conf, err := config.Load(deploy+"kubernetes/config.yaml", []string{"HONGYAN_STATE=postgres://hongyan@db/hongyan"})
	if err != nil {
		t.Fatal(err)
	}
	if len(conf.Serve.Missing) != 2 {
		t.Errorf("missing: %v", conf.Serve.Missing)
	}
	serve, worker := read(t, "kubernetes/serve.yaml"), read(t, "kubernetes/worker.yaml")
	for _, file := range []string{conf.Serve.TLSCert, conf.Serve.TLSKey, conf.Serve.ClientCA} {
		if file != "" && !strings.Contains(serve, "mountPath: "+filepath.Dir(file)+",") {
			t.Errorf("serve has no %s", file)
		}
	}
	wanted := []string{"HONGYAN_STATE"}
	for _, m := range regexp.MustCompile(`env:(\w+)`).FindAllStringSubmatch(read(t, "kubernetes/config.yaml"), -1) {
		wanted = append(wanted, m[1])
	}
	if strings.HasPrefix(conf.Storage.At, "s3://") {
		wanted = append(wanted, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
	}
	kustomization := read(t, "kubernetes/kustomization.yaml")
	for name, pod := range map[string]string{"serve": serve, "worker": worker} {
		for _, variable := range wanted {
			if !strings.Contains(pod, "- name: "+variable+"\n") {
				t.Errorf("%s has no %s", name, variable)
			}
		}
		for _, m := range regexp.MustCompile(`(?:secretName|claimName): ([\w-]+)`).FindAllStringSubmatch(pod, -1) {
			if !strings.Contains(kustomization, "#   "+m[1]+" ") {
				t.Errorf("kustomization.yaml does not say that %s is wanted", m[1])
			}
		}
	}
}
