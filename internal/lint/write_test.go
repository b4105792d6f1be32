package lint_test

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"hongyan/internal/fault"
	"hongyan/internal/lint"
)

var update = flag.Bool("update", false, "write the golden files anew")

func some() []lint.Finding {
	return []lint.Finding{
		{Rule: "img-alt", Severity: lint.Warning, File: "templates/欢迎 a.md", Line: 7, What: fault.Textf("the image %s has no alt", "a<b>.png"), Hint: fault.Textf("say what it shows")},
		{Rule: "hole", Severity: lint.Error, File: "/srv/t.md", What: fault.Textf("%q is left in the mail", "{{.x}}")},
		{Rule: "lang-missing", Severity: lint.Info, What: fault.Textf("<html> has no lang")},
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s", name, got)
	}
}

func TestFindingsAsJSON(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := lint.WriteJSON(&b, some()); err != nil {
		t.Fatal(err)
	}
	golden(t, "findings.json", b.String())
	b.Reset()
	if err := lint.WriteJSON(&b, nil); err != nil || b.String() != "[]\n" {
		t.Errorf("no findings: %q, %v", b.String(), err)
	}
}

// The checks are the sentences of SARIF 2.1.0 that a reader depends on.
func TestFindingsAsSARIF(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := lint.WriteSARIF(&b, some()); err != nil {
		t.Fatal(err)
	}
	golden(t, "findings.sarif", b.String())
	var log struct {
		Version string
		Schema  string `json:"$schema"`
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct {
						ID                   string
						ShortDescription     struct{ Text string }
						DefaultConfiguration struct{ Level string }
					}
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           *struct{ StartLine int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(b.String()), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || !strings.Contains(log.Schema, "sarif-2.1.0") || len(log.Runs) != 1 {
		t.Fatalf("§3.13: %+v", log)
	}
	run := log.Runs[0]
	levels := " none note warning error "
	seen := map[string]bool{}
	for _, r := range run.Tool.Driver.Rules {
		if r.ID == "" || seen[r.ID] || r.ShortDescription.Text == "" || !strings.Contains(levels, " "+r.DefaultConfiguration.Level+" ") {
			t.Errorf("§3.49: %+v", r)
		}
		seen[r.ID] = true
	}
	for _, r := range run.Results {
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID || !strings.Contains(levels, " "+r.Level+" ") || r.Message.Text == "" {
			t.Errorf("§3.27: %+v", r)
		}
		for _, l := range r.Locations {
			if l.PhysicalLocation.ArtifactLocation.URI == "" || l.PhysicalLocation.Region != nil && l.PhysicalLocation.Region.StartLine < 1 {
				t.Errorf("§3.28: %+v", l)
			}
		}
	}
}

func TestEveryRuleHasATitle(t *testing.T) {
	t.Parallel()
	for _, r := range lint.Rules() {
		if r.Title == "" || r.ID != strings.ToLower(r.ID) {
			t.Errorf("%+v", r)
		}
	}
}
