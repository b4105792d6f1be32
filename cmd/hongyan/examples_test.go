package main

import (
	"path/filepath"
	"testing"

	"hongyan/internal/config"
)

func TestEveryExamplePassesItsOwnCheck(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob("../../examples/*/" + config.Name)
	if err != nil || len(folders) == 0 {
		t.Fatal(folders, err)
	}
	for _, conf := range folders {
		dir := filepath.Dir(conf)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			d := speaking("en")
			root := newRoot(d)
			root.SetArgs([]string{"--config", conf, "--state", t.TempDir(), "check", filepath.Join(dir, "campaign.yaml")})
			if code := d.leave(root.ExecuteContext(t.Context())); code != exitWell {
				t.Errorf("exit code %d\n%s%s", code, d.out, d.err)
			}
		})
	}
}
