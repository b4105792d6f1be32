package online

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// Rules are the ids that the room's own source finds by.
func Rules(t *testing.T) (out []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`lint\.Found\("([a-z-]+)"`)
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range found.FindAllSubmatch(src, -1) {
			out = append(out, string(m[1]))
		}
	}
	if len(out) < 20 {
		t.Fatalf("only %d rules in the source", len(out))
	}
	return out
}
