package web

import (
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/reply"
)

// spoken are the places where the pages say something of their own.
var spoken = []*regexp.Regexp{
	regexp.MustCompile(`\bt "([^"]+)"`),
	regexp.MustCompile(`\.say\("([^"]+)"`),
	regexp.MustCompile(`Title: "([^"]+)"`),
	regexp.MustCompile(`greeting\{"([^"]+)"`),
	regexp.MustCompile(`\bcount "([^"]+)" "([^"]+)"`),
	regexp.MustCompile(`\.count\("([^"]+)", "([^"]+)"`),
}

// words of the ledger and the desk that pages show.
func shownWords() []string {
	out := []string{
		Running, Paused, Held, Stopped, "error", "warning", "info",
		ActStart, ActPause, ActResume, ActTest, ActRetry, ActSettle, ActLift, ActSuppress, ActUnsuppress,
		"resubscribe", recipient, ledger.AbandonedWhy, ledger.BrokenDown, ledger.LinkLost,
	}
	for _, class := range reply.Classes() {
		out = append(out, string(class))
	}
	for _, s := range ledger.States() {
		out = append(out, string(s))
	}
	for _, s := range ledger.Sources() {
		out = append(out, string(s))
	}
	return out
}

func TestEverySentenceHasItsChineseAndNoChineseIsLeftOver(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	for _, word := range shownWords() {
		said[word] = true
	}
	files := os.DirFS(".")
	for _, pattern := range []string{"*.go", "pages/*.html"} {
		names, err := fs.Glob(files, pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			src, err := fs.ReadFile(files, name)
			if err != nil {
				t.Fatal(err)
			}
			for _, place := range spoken {
				for _, m := range place.FindAllStringSubmatch(string(src), -1) {
					for _, sentence := range m[1:] {
						said[sentence] = !strings.HasSuffix(name, "_test.go") || said[sentence]
					}
				}
			}
		}
	}
	maps.DeleteFunc(said, func(_ string, here bool) bool { return !here })
	there := map[string]string{}
	for key, translation := range newWords("zh").po.GetDomain().GetTranslations() {
		if key != "" {
			there[key] = translation.Trs[0]
		}
		if translation.PluralID != "" {
			there[translation.PluralID] = translation.Trs[0]
		}
	}
	verb := regexp.MustCompile(`%[.0-9]*[a-z]`)
	for _, key := range slices.Sorted(maps.Keys(said)) {
		if there[key] == "" {
			t.Errorf("no Chinese for %q", key)
		}
		if a, b := verb.FindAllString(key, -1), verb.FindAllString(there[key], -1); !slices.Equal(a, b) {
			t.Errorf("%q has the values %v, its Chinese %v", key, a, b)
		}
	}
	for key := range there {
		if !said[key] {
			t.Errorf("nobody says %q any more", key)
		}
	}
}

func TestOneThingIsSaidAsOne(t *testing.T) {
	t.Parallel()
	english, chinese := newWords("en"), newWords("zh")
	for _, c := range []struct {
		d      time.Duration
		en, zh string
	}{
		{0, "0 seconds", "0 秒"},
		{time.Second, "1 second", "1 秒"},
		{90 * time.Second / 2, "45 seconds", "45 秒"},
		{59*time.Second + 600*time.Millisecond, "1 minute", "1 分钟"},
		{time.Minute, "1 minute", "1 分钟"},
		{2 * time.Minute, "2 minutes", "2 分钟"},
		{59*time.Minute + 40*time.Second, "1 hour", "1 小时"},
		{61 * time.Minute, "1 hour", "1 小时"},
		{90 * time.Minute, "1.5 hours", "1.5 小时"},
		{48 * time.Hour, "2.0 days", "2.0 天"},
	} {
		if got := english.span(c.d); got != c.en {
			t.Errorf("%v is %q, want %q", c.d, got, c.en)
		}
		if got := chinese.span(c.d); got != c.zh {
			t.Errorf("%v is %q, want %q", c.d, got, c.zh)
		}
	}
	for _, c := range []struct{ done, en, zh string }{
		{"test:1", "1 test mail has left.", "已发出 1 封测试邮件。"},
		{"retry:1", "1 refused recipient is tried again.", "1 位被拒收件人将重新发送。"},
		{"settle:1", "1 doubt is settled.", "已核定 1 封存疑邮件。"},
		{"suppress:1", "1 new suppression.", "新增免发地址 1 个。"},
		{"suppress:2", "2 new suppressions.", "新增免发地址 2 个。"},
		{"suppress:0", "0 new suppressions.", "新增免发地址 0 个。"},
	} {
		if got := (&views{words: english}).said(c.done); got != c.en {
			t.Errorf("%s is %q, want %q", c.done, got, c.en)
		}
		if got := (&views{words: chinese}).said(c.done); got != c.zh {
			t.Errorf("%s is %q, want %q", c.done, got, c.zh)
		}
	}
}
