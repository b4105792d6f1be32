package lint

import (
	"slices"
	"strings"
	"testing"
)

func TestEveryNameInOurListsIsInTheTable(t *testing.T) {
	t.Parallel()
	s := table()
	if len(s.features) < 300 || len(s.clients) < 48 {
		t.Fatalf("%d features, %d clients", len(s.features), len(s.clients))
	}
	for _, f := range s.features {
		if len(f.letters) != len(s.clients) || strings.Trim(f.letters, "yan-") != "" {
			t.Errorf("%s: %q", f.slug, f.letters)
		}
	}
	for _, m := range []map[string]int{s.property, s.function, s.unit, s.attribute} {
		for name, i := range m {
			if i < 0 {
				t.Errorf("%s has no feature", name)
			}
		}
	}
	for a, i := range s.element {
		if i < 0 || a == 0 {
			t.Errorf("<%s> has no feature", a)
		}
	}
	if s.breaks[-1] {
		t.Error("a breaking feature is not in the table")
	}
	for slug, rows := range s.unverified {
		if s.slug(slug) < 0 {
			t.Errorf("unverified.json: %s is not in the table", slug)
		}
		for _, d := range rows {
			if d.Clients == "" || d.Note == "" || d.Source == "" {
				t.Errorf("unverified.json: %s lacks a value", slug)
			}
		}
	}
	for name := range Usual() {
		if !slices.Contains(ClientNames(), name) {
			t.Errorf("Usual: nobody knows %s", name)
		}
	}
}

// The spot checks are read from caniemail.com, not from the table.
func TestTheTableSaysWhatTheSiteSays(t *testing.T) {
	t.Parallel()
	s := table()
	for _, c := range []struct {
		slug, client string
		want         byte
	}{
		{"css-display-flex", "outlook/windows", 'n'},
		{"css-display-flex", "gmail/desktop-webmail", 'y'},
		{"css-position", "gmail/desktop-webmail", 'n'},
		{"css-at-media-prefers-color-scheme", "apple-mail/ios", 'y'},
		{"html-style", "gmail/desktop-webmail", 'a'},
		{"css-variables", "outlook/macos", 'n'}, // the newest is 16.80, not 2016
	} {
		column := slices.IndexFunc(s.clients, func(x client) bool { return x.slug == c.client })
		if got := s.features[s.slug(c.slug)].letters[column]; got != c.want {
			t.Errorf("%s in %s: got %c, want %c", c.slug, c.client, got, c.want)
		}
	}
}

func TestFeaturesAreFoundWhereTheyStand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ html, want string }{
		{`<p style="display:flex">`, "html-p css-display css-display-flex"},
		{`<p style="DISPLAY: inline-flex ; gap : 1rem">`, "html-p css-display css-display-flex css-gap css-unit-rem"},
		{`<p style="width:calc(100% - 2vw)">`, "html-p css-width css-unit-calc css-unit-percent css-unit-vw"},
		{`<p style="--x:1;color:var(--x)">`, "html-p css-variables"},
		{`<p style="background:url('a;b(1rem')">`, "html-p css-background css-background-image"},
		{`<p style="font-family:'2rem vh'">`, "html-p"},
		{`<p style="color:#1e2vh0">`, "html-p"},
		{
			`<style>.a>b:hover{float:left}/* x */@import "x";</style>`,
			"html-style css-selector-class css-selector-child css-pseudo-class-hover css-float css-comments css-at-import",
		},
		{
			`<style>@media (prefers-color-scheme:dark){.a{display:grid}} #b{position:fixed}</style>`,
			"html-style css-at-media css-at-media-prefers-color-scheme css-selector-id css-position",
		},
		{
			`<style>@media screen{a{x:y}a{display:grid}}@font-face{src:url(x)}</style>`,
			"html-style css-at-media css-at-font-face css-background-image",
		},
		{`<!--[if mso]><p style="display:grid"><![endif]-->`, ""},
		{`<img src="a.webp?x=1" srcset="b">`, "html-img image-webp html-srcset"},
		{`<img src="data:image/svg+xml,x">`, "html-img image-svg"},
		{`<input type="checkbox" required>`, "html-required html-input-checkbox"},
		{`<section><h2 align=left>`, "html-semantics html-align html-h1-h6"},
	} {
		var got []string
		for _, u := range readPage([]byte(c.html), nil).used {
			got = append(got, table().features[u.feature].slug)
		}
		want := strings.Fields(c.want)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s\ngot  %v\nwant %v", c.html, got, want)
		}
	}
}

func TestClientsWeighByChoice(t *testing.T) {
	t.Parallel()
	m := Mail{Subject: "x", Text: []byte("x"), HTML: []byte(`<html lang="en"><div hidden>x</div><p style="position:absolute">x</p>`)}
	for _, c := range []struct {
		clients Clients
		want    string
	}{
		{Clients{"apple-mail": 1}, ""},
		{Clients{"outlook/windows": 1}, "position: not supported for 100% of the readers, partly for 0% (Outlook Windows)"},
		{Clients{"outlook/windows": 1, "apple-mail": 3}, "position: not supported for 25% of the readers, partly for 75% (Outlook Windows)"},
		{Clients{"nobody": 1}, ""},
	} {
		m.Clients = c.clients
		var got strings.Builder
		for _, f := range Check(m) {
			if f.Rule == clientSupport.id {
				got.WriteString(f.What.String())
			}
		}
		if got.String() != c.want {
			t.Errorf("%v: got %q, want %q", c.clients, got.String(), c.want)
		}
	}
}

func TestWhatDegradesIsToldOnce(t *testing.T) {
	t.Parallel()
	m := Mail{Subject: "x", Text: []byte("x"), HTML: []byte(`<html lang="en"><style>@media (prefers-color-scheme:dark){p{color:red}}</style><div hidden>x</div><p style="visibility:visible">x</p>`)}
	want := "ignored, wholly or in part, by the clients of many readers: @media 71%, @media (prefers-color-scheme) 49%, hidden attribute 65%, visibility 44%"
	var got []string
	for _, f := range Check(m) {
		if f.Rule == clientDegrades.id {
			got = append(got, f.What.String())
		}
	}
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %q", got)
	}
}

func TestContrastIsThatOfTheStandard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want float64
	}{{"#000", "#fff", 21}, {"#777777", "white", 4.478}, {"#767676", "rgb(255 255 255)", 4.542}, {"red", "red", 1}} {
		if got := ratio(readPaint(c.a), readPaint(c.b)); got < c.want-0.001 || got > c.want+0.001 {
			t.Errorf("%s on %s: got %.3f, want %.3f", c.a, c.b, got, c.want)
		}
	}
	for _, s := range []string{"", "#12", "#ggg", "rgb(1,2)", "rgb(1,2,300)", "rgba(0,0,0,.5)", "hsl(1 2 3)", "inherit", "#12345678"} {
		if readPaint(s).known {
			t.Errorf("%q is known", s)
		}
	}
}
