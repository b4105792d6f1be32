// Package catalogue says hongyan's sentences in the reader's language. The English
// sentence, as it stands in the source, is the key; zh.po has the Chinese.
//
// It must never know who is spoken to, nor where.
package catalogue

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/leonelquinteros/gotext"

	"hongyan/internal/fault"
)

//go:embed zh.po
var chinese string

// Words are sentences in one language; the zero Words are English.
type Words struct {
	Lang string // "en" or "zh"
	po   *gotext.Po
}

// In returns the words of a language, as flags and locales write it: Chinese for
// whatever begins with zh, else English.
func In(lang string) Words {
	if strings.HasPrefix(strings.ToLower(lang), "zh") {
		return Words{"zh", parsed()}
	}
	return Words{Lang: "en"}
}

var parsed = sync.OnceValue(func() *gotext.Po {
	po := gotext.NewPo()
	po.Parse([]byte(chinese))
	return po
})

// Speaks reports whether a language, as flags and locales write it, is one of ours.
func Speaks(lang string) bool {
	name := strings.FieldsFunc(strings.ToLower(lang), func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	return len(name) > 0 && (name[0] == "en" || name[0] == "zh")
}

// Say formats a sentence.
func (w Words) Say(format string, args ...any) string {
	if w.po != nil {
		return w.po.Get(format, args...)
	}
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

// Count says a sentence about n things: the first one where there is one of them,
// else the second. n is the first value of both.
func (w Words) Count(one, many string, n int, more ...any) string {
	values := append([]any{n}, more...)
	switch {
	case w.po != nil:
		return w.po.GetN(one, many, n, values...)
	case n == 1:
		return fmt.Sprintf(one, values...)
	}
	return fmt.Sprintf(many, values...)
}

// Word says one of the program's own words, such as a state.
func (w Words) Word(s string) string {
	if w.po == nil || s == "" { // in a catalogue the key of its own head
		return s
	}
	get := w.po.Get // s is no format
	return get(s)
}

// Text says a sentence that a room made; its values may be sentences themselves.
func (w Words) Text(t fault.Text) string {
	args := make([]any, len(t.Args))
	for i, arg := range t.Args {
		args[i] = arg
		if inner, ok := arg.(fault.Text); ok {
			args[i] = w.Text(inner)
		}
	}
	if t.Many != "" {
		n, _ := args[0].(int)
		return w.Count(t.Format, t.Many, n, args[1:]...)
	}
	return w.Say(t.Format, args...)
}

// Span is a duration as people say it. What rounds up to the next unit is said in it.
func (w Words) Span(d time.Duration) string {
	seconds, minutes, hours := d.Round(time.Second), d.Round(time.Minute), d.Round(time.Hour/10)
	switch {
	case seconds < time.Minute:
		return w.Count("%d second", "%d seconds", int(seconds/time.Second))
	case minutes < time.Hour:
		return w.Count("%d minute", "%d minutes", int(minutes/time.Minute))
	case hours == time.Hour:
		return w.Say("1 hour")
	case hours < 48*time.Hour:
		return w.Say("%.1f hours", hours.Hours())
	}
	return w.Say("%.1f days", d.Hours()/24)
}
