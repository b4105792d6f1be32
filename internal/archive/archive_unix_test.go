//go:build unix

package archive_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hongyan/internal/archive"
)

func TestOnlyRegularFilesAreArchived(t *testing.T) {
	t.Parallel()
	root := folder(t, map[string]string{"sub/a.txt": "a"})
	if err := syscall.Mkfifo(filepath.Join(root.Name(), "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pipe", "sub"} { // the first would be waited for
		if _, err := archive.Pack(t.Context(), shelf(t), "x", root, manifest(name)); err == nil || !strings.Contains(err.Error(), name+" is not a regular file") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
