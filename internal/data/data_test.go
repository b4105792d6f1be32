package data_test

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hongyan/internal/data"
	"hongyan/internal/fault"
)

// file writes a file of a name and returns a source that reads it.
func file(t testing.TB, name, text string) data.Source {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return data.Source{Name: "x", Kind: data.File, From: path, Place: data.Place{File: "c.yaml", Line: 7}}
}

// read reads one source and returns its value as JSON.
func read(t testing.TB, r data.Reader, s data.Source) (string, error) {
	t.Helper()
	d, err := r.Read(t.Context(), []data.Source{s})
	if err != nil {
		return "", err
	}
	out, err := json.Marshal(d.Values[s.Name])
	if err != nil {
		t.Fatal(err)
	}
	return string(out), nil
}

func TestFilesAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, text, want string }{
		"numbers stay texts":   {"a.json", `{"n": 1.50, "big": 12345678901234567890, "t": true, "nothing": null}`, `{"big":"12345678901234567890","n":"1.50","nothing":"","t":true}`},
		"rows have all keys":   {"a.json", `[{"a":"1"},{"b":"2"}]`, `[{"a":"1","b":""},{"a":"","b":"2"}]`},
		"YAML":                 {"a.yaml", "no: no\nzip: 007\nday: 2026-11-23\nlist: [1, 2.50]\nyes: true\nnone:\n", `{"day":"2026-11-23","list":["1","2.50"],"no":"no","none":"","yes":true,"zip":"007"}`},
		"YAML with one anchor": {"a.yml", "a: &a {x: 1}\nb: *a\nc:\n  <<: *a\n  y: 2\n", `{"a":{"x":"1"},"b":{"x":"1"},"c":{"x":"1","y":"2"}}`},
		"YAML with several":    {"a.yml", "a: &a {x: 1}\nb: &b {x: 2, z: 3}\nc:\n  <<: [*a, *b]\n  z: 4\n", `{"a":{"x":"1"},"b":{"x":"2","z":"3"},"c":{"x":"1","z":"4"}}`},
		"YAML, one key":        {"a.yaml", "\ufeffa: |\n  one\n  two\n", `{"a":"one\ntwo\n"}`},
		"CSV":                  {"a.csv", "\ufeff品名, price\n\"笔, 蓝\",1.50\n纸,2\n", `[{"price":"1.50","品名":"笔, 蓝"},{"price":"2","品名":"纸"}]`},
		"CSV of Excel":         {"a.CSV", "a;b\n1,5;2\n", `[{"a":"1,5","b":"2"}]`},
		"CSV in GB18030":       {"a.csv", "\xc6\xb7\xc3\xfb,n\n\xb1\xca,1\n", `[{"n":"1","品名":"笔"}]`},
		"CSV, unnamed columns": {"a.csv", "a,,\n1,,\n", `[{"":"","a":"1"}]`},
		"CSV without rows":     {"a.csv", "a,b\n", `[]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := read(t, data.Reader{}, file(t, c.file, c.text))
			if err != nil || got != c.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, c.want)
			}
		})
	}
}

func TestWhatIsWrongWithAFileStandsWhereItIsTold(t *testing.T) {
	t.Parallel()
	var bomb strings.Builder
	bomb.WriteString("a: &a [1,1,1,1,1,1,1,1,1,1]\n")
	for c := 'b'; c < 'j'; c++ {
		fmt.Fprintf(&bomb, "%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat("*"+string(c-1)+",", 10), ","))
	}
	var rows, lines strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&rows, `{"k%d": 1},`, i)
		fmt.Fprintf(&lines, "- k%d: 1\n", i)
	}
	for name, c := range map[string]struct{ file, text, want string }{
		"not JSON":      {"a.json", "{", "c.yaml:7: data x: this is not JSON: "},
		"two values":    {"a.json", "{} {}", "there is more behind the JSON value"},
		"not YAML":      {"a.yaml", "a: b: c\n", "data x: line 1: this is not YAML: "},
		"not CSV":       {"a.csv", "a,b\n1\n", "this is not CSV: record on line 2: wrong number of fields"},
		"empty":         {"a.csv", "", "the file is empty"},
		"empty YAML":    {"a.yaml", "# nothing\n", "the file is empty"},
		"neither":       {"a.csv", "a\n\xff\xff\n", "the text is neither UTF-8 nor GB18030"},
		"JSON in GBK":   {"a.json", "{\n\"a\": \"\xb1\xca\"}", "data x: line 2: this is not UTF-8\n    save the file as UTF-8"},
		"YAML in GBK":   {"a.yaml", "a: \xb1\xca\n", "data x: line 1: this is not UTF-8"},
		"another kind":  {"a.txt", "x", "is none of .yaml, .yml, .json, .csv"},
		"a name twice":  {"a.csv", "a,b, a\n1,2,3\n", `the header has the name "a" twice`},
		"no anchor":     {"a.yaml", "a: &a 1\nb: *unknown\n", "data x: line 2: there is no anchor &unknown"},
		"no map":        {"a.yaml", "a: &a 1\nb:\n  <<: [*a]\n", "line 3: << takes values of a map, and this is none"},
		"a key by name": {"a.yaml", "a: &a k\n*a : v\n", "line 2: the key is no text"},
		"too much":      {"a.json", `"` + strings.Repeat("x", 1<<20) + `"`, "has more than 1048576 bytes"},
		"a deep one":    {"a.json", strings.Repeat("[", 100) + strings.Repeat("]", 100), "deep"},
		"deep YAML":     {"a.yaml", "a:\n  " + strings.Repeat("[", 100_000), "c.yaml:7: data x: line 2: values stand in values more than 64 deep"},
		"a circle":      {"a.yaml", "a: &a [*a]\n", "deep"},
		"a YAML bomb":   {"a.yaml", bomb.String(), "more than 100000 values"},
		"no two alike":  {"a.json", "[" + strings.TrimSuffix(rows.String(), ",") + "]", "more than 100000 values"},
		"no two lines":  {"a.yaml", lines.String(), "more than 100000 values"},
		"no feed":       {"a.xml", "<html></html>", "is none of"},
		"a broken feed": {"feed.xml", "<rss", "this is no feed: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := file(t, c.file, c.text)
			if strings.Contains(c.file, "feed") {
				s.Kind = data.Feed
			}
			got, err := read(t, data.Reader{}, s)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %s, %v\nwant %s", got, err, c.want)
			}
		})
	}
	s := data.Source{Name: "x", Kind: data.File, From: filepath.Join(t.TempDir(), "no.yaml")}
	if _, err := read(t, data.Reader{}, s); err == nil || !strings.Contains(err.Error(), "there is no file") {
		t.Error(err)
	}
}

const rss = `<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>
<item><title>Old  &amp; gold</title><link>https://e.com/1</link><guid>g1</guid><pubDate>Mon, 16 Nov 2026 01:00:00 GMT</pubDate>
  <description><![CDATA[<p>One.</p><script>alert(1)</script><p>Two &amp; <b>three</b></p>]]></description></item>
<item><title>New</title><link>https://e.com/2</link><author>a@e.com (Ada)</author><pubDate>Mon, 23 Nov 2026 17:30:00 GMT</pubDate></item>
</channel></rss>`

const atom = `<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>
<entry><id>urn:1</id><title>One</title><link href="https://e.com/1"/><updated>2026-11-23T01:00:00Z</updated><author><name>Ada</name></author><summary>Say it.</summary></entry></feed>`

const jsonFeed = `{"version":"https://jsonfeed.org/version/1.1","title":"t","items":[{"id":"1","url":"https://e.com/1","title":"One","content_html":"<p>Hi</p>"}]}`

func TestAFeedIsAListOfTexts(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		rss: `[{"author":"Ada","date":"2026-11-24 01:30","id":"https://e.com/2","link":"https://e.com/2","summary":"","title":"New"},` +
			`{"author":"","date":"2026-11-16 09:00","id":"g1","link":"https://e.com/1","summary":"One. Two \u0026 three","title":"Old \u0026 gold"}]`,
		atom:     `[{"author":"Ada","date":"2026-11-23 09:00","id":"urn:1","link":"https://e.com/1","summary":"Say it.","title":"One"}]`,
		jsonFeed: `[{"author":"","date":"","id":"1","link":"https://e.com/1","summary":"Hi","title":"One"}]`,
	} {
		s := file(t, "feed", text)
		s.Kind = data.Feed
		got, err := read(t, data.Reader{Zone: zone}, s)
		if err != nil || got != want {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	}
}

func TestOnlyNewItemsAreTakenBeforeTheFirstFew(t *testing.T) {
	t.Parallel()
	var items strings.Builder
	for i := range 9 {
		fmt.Fprintf(&items, "<item><title>%d</title><guid>g%d</guid></item>", i, i)
	}
	s := file(t, "feed", `<rss version="2.0"><channel>`+items.String()+"</channel></rss>")
	s.Kind, s.Limit, s.OnlyNew = data.Feed, 3, true
	r := data.Reader{Seen: map[string][]string{"x": {"g0", "g2", "g3"}}}
	d, err := r.Read(t.Context(), []data.Source{s})
	if err != nil {
		t.Fatal(err)
	}
	var titles []string
	for _, item := range d.Values["x"].([]any) {
		titles = append(titles, item.(map[string]any)["title"].(string))
	}
	if got := strings.Join(titles, " "); got != "1 4 5" || d.Items("x") != 3 || len(d.IDs["x"]) != 9 {
		t.Errorf("got %q and the ids %v", got, d.IDs["x"])
	}
	src, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	again, err := data.Parse(src)
	if err != nil || again.Items("x") != 3 || len(again.IDs["x"]) != 9 {
		t.Errorf("kept as %v, %v", again, err)
	}
}

func TestATitleIsText(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]string{
		`<title type="html">&lt;b&gt;Big&lt;/b&gt;&lt;br/&gt;news &amp;amp; &lt;code&gt;Map&amp;lt;K&amp;gt;&lt;/code&gt;</title>`: "Big news & Map<K>",
		`<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">So <em>it</em> is</div></title>`:                            "So it is",
		`<title>A Map&lt;K, V&gt; or a &lt;script&gt;? 1 &lt; 2 &amp; 3 &lt;x</title>`:                                             "A Map<K, V> or a <script>? 1 < 2 & 3 <x",
	} {
		s := file(t, "feed", strings.Replace(atom, "<title>One</title>", title, 1))
		s.Kind = data.Feed
		d, err := (&data.Reader{}).Read(t.Context(), []data.Source{s})
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Values["x"].([]any)[0].(map[string]any)["title"]; got != want {
			t.Errorf("%s: got %q, want %q", title, got, want)
		}
	}
}

