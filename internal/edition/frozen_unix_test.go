//go:build unix

package edition_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"hongyan/internal/archive"
	"hongyan/internal/edition"
)

// What the list says never brings a file of the sender's machine that a mail could
// not have, nor stops the issue; its row is skipped where the mails are made.
func TestNoRowBringsAFileThatItsMailCannotHave(t *testing.T) {
	t.Parallel()
	dir := sendersFolder(t, "email,inv\na@example.com,1.txt\nb@example.com,../secret.txt\nc@example.com,../../secret.txt\n"+
		"d@example.com,folder\ne@example.com,pipe\nf@example.com,huge.bin\ng@example.com,away.txt\nh@example.com,missing\n")
	inv := filepath.Join(dir, "inv")
	if err := errors.Join(os.Mkdir(filepath.Join(inv, "folder"), 0o700), syscall.Mkfifo(filepath.Join(inv, "pipe"), 0o600),
		os.Symlink("../secret.txt", filepath.Join(inv, "away.txt")), os.WriteFile(filepath.Join(inv, "huge.bin"), nil, 0o600),
		os.Truncate(filepath.Join(inv, "huge.bin"), 70<<20)); err != nil {
		t.Fatal(err)
	}
	store, e := packed(t, dir)
	m, err := archive.Read(t.Context(), store, e.Key.String())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range m.Files {
		names = append(names, f.Name)
	}
	if want := []string{"campaigns/a.yaml", "inv/1.txt", "templates/a.md"}; !slices.Equal(names, want) {
		t.Errorf("packed %q, not %q", names, want)
	}
	made, skipped := 0, 0
	mailing, err := thawedAt(t, dir, store, e).Mailing(sender, []byte("key"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for r, err := range e.List.Recipients() {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mailing.Compose(edition.Entry(r), time.Now()); err != nil {
			skipped++
			continue
		}
		made++
	}
	if made != 1 || skipped != 7 {
		t.Errorf("%d mails, %d skipped", made, skipped)
	}
}
