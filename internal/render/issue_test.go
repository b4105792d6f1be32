package render_test

import (
	"strings"
	"testing"

	"hongyan/internal/render"
)

type (
	list  = []any
	table = map[string]any
)

// news is what an issue may have.
func news() table {
	return table{
		"news": list{
			table{"title": "One & all", "link": "https://e.com/1", "hot": true, "tags": list{"a", "b"}},
			table{"title": "Two", "link": "https://e.com/2?a=b&c=d", "hot": false, "tags": list{}},
		},
		"stats": table{"users": "1200", "by": table{"city": "京"}},
		"words": list{"x", "y"},
		"none":  list{},
	}
}

// issued is a letter with the columns name and data, and with data.
func issued(t testing.TB, markdown string) render.Source {
	s := letter(t, markdown)
	s.Columns, s.Data = []string{"name", "data"}, news()
	return s
}

func TestDataAreInTheMailsOfAll(t *testing.T) {
	t.Parallel()
	row := map[string]string{"name": "Li", "data": "the column's"}
	for src, want := range map[string]string{
		"{{range .data.news}}\n- [{{.title}}]({{.link}})\n{{end}}":                                                          "- One & all [1]\n\n- Two [2]\n\n[1] https://e.com/1\n[2] https://e.com/2?a=b&c=d\n",
		"{{range $i, $n := .data.news}}{{$i}} {{$n.title}} for {{$.name}}, {{end}}":                                         "0 One & all for Li, 1 Two for Li,\n",
		"{{.data.stats.users}} {{num .data.stats.users}} {{money .data.stats.users}} {{.data.stats.by.city}}":               "1200 1,200 ¥1,200.00 京\n",
		"{{with .data.stats}}{{.users}} {{.by.city}} {{$.data.stats.users}} {{$.name}}{{end}}":                              "1200 京 1200 Li\n",
		"{{(index .data.news 1).title}} {{index .data.words 0}} {{len .data.news}}":                                         "Two x 2\n",
		"{{range .data.news}}{{if .hot}}{{.title}}{{range .tags}} #{{.}}{{end}}{{else}}cold{{end}} {{end}}":                 "One & all #a #b cold\n",
		"{{range .data.none}}{{.title}}{{else}}nothing for {{.name}}{{end}}":                                                "nothing for Li\n",
		"{{field \"data\"}} {{if field \"data\"}}and {{.data.stats.users}}{{end}}":                                          "the column's and 1200\n",
		"{{$s := .data.stats}}{{$s.users}} {{upper $s.by.city}}{{with $.data}}{{.stats.users}}{{end}}":                      "1200 京1200\n",
		"{{define \"item\"}}{{.title}};{{end}}{{range .data.news}}{{template \"item\" .}}{{end}}":                           "One & all;Two;\n",
		"{{define \"row\"}}{{.name}} {{.data.stats.users}}{{end}}{{template \"row\" .}}":                                    "Li 1200\n",
		"{{if gt (int .data.stats.users) 1000}}many{{end}} {{if eq .data.stats.by.city \"京\"}}here{{end}}":                  "many here\n",
		"{{range slice .data.news 0 1}}{{.title}}{{end}}":                                                                   "One & all\n",
		"{{.data.stats.by.city | default \"-\"}} {{join \"、\" (split \";\" \"a;b\")}} {{printf \"%s!\" .data.stats.users}}": "京 a、b 1200!\n",
	} {
		tpl := mustParse(t, issued(t, src))
		if got := string(mustRender(t, tpl, row).Text); got != want {
			t.Errorf("%s:\ngot  %q\nwant %q", src, got, want)
		}
	}
}

