package campaign_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hongyan/internal/campaign"
	"hongyan/internal/fault"
)

func TestTheREADMEsKnowEveryKey(t *testing.T) {
	t.Parallel()
	for name, readme := range readmes(t) {
		for _, where := range []string{
			"%s", "recipients: {%s}", "attachments: [{%s}]", "text: {%s}", "invite: {%s}", "lint: {%s}", "schedule: {%s}", "data: {x: {%s}}",
		} {
			for _, key := range knownKeys(t, fmt.Sprintf(where, "unheard-of: 1")) {
				if !regexp.MustCompile(`\b` + key + "[:`]").MatchString(readme) {
					t.Errorf("%s: nothing about %s", name, fmt.Sprintf(where, key+":"))
				}
			}
		}
	}
}

func TestTheREADMEsCampaignHasNoFault(t *testing.T) {
	t.Parallel()
	for name, readme := range readmes(t) {
		src, _, _ := strings.Cut(readme, "```")
		if _, err := campaign.Parse(name, []byte(src)); err != nil {
			t.Error(err)
		}
	}
}

// readmes are what the two say about a campaign, its file first.
func readmes(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range []string{"README.md", "README.zh-CN.md"} {
		src, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(src), "```yaml\nname: welcome")
		section, _, ok := strings.Cut(rest, "\n## ")
		if !ok {
			t.Fatalf("%s shows no campaign", name)
		}
		out[name] = "name: welcome" + section
	}
	return out
}

// knownKeys are those that may stand where a file has one that nobody knows.
func knownKeys(t *testing.T, src string) []string {
	t.Helper()
	_, err := campaign.Parse("x.yaml", []byte(src))
	faults, _ := errors.AsType[fault.Faults](err)
	for _, f := range faults {
		if f.Hint.Format == "known here are %s" {
			return strings.Split(f.Hint.Args[0].(string), ", ")
		}
	}
	t.Fatalf("%s: %v", src, err)
	return nil
}
