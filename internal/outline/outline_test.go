package outline_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"

	"hongyan/internal/outline"
)

func TestWhatWouldKeepTheParserForMinutesIsAFaultAtOnce(t *testing.T) {
	t.Parallel()
	const size = 1 << 18
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	var stairs, keys strings.Builder
	for i := range 1000 {
		stairs.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	for i := range 25_000 {
		fmt.Fprintf(&keys, "k%d: v\n", i)
	}
	for name, c := range map[string]struct{ src, want string }{
		"brackets":        {"a:\n  " + fill("["), "line 2: values stand in values more than 64 deep"},
		"braces":          {fill("{a: "), "line 1: values stand in values more than 64 deep"},
		"dashes":          {fill("- "), "line 1: values stand in values more than 64 deep"},
		"question marks":  {fill("? "), "line 1: values stand in values more than 64 deep"},
		"indents":         {stairs.String(), "line 65: values stand in values more than 64 deep"},
		"a long key":      {"a: b\n" + strings.Repeat("k", size/2) + ": [" + strings.Repeat("1,", size/4) + "]", "line 2: the keys around this value have more than 1024 letters together"},
		"long keys":       {strings.Repeat("{"+strings.Repeat("k", 100)+": ", 20), "line 1: the keys around this value have more than 1024"},
		"many keys":       {keys.String(), "line 20001: this map has more than 20000 keys\n    write it as a list of maps"},
		"keys in braces":  {"{" + strings.ReplaceAll(keys.String(), "\n", ",\n") + "}", "line 20001: this map has more than 20000 keys"},
		"documents":       {fill("---\na\n"), "line 4: there is a second document behind ---\n    one document in each file"},
		"ended documents": {fill("a\n...\n"), "line 3: there is a second document behind ---"},
		"blank lines":     {"a: |\n  b\n" + fill("\n"), "line 203: there are more than 200 blank lines in a row"},
		"blanks of a Mac": {"a: |\r  b\r" + fill("\r"), "line 203: there are more than 200 blank lines in a row"},
		"blanks of DOS":   {"a: |\r\n  b\r\n" + fill("  \r\n"), "line 203: there are more than 200 blank lines in a row"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, bad := outline.Parse([]byte(c.src))
			if bad == nil || !strings.HasPrefix(bad.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", bad, c.want)
			}
		})
	}
}

func TestWhatPeopleWriteIsWithinTheBounds(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]string{
		"rows":              strings.Repeat("- {a: [1, 2], b: x}\n", 2_000),
		"rows in lines":     "rows:\n" + strings.Repeat("- a: 1\n  b:\n  - c: [2]\n  d: {}\n", 2_000),
		"maps, one by one":  strings.Repeat("- "+strings.Repeat("k", 900)+": v\n", 500),
		"brackets in texts": "a: '" + strings.Repeat("[", 500) + "'\nb: |\n  " + strings.Repeat("{ - ", 500) + "\n# " + strings.Repeat("[", 500) + "\n",
		"a long text":       "a: |\n" + strings.Repeat("  a line\n\n\n", 5_000),
		"a document's head": "# first\n---\n# second\na: b\n...\n",
		"blank lines":       "a: b" + strings.Repeat("\n", 201) + "c: d\n" + strings.Repeat("\r\n", 200),
		"anchors":           "a: &a {x: 1}\nb: !!map\n  <<: *a\n? c\n: d\n",
	} {
		if o, bad := outline.Parse([]byte(src)); bad != nil || o.Body == nil {
			t.Errorf("%s: %v, %v", name, o.Body, bad)
		}
	}
}

func TestATextIsTakenAsItIsWritten(t *testing.T) {
	t.Parallel()
	o, bad := outline.Parse([]byte("\ufeff- &a 007\n- *a\n- !!str 1.50\n- yes\n- |\n  x\n- *b\n- [c]\n-\n"))
	if bad != nil {
		t.Fatal(bad)
	}
	var got []string
	for _, item := range o.Body.(*ast.SequenceNode).Values {
		text, ok := o.Text(item)
		if !ok {
			text = "none"
		}
		got = append(got, fmt.Sprintf("%d %q", outline.Line(item), text))
	}
	want := `1 "007" 2 "007" 3 "1.50" 4 "yes" 5 "x\n" 7 "none" 8 "none" 9 "none"`
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

func TestAFileWithoutAValueHasNoBody(t *testing.T) {
	t.Parallel()
	for _, src := range []string{"", "\ufeff", "# nothing\n", "---\n", "---\n# nothing\n...\n"} {
		if o, bad := outline.Parse([]byte(src)); bad != nil || o.Body != nil {
			t.Errorf("%q: %v, %v", src, o.Body, bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a: &a [*a]\n", "- - ? b\n: {c: [d, {e: f}]}\n", "---\n---\n", "a: |+\n\n\n", "? {a: b}\n: c\n", "%YAML 1.2\n---\na\n...\n", "]: }\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		o, bad := outline.Parse([]byte(src))
		if bad == nil && o.Body != nil {
			o.Text(o.Body)
		}
	})
}
