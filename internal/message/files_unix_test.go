//go:build unix

package message_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"hongyan/internal/message"
)

func TestOnlyRegularFilesOfABearableSize(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	sparse(t, filepath.Join(dir, "huge.bin"), 51<<20)
	sparse(t, filepath.Join(dir, "half.bin"), 26<<20)
	c := composer(t, letterhead(), dir)
	refused(t, c, message.Letter{Attachments: []message.Attachment{{File: "pipe"}}}, "attachment pipe")
	refused(t, c, message.Letter{Attachments: []message.Attachment{{File: "huge.bin"}}}, "attachment huge.bin")
	refused(t, c, message.Letter{Attachments: []message.Attachment{{File: "half.bin"}, {File: "half.bin", Name: "again.bin"}}}, "attachment half.bin")
	files, err := message.NewFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	for name, fit := range map[string]bool{"half.bin": true, "huge.bin": false, "pipe": false, ".": false, "../half.bin": false, "missing": false} {
		if err := files.Fits(name); (err == nil) != fit {
			t.Errorf("%s fits: %v", name, err)
		}
	}
}
