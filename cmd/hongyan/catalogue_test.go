package main

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
	"testing"
	"unicode"

	"github.com/leonelquinteros/gotext"

	"hongyan/internal/config"
	"hongyan/internal/lint"
)

func TestCatalogueSaysEverySentenceInChinese(t *testing.T) {
	t.Parallel()
	for key, place := range sentences(t) {
		if _, ok := catalogue()[key]; !ok && wordy(key) {
			t.Errorf("%s: no Chinese for\n%q", place, key)
		}
	}
}

func TestCatalogueHasNoSentenceThatNobodySays(t *testing.T) {
	t.Parallel()
	said := sentences(t)
	for key := range catalogue() {
		if _, ok := said[key]; !ok {
			t.Errorf("nobody says any more\n%q", key)
		}
	}
}

func TestCatalogueKeepsTheValuesOfEverySentence(t *testing.T) {
	t.Parallel()
	for key, chinese := range catalogue() {
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
	for line := range strings.Lines(string(chinese)) {
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
		if got, want := catalogue()[preset.Hint["en"]], preset.Hint["zh"]; got != want {
			t.Errorf("%s: %q, but providers.yaml says %q", name, got, want)
		}
	}
}

// The head of locale/zh.po has the words; the dashboard and the README keep them.
func TestChineseHasOneWordForOneThing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"locale/zh.po", "../../internal/web/locale/zh.po", "../../README.zh-CN.md"} {
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

func catalogue() map[string]string {
	po := gotext.NewPo()
	po.Parse(chinese)
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
}

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

// sentences are all keys that can reach words.say, words.count or words.word, each with a
// place where it is written: first the program's own, then those in its data.
func sentences(t *testing.T) map[string]string {
	t.Helper()
	s := readSource(t)
	words := s.pkgs["hongyan/cmd/hongyan"].Scope().Lookup("words").Type().(*types.Named)
	for method := range words.Methods() {
		switch method.Name() {
		case "say", "word":
			s.sink(method, 0)
		case "count":
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
