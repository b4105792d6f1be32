package preview_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hongyan/internal/message"
	"hongyan/internal/preview"
)

const html = `<!doctype html><html><head><style>@media (prefers-color-scheme: dark) { body { background: #000 } }</style></head>
<body><h1>您好</h1><img src="cid:logo@hongyan" alt="标志"><img src='cid:other'></body></html>`

func letter(line int) message.Letter {
	return message.Letter{
		To:      mail.Address{Name: "李雷", Address: fmt.Sprintf("p%d@example.com", line)},
		Subject: fmt.Sprintf("第 %d 封 </script>", line), Text: []byte("您好\n"), HTML: []byte(html),
		Images: []message.Image{{CID: "logo@hongyan", Name: "logo.png", Data: []byte("\x89PNG logo")}},
		Date:   time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("", 8*3600)),
	}
}

func composer(tb testing.TB) *message.Composer {
	tb.Helper()
	c, err := message.NewComposer(message.Letterhead{Campaign: "c", Issue: "main", Key: []byte("k"), From: mail.Address{Name: "张三", Address: "you@qq.com"}}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func mailed(tb testing.TB, c *message.Composer, line int, warnings ...string) preview.Mail {
	tb.Helper()
	l := letter(line)
	m, err := c.Compose(l)
	if err != nil {
		tb.Fatal(err)
	}
	return preview.Mail{Line: line, Address: l.To.Address, Subject: l.Subject, HTML: l.HTML, Text: l.Text, Images: l.Images, Message: m, Warnings: warnings}
}

func create(tb testing.TB, dir string) *preview.Gallery {
	tb.Helper()
	g, err := preview.Create(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

func add(tb testing.TB, g *preview.Gallery, mails ...preview.Mail) {
	tb.Helper()
	for _, m := range mails {
		if err := enter(g, m); err != nil {
			tb.Fatal(err)
		}
	}
}

// enter writes one mail: its files at once, its row and views with their page.
func enter(g *preview.Gallery, m preview.Mail) error {
	l, err := g.Print(m)
	if err != nil {
		return err
	}
	return g.Enter(l)
}

func closed(tb testing.TB, g *preview.Gallery) {
	tb.Helper()
	if err := g.Close(); err != nil {
		tb.Fatal(err)
	}
}

func read(tb testing.TB, path ...string) string {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

// rows reads a page of the table as the browser does.
func rows(tb testing.TB, dir string, page int) (out [][]any) {
	tb.Helper()
	src := read(tb, dir, "data", fmt.Sprintf("rows-%04d.js", page))
	src = strings.TrimSuffix(strings.TrimPrefix(src, fmt.Sprintf("hongyan.rows(%d,", page)), ");\n")
	if err := json.Unmarshal([]byte(src), &out); err != nil {
		tb.Fatalf("page %d: %v", page, err)
	}
	return out
}

func TestAMailIsThreeFilesAndARow(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "gallery")
	g := create(t, dir)
	m := mailed(t, composer(t), 57, "no preheader")
	m.Attachments = []string{"发票.pdf"}
	add(t, g, m)
	closed(t, g)
	var eml strings.Builder
	if _, err := m.Message.WriteTo(&eml); err != nil {
		t.Fatal(err)
	}
	if got := read(t, dir, "mails/00057-p57@example.com.eml"); got != eml.String() {
		t.Error("the .eml is not the mail")
	}
	if got := read(t, dir, "mails/00057-p57@example.com.txt"); got != "您好\n" {
		t.Errorf("text %q", got)
	}
	want := []any{57.0, "p57@example.com", "第 57 封 </script>", float64(eml.Len()), "00057-p57@example.com", 1.0, 0.0, []any{"no preheader"}, []any{"发票.pdf"}}
	if got := rows(t, dir, 1); fmt.Sprint(got[0]...) != fmt.Sprint(want...) {
		t.Errorf("row\ngot  %v\nwant %v", got[0], want)
	}
	if page := read(t, dir, "index.html"); !strings.Contains(page, `"mails":1,"warned":1,"perPage":500,"warnings":[["no preheader",1]]}`) {
		t.Error("the page has no summary")
	}
}

func TestInlineImagesAreFilesBesideTheMails(t *testing.T) {
	t.Parallel()
	dir, source := t.TempDir(), filepath.Join(t.TempDir(), "pixel.gif")
	if err := os.WriteFile(source, []byte("GIF89a"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := create(t, dir)
	m := mailed(t, composer(t), 1)
	m.HTML = []byte(html + `<p style="background:url(cid:px)"><img src="cid:logo%40hongyan"><img src="cid:px2">`)
	m.Images = append(m.Images, message.Image{CID: "px", Type: "image/gif", File: source}, message.Image{CID: "px2", Name: "evil.sh", Data: []byte("x")})
	second := m
	second.Line = 2
	add(t, g, m, second)
	closed(t, g)
	shown := read(t, dir, "mails/00001-p1@example.com.html")
	if strings.Contains(shown, "cid:logo") || strings.Contains(shown, "cid:px") || !strings.Contains(shown, "'cid:other'") {
		t.Errorf("got %s", shown)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "images"))
	if err != nil || len(entries) != 3 {
		t.Fatalf("%d images: %v", len(entries), err)
	}
	for _, e := range entries {
		if !strings.Contains(shown, "../images/"+e.Name()) || !slices.Contains([]string{".png", ".gif"}, filepath.Ext(e.Name())) {
			t.Errorf("%s is not shown, or has a strange name", e.Name())
		}
	}
	if pack := read(t, dir, "data/mails-0001.js"); !strings.Contains(pack, "images/"+entries[0].Name()) || strings.Contains(pack, "../images/") {
		t.Error("the gallery shows another image than the file")
	}
}

func TestNoAddressNamesAFileElsewhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := create(t, dir)
	for i, address := range []string{"../../x@y.cn", "/etc/passwd", `a\b@c.cn`, "a\x00\r\n@b.cn", "", "..", "李@例子.cn", strings.Repeat("x", 300), "CON", "a@b.cn", "a@b.cn"} {
		add(t, g, preview.Mail{Line: i / 2 * 2, Address: address, Subject: address, Text: []byte(address), Warnings: []string{"bad address"}})
	}
	closed(t, g)
	entries, err := os.ReadDir(filepath.Join(dir, "mails"))
	if err != nil || len(entries) != 11 {
		t.Fatalf("%d files: %v", len(entries), err)
	}
	for i, row := range rows(t, dir, 1) {
		if _, err := os.Stat(filepath.Join(dir, "mails", row[4].(string)+".txt")); err != nil {
			t.Errorf("row %d: %v", i, err)
		}
	}
}

func TestAFolderWithOtherPeoplesFilesIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	own := filepath.Join(dir, "mails")
	if err := os.WriteFile(own, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := preview.Create(dir); !errors.Is(err, preview.ErrOccupied) {
		t.Errorf("got %v", err)
	}
	if got := read(t, own); got != "mine" {
		t.Errorf("the file became %q", got)
	}
	if _, err := preview.Create(own); err == nil {
		t.Error("a file was taken for a folder")
	}
}

func TestAnOldGalleryMakesPlace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := create(t, dir)
	add(t, g, mailed(t, composer(t), 1), mailed(t, composer(t), 2))
	// never closed: the first preview was interrupted
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	g = create(t, dir)
	add(t, g, mailed(t, composer(t), 3))
	closed(t, g)
	found, err := filepath.Glob(filepath.Join(dir, "mails", "*.eml"))
	if err != nil || len(found) != 1 || read(t, dir, "notes.txt") != "mine" {
		t.Errorf("found %v: %v", found, err)
	}
}

func TestPreviewsAreTheirOwnersOnly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "preview")
	g := create(t, dir)
	add(t, g, mailed(t, composer(t), 1))
	closed(t, g)
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v", path, info.Mode())
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

func TestAGalleryDoesNotFollowLinksOut(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), t.TempDir()
	closed(t, create(t, dir))
	keep := filepath.Join(other, "keep.txt")
	if err := os.WriteFile(keep, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "mails")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(other, filepath.Join(dir, "mails")); err != nil {
		t.Fatal(err)
	}
	g := create(t, dir)
	add(t, g, mailed(t, composer(t), 1))
	closed(t, g)
	if entries, err := os.ReadDir(other); err != nil || len(entries) != 1 {
		t.Errorf("%d files in the other folder: %v", len(entries), err)
	}
}

func TestManyAddAtOnceAndEveryPageIsWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := create(t, dir)
	c := composer(t)
	const mails = 703
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for line := worker + 1; line <= mails; line += 4 {
				m := mailed(t, c, line, fmt.Sprintf("warning %d", line%150))
				if err := enter(g, m); err != nil {
					t.Error(err)
				}
				m.Message.Release()
			}
		})
	}
	wg.Wait()
	g.Lang = "zh"
	closed(t, g)
	seen := map[int]bool{}
	for page, want := range []int{500, 203} {
		got := rows(t, dir, page+1)
		if len(got) != want {
			t.Errorf("page %d has %d rows, want %d", page+1, len(got), want)
		}
		for _, row := range got {
			line := int(row[0].(float64))
			seen[line] = true
			pack := read(t, dir, "data", fmt.Sprintf("mails-%04d.js", int(row[5].(float64))))
			var packed [][]string
			if err := json.Unmarshal([]byte(strings.TrimSuffix(pack[strings.IndexByte(pack, '['):], ");\n")), &packed); err != nil {
				t.Fatal(err)
			}
			if source := packed[int(row[6].(float64))][2]; !strings.Contains(source, fmt.Sprintf("<p%d@example.com>", line)) {
				t.Fatalf("line %d shows another mail", line)
			}
		}
	}
	if len(seen) != mails {
		t.Errorf("%d lines of %d", len(seen), mails)
	}
	if page := read(t, dir, "index.html"); strings.Count(page, `["warning `) != 100 || !strings.Contains(page, `{"lang":"zh","mails":703`) {
		t.Error("the filter is not bounded, or the language is lost")
	}
}

