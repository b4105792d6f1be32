package archive_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hongyan/internal/archive"
	"hongyan/internal/ledger/sqlite"
)

func shelf(t *testing.T) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// folder writes files into a folder of its own.
func folder(t *testing.T, files map[string]string) *os.Root {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

func manifest(names ...string) archive.Manifest {
	m := archive.Manifest{Campaign: "campaigns/weekly.yaml", Templates: "templates", Columns: []string{"email", "name"}}
	for _, name := range names {
		m.Files = append(m.Files, archive.File{Name: name})
	}
	return m
}

var issue = map[string]string{
	"campaigns/weekly.yaml":   "name: weekly\n",
	"campaigns/files/a.pdf":   string(bytes.Repeat([]byte("鸿雁"), 100_000)),
	"templates/weekly.md":     "# {{.name}}\n",
	"templates/layouts/x.css": "",
}

func names() []string {
	return []string{"campaigns/weekly.yaml", "campaigns/files/a.pdf", "templates/weekly.md", "templates/layouts/x.css", "templates/weekly.md"}
}

func TestAnIssueComesOutAsItWentIn(t *testing.T) {
	t.Parallel()
	ctx, papers := t.Context(), shelf(t)
	packed, err := archive.Pack(ctx, papers, "weekly/12", folder(t, issue), manifest(names()...))
	if err != nil {
		t.Fatal(err)
	}
	m, err := archive.Read(ctx, papers, "weekly/12")
	if err != nil || len(m.Files) != 4 || !slices.Equal(m.Files, packed.Files) || m.Campaign != "campaigns/weekly.yaml" {
		t.Fatalf("got %+v, %v", m, err)
	}
	dir := t.TempDir()
	if err := archive.Unpack(ctx, papers, m, dir); err != nil {
		t.Fatal(err)
	}
	for name, text := range issue {
		if got, err := os.ReadFile(filepath.Join(dir, name)); string(got) != text || err != nil {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

func TestAFileLiesThereOnceForAllIssues(t *testing.T) {
	t.Parallel()
	ctx, papers := t.Context(), shelf(t)
	for _, name := range []string{"weekly/12", "weekly/13"} {
		if _, err := archive.Pack(ctx, papers, name, folder(t, issue), manifest(names()...)); err != nil {
			t.Fatal(err)
		}
	}
	kept := 0
	for paper, err := range papers.Papers(ctx, "file") {
		if err != nil {
			t.Fatal(err)
		}
		kept++
		if len(paper.Body) > 10_000 {
			t.Errorf("a paper of %d bytes is not compressed", len(paper.Body))
		}
	}
	if kept != 4 {
		t.Errorf("%d papers", kept)
	}
}

func TestAnArchivedFileThatChangedIsNotUsed(t *testing.T) {
	t.Parallel()
	ctx, papers := t.Context(), shelf(t)
	m, err := archive.Pack(ctx, papers, "weekly/12", folder(t, issue), manifest(names()...))
	if err != nil {
		t.Fatal(err)
	}
	first, other := m.Files[0], m.Files[3]
	body, err := papers.Paper(ctx, "file", other.Sum)
	if err != nil {
		t.Fatal(err)
	}
	if err := papers.Put(ctx, "file", first.Sum, body); err != nil {
		t.Fatal(err)
	}
	if err := archive.Unpack(ctx, papers, m, t.TempDir()); err == nil {
		t.Error("it was unpacked")
	}
	if err := papers.Discard(ctx, "file", first.Sum); err != nil {
		t.Fatal(err)
	}
	if err := archive.Unpack(ctx, papers, m, t.TempDir()); !errors.Is(err, archive.ErrNone) {
		t.Errorf("got %v", err)
	}
}

func TestNoNameLeadsOutOfTheFolder(t *testing.T) {
	t.Parallel()
	ctx, papers := t.Context(), shelf(t)
	if _, err := archive.Pack(ctx, papers, "x", folder(t, issue), manifest("../../etc/passwd")); err == nil {
		t.Error("it was packed")
	}
	m, err := archive.Pack(ctx, papers, "x", folder(t, issue), manifest("campaigns/weekly.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	m.Files[0].Name = "../out.yaml"
	if err := archive.Unpack(ctx, papers, m, t.TempDir()); err == nil {
		t.Error("it was unpacked")
	}
}

func TestWhatIsTooLargeIsNotArchived(t *testing.T) {
	t.Parallel()
	root := folder(t, nil)
	file, err := root.Create("large.bin")
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Truncate(archive.MaxFile + 1); err != nil {
		t.Fatal(err)
	}
	file.Close()
	_, err = archive.Pack(t.Context(), shelf(t), "x", root, manifest("large.bin"))
	if excess, ok := errors.AsType[*archive.Excess](err); !ok || excess.File != "large.bin" {
		t.Errorf("got %v", err)
	}
}

func TestCommonIsTheDeepestFolderOfAll(t *testing.T) {
	t.Parallel()
	folder, names := archive.Common([]string{"/a/b/campaigns/c.yaml", "/a/b/templates/layouts/x.html", "/a/b/templates/c.md"})
	if want := []string{"campaigns/c.yaml", "templates/layouts/x.html", "templates/c.md"}; folder != "/a/b" || !slices.Equal(names, want) {
		t.Errorf("got %s %v", folder, names)
	}
	if folder, names := archive.Common([]string{"/a/c.yaml", "/b/c.md"}); folder != "/" || names[1] != "b/c.md" {
		t.Errorf("got %s %v", folder, names)
	}
}

func TestKeptIsWhatWasKept(t *testing.T) {
	ctx, store := t.Context(), shelf(t)
	sum, err := archive.Keep(ctx, store, []byte("你好\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := archive.Kept(ctx, store, sum); err != nil || string(got) != "你好\n" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := archive.Kept(ctx, store, strings.Repeat("0", 64)); !errors.Is(err, archive.ErrNone) {
		t.Errorf("what was never kept: %v", err)
	}
}