func TestNothingThatAServerSaysEndsTheProcess(t *testing.T) {
	t.Parallel()
	for _, feed := range []string{
		`{"version":"https://jsonfeed.org/version/1.1","items":[null]}`,
		`{"version":"https://jsonfeed.org/version/1.1","authors":[null],"items":[]}`,
		`{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"1","authors":[null]}]}`,
	} {
		address, roots := server(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, feed) })
		r := data.Reader{Net: data.Net{Allow: loopback, Roots: roots}}
		_, err := read(t, r, data.Source{Name: "x", Kind: data.Feed, From: address, Place: data.Place{File: "c.yaml", Line: 7}})
		if _, ok := errors.AsType[fault.Faults](err); !ok || !strings.Contains(err.Error(), "c.yaml:7: data x: this is no feed: ") {
			t.Errorf("%s: %v", feed, err)
		}
	}
}

func TestAFeedWithoutNewsRepeatsItselfForWhoOnlyLooks(t *testing.T) {
	t.Parallel()
	s := file(t, "feed", `<rss version="2.0"><channel><item><guid>a</guid></item><item><guid>b</guid></item></channel></rss>`)
	s.Kind, s.Limit, s.OnlyNew = data.Feed, 1, true
	for seen, want := range map[string]string{"a b": `["a"] [x]`, "a": `["b"] []`, "": `["a"] []`} {
		r := data.Reader{Seen: map[string][]string{"x": strings.Fields(seen)}, Repeat: true}
		d, err := r.Read(t.Context(), []data.Source{s})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, item := range d.Values["x"].([]any) {
			ids = append(ids, item.(map[string]any)["id"].(string))
		}
		if got := fmt.Sprintf("%q %v", ids, d.Repeated); got != want {
			t.Errorf("seen %q: got %s, want %s", seen, got, want)
		}
	}
}

