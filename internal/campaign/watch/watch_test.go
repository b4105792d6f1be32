package watch_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hongyan/internal/campaign/watch"
)

const good = "name: %s\nsubject: %s\ntemplate: t.md\nrecipients: l.csv\n"

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// folder has what the campaigns need.
func folder(t testing.TB) string {
	dir := t.TempDir()
	write(t, dir, "t.md", "x")
	write(t, dir, "l.csv", "email\na@b.cn\n")
	return dir
}

// shown is a folder as lines: file, subject of the last good text, faults.
func shown(f *watch.Folder) string {
	var b strings.Builder
	for _, e := range f.Entries() {
		subject := "-"
		if e.Good != nil {
			subject = e.Good.Subject
		}
		fmt.Fprintf(&b, "%s %s %d\n", filepath.Base(e.File), subject, len(e.Faults))
	}
	return b.String()
}

func TestAFaultyFileLeavesTheLastGoodOne(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	write(t, dir, "a.yaml", fmt.Sprintf(good, "a", "one"))
	write(t, dir, "b.yml", "name: [\n")
	write(t, dir, ".c.yaml", "x")
	write(t, dir, "d.yaml~", "x")
	write(t, dir, "config.yaml", "x")
	f := watch.New(dir)
	step := func(changed bool, want string) {
		t.Helper()
		if got := f.Look(); got != changed || shown(f) != want {
			t.Errorf("changed %v, got\n%swant %v\n%s", got, shown(f), changed, want)
		}
	}
	step(true, "a.yaml one 0\nb.yml - 1\n")
	step(false, "a.yaml one 0\nb.yml - 1\n")
	write(t, dir, "a.yaml", "name: a\nsubjct: two\n")
	step(true, "a.yaml one 3\nb.yml - 1\n")
	if e := f.Entries()[0]; !strings.Contains(e.Faults.Error(), `did you mean "subject"?`) || !strings.Contains(string(e.Source), "subject: one") {
		t.Errorf("got %v of\n%s", e.Faults, e.Source)
	}
	write(t, dir, "a.yaml", fmt.Sprintf(good, "a", "three"))
	step(true, "a.yaml three 0\nb.yml - 1\n")
	write(t, dir, "b.yml", fmt.Sprintf(good, "a", "four"))
	step(true, "a.yaml three 0\nb.yml - 1\n")
	if e := f.Entries()[1]; !strings.Contains(e.Faults.Error(), "b.yml:1: the name a is that of") {
		t.Errorf("got %v", e.Faults)
	}
	if err := os.Remove(filepath.Join(dir, "t.md")); err != nil {
		t.Fatal(err)
	}
	step(true, "a.yaml three 1\nb.yml - 1\n")
}

func TestAFileIsGoneWhenItIsStillNotThere(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	write(t, dir, "a.yaml", fmt.Sprintf(good, "a", "one"))
	f := watch.New(dir)
	f.Look()
	if err := os.Remove(filepath.Join(dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	if f.Look() || shown(f) != "a.yaml one 0\n" {
		t.Errorf("at once: %s", shown(f))
	}
	write(t, dir, "a.yaml", fmt.Sprintf(good, "a", "one"))
	if f.Look() {
		t.Error("a file that came back has changed")
	}
	if err := os.Remove(filepath.Join(dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	f.Look()
	if !f.Look() || shown(f) != "" {
		t.Errorf("after two looks: %s", shown(f))
	}
}

// TestChangesAreTakenUp writes files as editors do and waits for the folder to
// show them.
func TestChangesAreTakenUp(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(folder(t), "campaigns")
	f := watch.New(dir)
	changed := make(chan struct{}, 100)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- f.Run(ctx, func() { changed <- struct{}{} }) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	until := func(want string) {
		t.Helper()
		late := time.After(30 * time.Second)
		for shown(f) != want {
			select {
			case <-changed:
			case <-late:
				t.Fatalf("still\n%swant\n%s", shown(f), want)
			}
		}
	}
	text := strings.NewReplacer("t.md", "../t.md", "l.csv", "../l.csv").Replace(good)
	if err := os.Mkdir(dir, 0o755); err != nil { // after the watch began
		t.Fatal(err)
	}
	write(t, dir, "a.yaml", fmt.Sprintf(text, "a", "one"))
	until("a.yaml one 0\n")
	write(t, dir, "a.yaml", fmt.Sprintf(text, "a", "two"))
	until("a.yaml two 0\n")
	// vim: the old file is moved away, a new one written, the old one removed.
	for _, step := range []func() error{
		func() error { return os.Rename(filepath.Join(dir, "a.yaml"), filepath.Join(dir, "a.yaml~")) },
		func() error {
			return os.WriteFile(filepath.Join(dir, "a.yaml"), fmt.Appendf(nil, text, "a", "three"), 0o600)
		},
		func() error { return os.Remove(filepath.Join(dir, "a.yaml~")) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	until("a.yaml three 0\n")
	// Others: a new file is written beside it and moved over it.
	write(t, dir, ".a.yaml.tmp", fmt.Sprintf(text, "a", "four"))
	if err := os.Rename(filepath.Join(dir, ".a.yaml.tmp"), filepath.Join(dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	until("a.yaml four 0\n")
	if err := os.Remove(filepath.Join(dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	until("")
}