func TestALongSourceIsCut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := letter(1)
	l.Images[0].Data = make([]byte, 1<<20)
	m, err := composer(t).Compose(l)
	if err != nil {
		t.Fatal(err)
	}
	g := create(t, dir)
	add(t, g, preview.Mail{Line: 1, Address: l.To.Address, HTML: l.HTML, Images: l.Images, Message: m})
	closed(t, g)
	if n := len(read(t, dir, "data/mails-0001.js")); n > 60<<10 {
		t.Errorf("the views have %d bytes", n)
	}
	if n := len(read(t, dir, "mails/00001-p1@example.com.eml")); int64(n) != m.Size() {
		t.Errorf("the .eml has %d bytes of %d", n, m.Size())
	}
}

// BenchmarkGallery: mails to disk with 2 KB of text and 6 KB of HTML.
func BenchmarkGallery(b *testing.B) {
	c := composer(b)
	m := mailed(b, c, 1)
	m.Text = []byte(strings.Repeat("您的订单已经发货。\n", 73))
	m.HTML = []byte(strings.Repeat("<p style=\"margin:0\">您的订单已经发货。</p>\n", 120))
	l := letter(1)
	l.Text, l.HTML, l.Images = m.Text, m.HTML, nil
	composed, err := c.Compose(l)
	if err != nil {
		b.Fatal(err)
	}
	m.Message = composed
	g := create(b, b.TempDir())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		m.Line = i
		add(b, g, m)
	}
	closed(b, g)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
}