// server starts a server on loopback with a certificate of its own.
func server(t testing.TB, h http.HandlerFunc) (address string, roots *x509.CertPool) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	roots = x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s.URL, roots
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func TestAServerIsAsked(t *testing.T) {
	t.Parallel()
	address, roots := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/stats.json":
			fmt.Fprint(w, `{"users": 12}`)
		case "/moved":
			http.Redirect(w, r, "/stats.json", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/plain":
			http.Redirect(w, r, "http://"+r.Host+"/stats.json", http.StatusFound)
		case "/large":
			fmt.Fprint(w, strings.Repeat(" ", 2000)+"{}")
		case "/slow":
			<-r.Context().Done()
			panic(http.ErrAbortHandler) // or who hangs up just then has an answer after all
		default:
			http.NotFound(w, r)
		}
	})
	reader := data.Reader{Net: data.Net{Allow: loopback, Roots: roots}}
	for path, want := range map[string]string{
		"/stats.json": `{"users":"12"}`,
		"/moved":      `{"users":"12"}`,
		"/round":      "data x: " + address + "/round: the server sends us on and on",
		"/plain":      "is not https",
		"/large":      "has more than 1000 bytes",
		"/slow":       "data x: " + address + "/slow: no answer within 300ms",
		"/none":       "data x: " + address + "/none: the server answers 404 Not Found",
	} {
		patience := 30 * time.Second // the machine may be slow; only the one that is to be given up on is not waited for
		if path == "/slow" {
			patience = 300 * time.Millisecond
		}
		got, err := read(t, reader, data.Source{
			Name: "x", Kind: data.URL, From: address + path, Max: 1000, Timeout: patience,
		})
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

func TestAServerInsideIsNotAskedUnlessToldSo(t *testing.T) {
	t.Parallel()
	asked := false
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked = true
		fmt.Fprint(w, `"inside"`)
	}))
	t.Cleanup(inside.Close)
	secured, roots := server(t, func(http.ResponseWriter, *http.Request) { asked = true })
	for address, want := range map[string]string{
		secured:    "leads to 127.0.0.1, which is not a public address\n    say private: true",
		inside.URL: "is not https\n    what anybody on the way can change is not mailed",
	} {
		_, err := read(t, data.Reader{Net: data.Net{Roots: roots}}, data.Source{Name: "x", Kind: data.URL, From: address})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if asked {
		t.Error("a server inside was asked")
	}
	got, err := read(t, data.Reader{}, data.Source{Name: "x", Kind: data.URL, From: inside.URL, Private: true})
	if err != nil || got != `"inside"` {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestNoRedirectLeadsInside(t *testing.T) {
	t.Parallel()
	inside, _ := server(t, func(http.ResponseWriter, *http.Request) { t.Error("the server inside was asked") })
	inside = strings.Replace(inside, "127.0.0.1", "[::1]", 1)
	address, roots := server(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inside, http.StatusFound) })
	_, err := read(t, data.Reader{Net: data.Net{Allow: loopback, Roots: roots}}, data.Source{Name: "x", Kind: data.URL, From: address})
	if err == nil || !strings.Contains(err.Error(), "leads to ::1, which is not a public address") {
		t.Errorf("got %v", err)
	}
}

