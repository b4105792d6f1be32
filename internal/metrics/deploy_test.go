package metrics_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const deploy = "../../deploy/"

// known are the names of all series that a scrape can have.
func known(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for line := range strings.Lines(scrape(t, full(t))) {
		if kind, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name := strings.Fields(kind)[0]
			out[name] = true
			if strings.HasSuffix(strings.TrimSpace(kind), "histogram") {
				for _, part := range []string{"_bucket", "_count", "_sum"} {
					out[name+part] = true
				}
			}
		}
	}
	return out
}

func named(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(deploy + file)
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`\bhongyan_\w+`).FindAllString(string(text), -1)
	if len(names) == 0 {
		t.Fatalf("%s names no metrics", file)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestDashboardAndAlertsNameMetricsThatThereAre(t *testing.T) {
	names := known(t)
	for _, file := range []string{"grafana/hongyan.json", "prometheus/rules.yaml", "prometheus/rules_test.yaml", "kubernetes/autoscale.yaml"} {
		for _, name := range named(t, file) {
			if !names[name] {
				t.Errorf("%s: there is no metric %s", file, name)
			}
		}
	}
}

// What is counted is shown: a metric that nobody sees is forgotten.
func TestTheDashboardShowsEveryMetric(t *testing.T) {
	shown := named(t, "grafana/hongyan.json")
	for name := range known(t) {
		family := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count"), "_sum")
		if strings.HasPrefix(name, "hongyan_") && !slices.Contains(shown, family) && !slices.Contains(shown, family+"_bucket") {
			t.Errorf("%s is on no panel", name)
		}
	}
}

func TestTheDashboardIsWhole(t *testing.T) {
	text, err := os.ReadFile(deploy + "grafana/hongyan.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		UID    string
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil || d.UID == "" {
		t.Fatal(err)
	}
	taken := map[[2]int]string{}
	ids := map[int]bool{}
	for _, p := range d.Panels {
		if p.Title == "" || len(p.Targets) == 0 || p.Targets[0].Expr == "" || ids[p.ID] {
			t.Errorf("panel %d %q", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if at[0] > 23 || taken[at] != "" {
					t.Fatalf("%q lies over %q or beyond the edge", p.Title, taken[at])
				}
				taken[at] = p.Title
			}
		}
	}
}

// promtool runs the tool of Prometheus in a folder.
func promtool(t *testing.T, dir string, args ...string) {
	t.Helper()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not on this machine; make needs brings it")
	}
	cmd := exec.CommandContext(t.Context(), tool, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// Prometheus itself reads the rules and lets time pass over them.
func TestAlertsFireWhenTheyShouldAndOnlyThen(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"check", "rules", "rules.yaml"},
		{"check", "config", "--syntax-only", "prometheus.yaml"},
		{"test", "rules", "rules_test.yaml"},
	} {
		promtool(t, deploy+"prometheus", args...)
	}
}

// Prometheus can read what the panels ask it, with Grafana's variables filled in.
func TestThePanelsAskWhatPrometheusUnderstands(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(deploy + "grafana/hongyan.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$__rate_interval", "5m", "$account", ".*", "$campaign", ".*")
	var rules strings.Builder
	rules.WriteString("groups:\n- name: panels\n  rules:\n")
	for i, p := range d.Panels {
		for _, target := range p.Targets {
			expr, err := json.Marshal(fill.Replace(target.Expr))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&rules, "  - record: panel%d\n    expr: %s\n", i, expr)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "panels.yaml"), []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, dir, "check", "rules", "panels.yaml")
}
