package reply_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"hongyan/internal/reply"
)

var update = flag.Bool("update", false, "write the golden files anew")

// evening is when the transcripts are judged: 20:00 on 2026-11-23 in China.
func evening() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func TestEveryTranscriptHasItsVerdict(t *testing.T) {
	t.Parallel()
	const name = "testdata/transcripts.txt"
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	books := shelf(t)
	for line := range strings.Lines(string(want)) {
		switch {
		case strings.HasPrefix(line, "    ="):
		case strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "":
			got.WriteString(line)
		default:
			fmt.Fprintf(&got, "%s    = %s\n", line, sentence(judge(t, books, line)))
		}
	}
	if *update {
		if err := os.WriteFile(name, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	compare(t, string(want), got.String())
}

// shelf holds the book of every provider.
func shelf(t *testing.T) map[string]*reply.Book {
	t.Helper()
	books := map[string]*reply.Book{}
	for _, name := range reply.Providers() {
		book, err := reply.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		books[name] = book
	}
	return books
}

// judge reads "provider stage reply" and returns the verdict.
func judge(t *testing.T, books map[string]*reply.Book, line string) reply.Verdict {
	t.Helper()
	provider, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	stage, text, _ := strings.Cut(rest, " ")
	book := books[provider]
	if book == nil {
		t.Fatalf("no provider %q", provider)
	}
	a, err := reply.Parse(reply.Stage(stage), text)
	if err != nil {
		t.Fatal(err)
	}
	return book.Judge(a, evening())
}

// sentence is a verdict as the fixture writes it.
func sentence(v reply.Verdict) string {
	words := []string{string(v.Class), string(v.Scope)}
	for word, is := range map[string]bool{"final": v.Final, "human": v.Human} {
		if is {
			words = append(words, word)
		}
	}
	if len(words) == 4 && words[2] == "human" {
		words[2], words[3] = words[3], words[2]
	}
	if v.Wait > 0 {
		words = append(words, v.Wait.String())
	}
	if v.Streak > 1 {
		words = append(words, fmt.Sprintf("streak %d", v.Streak))
	}
	if v.Reconnect {
		words = append(words, "reconnect")
	}
	if v.Fewer {
		words = append(words, "fewer")
	}
	return strings.Join(words, " ") + ", by " + v.Rule
}

func compare(t *testing.T, want, got string) {
	t.Helper()
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		if i >= len(w) || i >= len(g) || w[i] != g[i] {
			t.Fatalf("line %d (see -update):\n got %q\nwant %q", i+1, at(g, i), at(w, i))
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}
