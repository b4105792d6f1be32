package web

import (
	_ "embed"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/leonelquinteros/gotext"
	"golang.org/x/text/language"
)

//go:embed locale/zh.po
var chinese []byte

// words say the pages' own sentences in one language. The English one is the key.
type words struct {
	lang string
	po   *gotext.Po // nil for English
}

func newWords(lang string) words {
	if lang != "zh" {
		return words{lang: "en"}
	}
	po := gotext.NewPo()
	po.Parse(chinese)
	return words{"zh", po}
}

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

// word says a word of the ledger or the desk, such as a state or a class.
func (w words) word(s string) string {
	if s == "" {
		return "" // in a catalogue the key of its own head
	}
	say := w.say // s is no format
	return say(s)
}

// number writes a count as people read it.
func number(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// span is a duration as people say it. What rounds up to the next unit is said in it.
func (w words) span(d time.Duration) string {
	seconds, minutes, hours := d.Round(time.Second), d.Round(time.Minute), d.Round(time.Hour/10)
	switch {
	case seconds < time.Minute:
		return w.count("%d second", "%d seconds", int(seconds/time.Second))
	case minutes < time.Hour:
		return w.count("%d minute", "%d minutes", int(minutes/time.Minute))
	case hours == time.Hour:
		return w.say("1 hour")
	case hours < 48*time.Hour:
		return w.say("%.1f hours", hours.Hours())
	}
	return w.say("%.1f days", d.Hours()/24)
}

// perMinute is a rate as people say it.
func (w words) perMinute(perSecond float64) string {
	if perSecond >= 2 {
		return w.say("%.0f a second", perSecond)
	}
	return w.say("%.1f a minute", 60*perSecond)
}

// tongue is the name of the cookie by which a person has chosen a language.
const tongue = "hongyan-lang"

// langOf is the language for a request: chosen, else what the browser asks for.
func (s *Server) langOf(r *http.Request) string {
	if c, err := r.Cookie(tongue); err == nil && s.views[c.Value] != nil {
		return c.Value
	}
	if asked := Asked(r); asked != "" {
		return asked
	}
	if s.Lang == "zh" {
		return "zh"
	}
	return "en"
}

// Asked is which of our languages a client asks for first, "en" or "zh"; "" if
// it asks for none of them.
func Asked(r *http.Request) string {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		base, _ := language.Make(tag).Base()
		if lang := base.String(); lang == "en" || lang == "zh" {
			return lang
		}
	}
	return ""
}
