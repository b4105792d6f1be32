package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func TestHelpIsInTheReadersLanguageThroughout(t *testing.T) {
	t.Parallel()
	hanzi := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if !hanzi(cmd.Short) {
			t.Errorf("%s: %q", cmd.CommandPath(), cmd.Short)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !hanzi(f.Usage) && f.Usage != "`implicit|starttls|none`" {
				t.Errorf("%s --%s: %q", cmd.CommandPath(), f.Name, f.Usage)
			}
		})
		for _, below := range cmd.Commands() {
			walk(below)
		}
	}
	walk(newRoot(speaking("zh")))
}

func TestHelpOnNothingKnownIsAFaultOfUsage(t *testing.T) {
	t.Parallel()
	d := speaking("en")
	root := newRoot(d)
	root.SetArgs([]string{"help", "account", "nonsense"})
	err := root.Execute()
	if got := d.leave(err); got != exitFault || !strings.Contains(err.Error(), `"account nonsense"`) {
		t.Errorf("exit code %d, %v", got, err)
	}
}

func TestHelpTemplatesPrintsTheTableOfTheREADME(t *testing.T) {
	t.Parallel()
	for lang, name := range map[string]string{"en": "README.md", "zh": "README.zh-CN.md"} {
		readme, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		var table strings.Builder
		lines := strings.Split(strings.TrimSpace(speaking(lang).functions()), "\n")
		for f := range slices.Chunk(lines, 3) { // how it is called, what it gives, an example
			example := strings.ReplaceAll(strings.TrimPrefix(f[2], "    "), "|", `\|`)
			table.WriteString("| " + f[0] + " | " + strings.TrimSpace(f[1]) + " | " + example + " |\n")
		}
		if !strings.Contains(strings.ReplaceAll(string(readme), "`", ""), table.String()) {
			t.Errorf("%s has another table than\n%s", name, table.String())
		}
	}
}

// speaking is a door in a language of whose streams nothing is seen.
func speaking(lang string) *door {
	d := newDoor([]string{"--lang", lang})
	d.out, d.err = &bytes.Buffer{}, &bytes.Buffer{}
	return d
}