func FuzzFiles(f *testing.F) {
	f.Add("a.yaml", []byte("a: &a [*a]\nb: {<<: *a}\n"))
	f.Add("a.json", []byte(`[{"a":null},{"b":[1e9]}]`))
	f.Add("a.csv", []byte("a;b\n\"1\";2\n"))
	f.Add("feed", []byte(rss))
	f.Add("feed", []byte(atom))
	f.Add("feed", []byte(`{"version":"https://jsonfeed.org/version/1.1","items":[null]}`))
	f.Fuzz(func(t *testing.T, name string, src []byte) {
		name = map[bool]string{true: name, false: "feed"}[name == "a.yaml" || name == "a.json" || name == "a.csv"]
		s := file(t, name, string(src))
		if name == "feed" {
			s.Kind = data.Feed
		}
		d, err := (&data.Reader{}).Read(t.Context(), []data.Source{s})
		if err == nil {
			whole(t, d.Values["x"])
		}
	})
}

// whole checks that a value is made of what templates can show.
func whole(t *testing.T, v any) {
	switch v := v.(type) {
	case string, bool:
	case []any:
		for _, item := range v {
			whole(t, item)
		}
	case map[string]any:
		for _, item := range v {
			whole(t, item)
		}
	default:
		t.Fatalf("a value is a %T", v)
	}
}
