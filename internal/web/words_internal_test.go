package web

import (
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hongyan/internal/ledger"
)

// spoken are the places where the pages say something of their own.
var spoken = []*regexp.Regexp{
	regexp.MustCompile(`\bt "([^"]+)"`),
	regexp.MustCompile(`\.say\("([^"]+)"`),
	regexp.MustCompile(`Title: "([^"]+)"`),
	regexp.MustCompile(`greeting\{"([^"]+)"`),
}

// words of the ledger and the desk that pages show.
func shownWords() []string {
	out := []string{
		Running, Paused, Held, Stopped, "error", "warning", "info",
		ActStart, ActPause, ActResume, ActTest, ActRetry, ActSettle, ActLift, ActSuppress, ActUnsuppress,
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
					said[m[1]] = !strings.HasSuffix(name, "_test.go") || said[m[1]]
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
