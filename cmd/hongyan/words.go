package main

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/leonelquinteros/gotext"

	"hongyan/internal/fault"
)

//go:embed locale/zh.po
var chinese []byte

// words says the program's sentences in the reader's language. The English
// sentence is the key; locale/zh.po holds the Chinese.
type words struct {
	lang string // "en" or "zh"
	po   *gotext.Po
}

// newWords picks the language: the first of those asked for, else the first of
// the environment's locale variables that is set (POSIX: LC_ALL, LC_MESSAGES, LANG).
func newWords(asked []string, env func(string) string) words {
	for _, lang := range append(asked, env("LC_ALL"), env("LC_MESSAGES"), env("LANG")) {
		if lang == "" {
			continue
		}
		if strings.HasPrefix(strings.ToLower(lang), "zh") {
			po := gotext.NewPo()
			po.Parse(chinese)
			return words{lang: "zh", po: po}
		}
		break
	}
	return words{lang: "en"}
}

// speaks reports whether a language, as flags and locales write it, is one of ours.
func speaks(lang string) bool {
	name := strings.FieldsFunc(strings.ToLower(lang), func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	return len(name) > 0 && (name[0] == "en" || name[0] == "zh")
}

// say formats a sentence in the reader's language.
func (w words) say(format string, args ...any) string {
	if w.po != nil {
		return w.po.Get(format, args...)
	}
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

// count says a sentence about n things: the first one where there is one of them,
// else the second. n is the first value of both.
func (w words) count(one, many string, n int, more ...any) string {
	values := append([]any{n}, more...)
	switch {
	case w.po != nil:
		return w.po.GetN(one, many, n, values...)
	case n == 1:
		return fmt.Sprintf(one, values...)
	}
	return fmt.Sprintf(many, values...)
}

// word says one of the program's own words, such as a state, in the reader's language.
func (w words) word(s string) string {
	if w.po == nil {
		return s
	}
	get := w.po.Get // s is no format
	return get(s)
}

// text says a sentence that a room made; its values may be sentences themselves.
func (w words) text(t fault.Text) string {
	args := make([]any, len(t.Args))
	for i, arg := range t.Args {
		args[i] = arg
		if inner, ok := arg.(fault.Text); ok {
			args[i] = w.text(inner)
		}
	}
	if t.Many != "" {
		n, _ := args[0].(int)
		return w.count(t.Format, t.Many, n, args[1:]...)
	}
	return w.say(t.Format, args...)
}
