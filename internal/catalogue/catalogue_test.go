package catalogue_test

import (
	"encoding/json"
	"fmt"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/leonelquinteros/gotext"

	"hongyan/internal/config"
	"hongyan/internal/ledger"
	"hongyan/internal/lint"
	"hongyan/internal/reply"
	"hongyan/internal/web"
)

func TestCatalogueSaysEverySentenceInChinese(t *testing.T) {
	t.Parallel()
	for key, place := range sentences(t) {
		if _, ok := entries()[key]; !ok && wordy(key) {
			t.Errorf("%s: no Chinese for\n%q", place, key)
		}
	}
}

func TestCatalogueHasNoSentenceThatNobodySays(t *testing.T) {
	t.Parallel()
	said := sentences(t)
	for key := range entries() {
		if _, ok := said[key]; !ok {
			t.Errorf("nobody says any more\n%q", key)
		}
	}
}

func TestCatalogueKeepsTheValuesOfEverySentence(t *testing.T) {
	t.Parallel()
	for key, chinese := range entries() {
		if got, want := verbs(chinese), verbs(key); !maps.Equal(got, want) {
			t.Errorf("%q has the values %v, not %v:\n%q", chinese, got, want, key)
		}
		// pflag takes what stands in backquotes for the name of a flag's value.
		if got, want := quoted(chinese), quoted(key); !slices.Equal(got, want) {
			t.Errorf("%q has %q in backquotes, not %q:\n%q", chinese, got, want, key)
		}
	}
}

func TestCatalogueSaysNothingTwice(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for line := range strings.Lines(string(written())) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, `msgid "`) && line != `msgid ""` && seen[line] {
			t.Errorf("it stands twice: %s", line)
		}
		seen[line] = true
	}
}

func TestCatalogueHasThePresetsOwnChinese(t *testing.T) {
	t.Parallel()
	presets, err := config.Presets()
	if err != nil {
		t.Fatal(err)
	}
	for name, preset := range presets {
		if got, want := entries()[preset.Hint["en"]], preset.Hint["zh"]; got != want {
			t.Errorf("%s: %q, but providers.yaml says %q", name, got, want)
		}
	}
}

// The head of zh.po has the words; the README keeps them.
func TestChineseHasOneWordForOneThing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"zh.po", "../../README.zh-CN.md"} {
		src, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			t.Fatal(err)
		}
		for other, word := range map[string]string{
			"屏蔽": "免发", "勿扰": "免发", "时点": "时刻", "了结": "核定", "手动": "手工", "人工": "有人",
		} {
			if strings.Contains(string(src), other) {
				t.Errorf("%s says %s, elsewhere it is %s", name, other, word)
			}
		}
	}
}

// written is the catalogue, in the format of gettext.
func written() []byte {
	src, err := os.ReadFile("zh.po")
	if err != nil {
		panic(err)
	}
	return src
}

var entries = sync.OnceValue(func() map[string]string {
	po := gotext.NewPo()
	po.Parse(written())
	out := map[string]string{}
	for key, translation := range po.GetDomain().GetTranslations() {
		if key != "" {
			out[key] = translation.Trs[0]
		}
		if translation.PluralID != "" {
			out[translation.PluralID] = translation.Trs[0]
		}
	}
	return out
})

var verb = regexp.MustCompile(`%[-+# 0-9.]*(?:\[(\d+)\])?([a-zA-Z%])`)

// quoted are the parts of a sentence in backquotes.
func quoted(sentence string) (out []string) {
	for i, part := range strings.Split(sentence, "`") {
		if i%2 == 1 {
			out = append(out, part)
		}
	}
	slices.Sort(out)
	return out
}

// verbs are the verbs of a format by the value that each shows, from 1.
func verbs(format string) map[int]string {
	out, n := map[int]string{}, 0
	for _, m := range verb.FindAllStringSubmatch(format, -1) {
		if m[2] == "%" {
			continue
		}
		n++
		if m[1] != "" {
			fmt.Sscan(m[1], &n)
		}
		out[n] += m[2]
	}
	return out
}

// wordy reports whether there is something to translate.
func wordy(key string) bool {
	return strings.ContainsFunc(verb.ReplaceAllString(key, ""), unicode.IsLetter)
}

// sentences are all keys that can reach Words.Say, Words.Count or Words.Word, each with a
// place where it is written: first the program's own, then those in its data.
func sentences(t *testing.T) map[string]string {
	t.Helper()
	s := readSource(t)
	words := s.pkgs["hongyan/internal/catalogue"].Scope().Lookup("Words").Type().(*types.Named)
	for method := range words.Methods() {
		switch method.Name() {
		case "Say", "Word":
			s.sink(method, 0)
		case "Count":
			s.sink(method, 0)
			s.sink(method, 1)
		}
	}
	presets, err := config.Presets()
	if err != nil {
		t.Fatal(err)
	}
	for _, preset := range presets {
		if hint, ok := preset.Hint["en"]; ok {
			s.keys[hint] = "providers.yaml"
		}
	}
	for _, rule := range lint.Rules() {
		s.keys[rule.Title] = "lint rule " + rule.ID
	}
	maps.Copy(s.keys, pages(t))
	for _, sentence := range unverified(t) {
		s.keys[sentence] = "unverified.json"
	}
	for place, what := range s.dark {
		preset := strings.Contains(place, "internal/config/build.go") // a preset's hint
		guide := strings.Contains(place, "internal/lint/clients.go")  // what a guide says
		if !preset && !guide {
			t.Errorf("%s: %s is no sentence that a reader of the source can know", place, what)
		}
	}
	return s.keys
}

// spoken are the places where the dashboard's pages say something, or hand it to
// one that does.
var spoken = map[string]*regexp.Regexp{
	"*.html": regexp.MustCompile(`\b(?:t|count) "([^"]+)"(?: "([^"]+)")?`),
	"*.go":   regexp.MustCompile(`(?:\bTitle: |\bgreeting\{)"([^"]+)"`),
}

// pages are the sentences of the dashboard's pages, and the words that they show.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for pattern, place := range spoken {
		names, err := filepath.Glob(filepath.Join("..", "web", map[string]string{"*.html": "pages"}[pattern], pattern))
		if err != nil || names == nil {
			t.Fatal(pattern, err)
		}
		for _, name := range names {
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range place.FindAllStringSubmatch(string(src), -1) {
				for _, sentence := range m[1:] {
					if sentence != "" && !strings.HasSuffix(name, "_test.go") {
						out[sentence] = name
					}
				}
			}
		}
	}
	for _, word := range []string{
		web.Running, web.Paused, web.Held, web.Stopped, "error", "warning", "info",
		web.ActStart, web.ActPause, web.ActResume, web.ActTest, web.ActRetry, web.ActSettle, web.ActLift, web.ActSuppress, web.ActUnsuppress,
		"resubscribe", "recipient", ledger.AbandonedWhy, ledger.BrokenDown, ledger.LinkLost,
	} {
		out[word] = "a page's word"
	}
	for _, class := range reply.Classes() {
		out[string(class)] = "a class"
	}
	for _, s := range ledger.States() {
		out[string(s)] = "a state"
	}
	for _, s := range ledger.Sources() {
		out[string(s)] = "a source"
	}
	return out
}

// unverified is what lint's own table says in sentences.
func unverified(t *testing.T) (out []string) {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("..", "..", "internal", "lint", "unverified.json"))
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		Rows []struct{ Note, Source string }
	}
	if err := json.Unmarshal(src, &table); err != nil {
		t.Fatal(err)
	}
	for _, row := range table.Rows {
		out = append(out, row.Note, row.Source)
	}
	return out
}
