package render_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hongyan/internal/fault"
	"hongyan/internal/render"
)

func TestTheREADMEsKnowEveryKeyOfATheme(t *testing.T) {
	t.Parallel()
	s := letter(t, "Hi")
	s.Layout, s.Theme = "default", map[string]string{"unheard-of": "1"}
	_, err := render.Parse(s)
	faults, _ := errors.AsType[fault.Faults](err)
	if len(faults) != 1 || len(faults[0].Hint.Args) != 1 {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "README.zh-CN.md"} {
		src, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		for key := range strings.SplitSeq(faults[0].Hint.Args[0].(string), ", ") {
			if !strings.Contains(string(src), "`"+key+"`") {
				t.Errorf("%s: nothing about theme: %s", name, key)
			}
		}
	}
}
