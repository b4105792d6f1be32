package render_test

import (
	"strings"
	"testing"

	"hongyan/internal/render"
)

const wayOut = "https://example.com/u/AbC-_1?x=1&y=2"

func leaving(fields map[string]string) map[string]string {
	fields[render.UnsubscribeField] = wayOut
	return fields
}

func TestATemplateShowsTheWayOut(t *testing.T) {
	t.Parallel()
	s := letter(t, "[leave]({{unsubscribe_url}}) {{if unsubscribe_url}}yes{{end}}{{range split \";\" .v}}{{unsubscribe_url}}{{end}} {{printf \"%s\" unsubscribe_url}}")
	s.Unsubscribe = true
	c := mustRender(t, mustParse(t, s), leaving(map[string]string{"v": "a;b"}))
	escaped := strings.ReplaceAll(wayOut, "&", "&amp;")
	if got := body(c); !strings.Contains(got, `<a href="`+escaped+`">leave</a> yes`+escaped+escaped+" "+escaped) {
		t.Errorf("got %s", got)
	}
	if strings.Count(string(c.Text), wayOut) != 4 {
		t.Errorf("got %s", c.Text)
	}
}

func TestTheWayOutIsShownOnlyWhereThereIsOne(t *testing.T) {
	t.Parallel()
	guarded := letter(t, "Hi{{if unsubscribe_url}} [leave]({{unsubscribe_url}}){{end}}")
	if got := body(mustRender(t, mustParse(t, guarded), nil)); got != "<p>Hi</p>\n" {
		t.Errorf("got %s", got)
	}
	_, err := render.Parse(letter(t, "Hi\n\n[leave]({{unsubscribe_url}})"))
	if err == nil || !strings.Contains(err.Error(), "mail.md:3: there is no unsubscribe page to show") {
		t.Errorf("got %v", err)
	}
}

// TestLayoutsEndWithTheWayOut in both parts, in the words of the theme or of
// the language, with a footer or without one.
func TestLayoutsEndWithTheWayOut(t *testing.T) {
	t.Parallel()
	for _, layout := range []string{"default", "newsletter", "notice", "plain"} {
		for _, c := range []struct{ lang, words, footer, want string }{
			{"zh-CN", "", "", "退订"}, {"en", "", "Acme", "Unsubscribe"}, {"en", "No more", "", "No more"},
		} {
			s := letter(t, "Hi")
			s.Layout, s.Root, s.Lang, s.Unsubscribe = layout, "../../templates", c.lang, true
			s.Theme = map[string]string{"unsubscribe": c.words, "footer": c.footer}
			got := mustRender(t, mustParse(t, s), leaving(map[string]string{}))
			if !strings.Contains(string(got.HTML), `href="`+strings.ReplaceAll(wayOut, "&", "&amp;")+`"`) || !strings.Contains(string(got.HTML), ">"+c.want+"</a>") {
				t.Errorf("%s: the HTML shows no way out", layout)
			}
			if text := string(got.Text); !strings.Contains(text, c.want) || !strings.Contains(text, wayOut) {
				t.Errorf("%s: the text shows no way out: %s", layout, text)
			}
			s.Unsubscribe = false
			if without := mustRender(t, mustParse(t, s), nil); strings.Contains(string(without.HTML)+string(without.Text), c.want) {
				t.Errorf("%s: a way out that is none", layout)
			}
		}
	}
}

func TestAColumnMayHaveTheNameOfTheFunction(t *testing.T) {
	t.Parallel()
	s := letter(t, "{{.unsubscribe_url}}")
	s.Columns = []string{"unsubscribe_url"}
	if got := body(mustRender(t, mustParse(t, s), map[string]string{"unsubscribe_url": "own"})); got != "<p>own</p>\n" {
		t.Errorf("got %s", got)
	}
}

func TestAConditionMayLookAtAnyColumn(t *testing.T) {
	t.Parallel()
	s := letter(t, `{{if field "Order No."}}yes{{else}}no{{end}}`)
	if got := body(mustRender(t, mustParse(t, s), map[string]string{"Order No.": "7"})); got != "<p>yes</p>\n" {
		t.Errorf("got %s", got)
	}
}
