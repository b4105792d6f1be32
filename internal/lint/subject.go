package lint

import (
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"

	"hongyan/internal/fault"
)

func (c *check) subject() {
	s := strings.TrimSpace(c.mail.Subject)
	if s == "" {
		c.add(subjectEmpty, "subject:", fault.Textf("the subject is empty"), fault.Text{})
		return
	}
	// Not the default condition: it asks the environment, and a finding must
	// not depend on LANG.
	width := (&runewidth.Condition{}).StringWidth(s)
	if width > 60 {
		c.add(subjectLength, "subject:", fault.Textf("the subject is %d columns wide; most lists of mails cut it at 60 or before", width),
			fault.Textf("put what matters into the first 18 hanzi or 36 letters"))
	}
	if what := shouts(s); what != "" {
		c.add(subjectShouting, "subject:", fault.Textf("the subject shouts: %q", what), fault.Textf("spam filters count this"))
	}
}

// shouts returns what is loud: rows of ! or $, or mostly capitals.
func shouts(s string) string {
	for _, row := range []string{"!!", "！！", "!！", "！!", "$$$", "￥￥￥", "???", "？？？"} {
		if strings.Contains(s, row) {
			return row
		}
	}
	upper, lower := 0, 0
	for _, r := range s {
		switch {
		case unicode.IsUpper(r):
			upper++
		case unicode.IsLower(r):
			lower++
		}
	}
	if upper >= 10 && upper > 3*lower {
		return s
	}
	return ""
}