func TestDataStandInLinesToo(t *testing.T) {
	t.Parallel()
	line, err := render.ParseLine("c.yaml", 3, "{{.name}}: {{(index .data.news 0).title}}", render.Names{Columns: []string{"name"}, Data: news()})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := line.Render(map[string]string{"name": "Li"}); got != "Li: One & all" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestNamesThatTheDataLackAreFaults(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"\n{{.data.nwes}}":                              "mail.md:2: the data have no \"nwes\"\n    did you mean \"news\"?",
		"{{range .data.news}}\n{{.titel}}{{end}}":       "mail.md:2: the data have no \"titel\"\n    did you mean \"title\"?",
		"{{range $n := .data.news}}{{$n.titel}}{{end}}": "the data have no \"titel\"",
		"{{with .data.stats}}{{.user}}{{end}}":          "the data have no \"user\"",
		"{{(index .data.news 0).titel}}":                "the data have no \"titel\"",
		"{{$s := .data.stats}}{{$s.by.town}}":           "the data have no \"town\"\n    there is: city",
		"{{.data.news.title}}":                          ".news is a list, which has no \"title\"\n    go through it with {{range}}",
		"{{.data.stats.users.all}}":                     ".stats.users is a single value, which has no \"all\"",
		"{{define \"item\"}}{{.titel}}{{end}}{{range .data.news}}{{template \"item\" .}}{{end}}": "the data have no \"titel\"",
		"{{range .data.news}}{{.name}}{{end}}":                                                   "the data have no \"name\"",
		"{{range .data.news}}{{$.nmae}}{{end}}":                                                  "the list has no column \"nmae\"",
		"{{range .data.news}}{{$.data.nwes}}{{end}}":                                             "the data have no \"nwes\"",
	} {
		_, err := render.Parse(issued(t, src))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\ngot  %v\nwant %s", src, err, want)
		}
	}
	s := letter(t, "{{.data.news}}")
	s.Columns = []string{"name"}
	if _, err := render.Parse(s); err == nil || !strings.Contains(err.Error(), "the campaign has no data; write data: {news: …} in it") {
		t.Error(err)
	}
	if _, err := render.Parse(issued(t, "{{hongyan_data}}")); err == nil || !strings.Contains(err.Error(), "there is no function") {
		t.Error(err)
	}
}

func TestSeveralValuesAreNotPrintedAsOne(t *testing.T) {
	t.Parallel()
	for _, src := range []string{"{{.data.news}}", "{{.data.stats}}", "{{.data}}", "{{with .data.words}}{{.}}{{end}}"} {
		tpl := mustParse(t, issued(t, src))
		if _, err := tpl.Render(map[string]string{"name": "Li"}); err == nil || !strings.Contains(err.Error(), "not one value but several") {
			t.Errorf("%s: %v", src, err)
		}
	}
}

func TestEmptyFieldsStillStopTheMailBesideData(t *testing.T) {
	t.Parallel()
	for _, src := range []string{"{{.name}} {{.data.stats.users}}", "{{range .data.news}}{{$.name}}{{end}}", "{{with .data.stats}}{{upper $.name}}{{end}}"} {
		tpl := mustParse(t, issued(t, src))
		if _, err := tpl.Render(map[string]string{"name": " "}); err == nil || !strings.Contains(err.Error(), `field "name" is empty`) {
			t.Errorf("%s: %v", src, err)
		}
	}
}

// TestHostileDataAreText puts every hostile value into the data of an issue and
// shows it in every place where a value may stand.
func TestHostileDataAreText(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]string{
		"an item":  "{{range .data.list}}\n" + strings.ReplaceAll(everywhere, "{{.v}}", "{{.v}}") + "\n{{end}}",
		"variable": "{{$v := (index .data.list 0)}}\n" + strings.ReplaceAll(everywhere, "{{.v}}", "{{$v.v}}"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			build := func(value string) *render.Template {
				s := letter(t, src)
				s.Data = table{"v": table{"v": value}, "list": list{table{"v": value}}}
				s.Subject = "subject {{(index .data.list 0).v}}"
				return mustParse(t, s)
			}
			want := tree(t, mustRender(t, build("harmless"), nil).HTML)
			for _, value := range corpus(t) {
				harmlessBesides(t, build(value), want, value)
			}
		})
	}
}
