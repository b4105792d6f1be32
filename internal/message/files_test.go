package message_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"hongyan/internal/message"
)

func TestNoAttachmentFromOutsideTheFolder(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret.txt")
	write(t, secret, "secret")
	dir := filled(t)
	link(t, secret, filepath.Join(dir, "link.txt"))
	link(t, outside, filepath.Join(dir, "folder"))
	c := composer(t, letterhead(), dir)
	for _, file := range []string{
		"../secret.txt", "../" + filepath.Base(outside) + "/secret.txt", secret, "/etc/passwd", "link.txt", "folder/secret.txt",
		"中文/../../secret.txt", "", ".", "a.pdf/", "\x00", "missing.pdf", "中文",
	} {
		refused(t, c, message.Letter{Attachments: []message.Attachment{{File: file}}}, "attachment "+file)
	}
}

func TestAnAbsolutePathInsideTheFolderIsTheSameFile(t *testing.T) {
	t.Parallel()
	dir := filled(t)
	link(t, "a.pdf", filepath.Join(dir, "inside.pdf"))
	c := composer(t, letterhead(), dir)
	for _, file := range []string{filepath.Join(dir, "a.pdf"), "中文/../a.pdf", "./a.pdf", "inside.pdf"} {
		_, raw := compose(t, c, message.Letter{Attachments: []message.Attachment{{File: file, Name: "a.pdf"}}})
		if !strings.Contains(raw, "JVBERi0xLjcgc21hbGw=") {
			t.Errorf("%s was not attached", file)
		}
	}
}

func TestAnUnfitAttachmentSaysWhichAndWhy(t *testing.T) {
	t.Parallel()
	c := composer(t, letterhead(), filled(t))
	_, err := c.Compose(message.Letter{To: benchLetter().To, Date: noon, Attachments: []message.Attachment{{File: "invoices/7.pdf"}}})
	if want := "attachment invoices/7.pdf: cannot be opened: no such file or directory"; err == nil || err.Error() != want || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	_, err = composer(t, letterhead(), "").Compose(message.Letter{To: benchLetter().To, Date: noon, Attachments: []message.Attachment{{File: "a.pdf"}}})
	if err == nil || !strings.Contains(err.Error(), "there is no folder") {
		t.Errorf("got %v", err)
	}
}

func TestAFileThatFailedIsTriedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := composer(t, letterhead(), dir)
	l := message.Letter{Attachments: []message.Attachment{{File: "late.pdf"}}}
	refused(t, c, l, "attachment late.pdf")
	write(t, filepath.Join(dir, "late.pdf"), "here now")
	compose(t, c, l)
}

func TestASharedFileIsReadOnceARun(t *testing.T) {
	t.Parallel()
	dir := filled(t)
	c := composer(t, letterhead(), dir)
	shared := message.Attachment{File: "big.bin"}
	first, _ := compose(t, c, message.Letter{Attachments: []message.Attachment{shared}})
	for i := range 200 { // everybody's own file passes through
		name := fmt.Sprintf("own-%d.txt", i)
		write(t, filepath.Join(dir, name), strings.Repeat(name, 1000))
		compose(t, c, message.Letter{Attachments: []message.Attachment{shared, {File: name}}})
	}
	write(t, filepath.Join(dir, "big.bin"), "changed in the middle of the run")
	last, _ := compose(t, c, message.Letter{Attachments: []message.Attachment{shared}})
	a, b := longest(first.Wire()), longest(last.Wire())
	if len(a) < 100_000 || &a[0] != &b[0] {
		t.Error("the shared file was read again, or copied")
	}
}

func longest(segments [][]byte) (out []byte) {
	for _, s := range segments {
		if len(s) > len(out) {
			out = s
		}
	}
	return out
}

func TestManyComposeAtOnce(t *testing.T) {
	t.Parallel()
	dir := filled(t)
	c := composer(t, letterhead(), dir)
	image := filepath.Join(dir, "logo.png")
	write(t, image, "png")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				l := benchLetter()
				l.To.Address = fmt.Sprintf("p%d.%d@example.com", i, j)
				l.Attachments = []message.Attachment{{File: "big.bin"}, {File: "a.pdf"}}[:j%3]
				l.Images = []message.Image{{CID: "logo", Name: "logo.png", File: image}}[:j%2]
				m, err := c.Compose(l)
				if err != nil {
					t.Error(err)
					return
				}
				var b bytes.Buffer
				if _, err := m.WriteTo(&b); err != nil || !bytes.Contains(b.Bytes(), []byte("<"+l.To.Address+">")) {
					t.Errorf("%s: a mail of somebody else: %v", l.To.Address, err)
				}
				m.Release()
			}
		})
	}
	wg.Wait()
}

func TestAReleasedMailIsEmptyAndHarmsNoOther(t *testing.T) {
	t.Parallel()
	c := composer(t, letterhead(), "")
	m, _ := compose(t, c, message.Letter{Subject: "first"})
	m.Release()
	m.Release()
	other, raw := compose(t, c, message.Letter{Subject: "second"})
	m.Release()
	var b strings.Builder
	if _, err := other.WriteTo(&b); err != nil || b.String() != raw || m.Size() != 0 || len(m.Wire()) != 0 {
		t.Errorf("the second mail changed, or the first is not empty: %v", err)
	}
}

func TestWritevMayConsumeTheWire(t *testing.T) {
	t.Parallel()
	m, raw := compose(t, composer(t, letterhead(), filled(t)), message.Letter{Attachments: []message.Attachment{{File: "big.bin"}}})
	for range 2 {
		wire := m.Wire()
		if got := string(bytes.Join(wire, nil)); got != raw {
			t.Fatal("the wire differs from the mail")
		}
		clear(wire) // as net.Buffers does
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

func sparse(t *testing.T, path string, size int64) {
	t.Helper()
	write(t, path, "")
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}
