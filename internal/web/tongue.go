package web

import (
	"net/http"
	"strings"

	"golang.org/x/text/language"
)

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
