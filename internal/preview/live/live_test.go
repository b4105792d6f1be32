package live_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hongyan/internal/preview"
	"hongyan/internal/preview/browser"
	"hongyan/internal/preview/live"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// folder is an edition made of one file: its words are the subject of every mail.
type folder struct {
	rows     int
	subject  string
	composed *atomic.Int64
}

func (f folder) Len() int { return f.rows }

func (f folder) Row(i int) live.Row {
	return live.Row{Line: i + 2, Address: fmt.Sprintf("p%d@example.com", i+2), Faulty: i%1000 == 7}
}

func (f folder) Mails(_ context.Context, from, to int) (out []live.Mail, err error) {
	for i := from; i < to; i++ {
		f.composed.Add(1)
		row := f.Row(i)
		m := live.Mail{Mail: preview.Mail{Line: row.Line, Address: row.Address}}
		if row.Faulty {
			m.Faults = []live.Fault{{Place: fmt.Sprintf("list.csv:%d", row.Line), What: "no address", Hint: "write one"}}
		} else {
			m.Subject = fmt.Sprintf("%s %d", f.subject, row.Line)
			m.HTML = []byte("<p style='height:4000px'>" + f.subject + "<script>parent.document.title='escaped'</script>")
			m.Text = []byte(f.subject)
		}
		out = append(out, m)
	}
	return out, nil
}

func (f folder) Close() error { return nil }

// served is a running server over one file; "!" at its beginning is a fault.
type served struct {
	url, file string
	composed  atomic.Int64
	missing   atomic.Pointer[func()] // is called once, right after the file was found missing
}

func serve(t *testing.T, rows int) *served {
	t.Helper()
	s := &served{file: filepath.Join(t.TempDir(), "letter.md")}
	s.write(t, "Hello")
	server := &live.Server{Lang: "en", Look: func(context.Context) (live.Look, error) {
		look := live.Look{Files: []string{s.file}}
		words, err := os.ReadFile(s.file)
		if err != nil {
			if then := s.missing.Swap(nil); then != nil {
				(*then)()
			}
		}
		if fault, bad := strings.CutPrefix(string(words), "!"); err != nil || bad {
			look.Faults = []live.Fault{{Place: s.file + ":1", What: "bad word " + fault, Hint: "mend it"}}
			return look, nil
		}
		look.Edition = folder{rows, string(words), &s.composed}
		return look, nil
	}}
	if err := server.Listen(t.Context(), "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.url = server.URL()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// write puts a new file in the old one's place, as editors do.
func (s *served) write(t *testing.T, words string) {
	t.Helper()
	if err := os.WriteFile(s.file+".new", []byte(words), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(s.file+".new", s.file); err != nil {
		t.Fatal(err)
	}
}

// get asks for a page and returns the answer's code and text.
func (s *served) get(t *testing.T, path string, change func(*http.Request)) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func TestWhoAsksByAnotherNameGetsNothing(t *testing.T) {
	s := serve(t, 10)
	for name, c := range map[string]struct {
		path string
		with func(*http.Request)
		code int
	}{
		"the page":             {"", nil, 200},
		"localhost":            {"", func(r *http.Request) { r.Host = "LOCALHOST:" + r.URL.Port() }, 200},
		"DNS rebinding":        {"mails/0", func(r *http.Request) { r.Host = "evil.example" }, 421},
		"rebinding, same port": {"mails/0", func(r *http.Request) { r.Host = "evil.example:" + r.URL.Port() }, 421},
		"another port":         {"mails/0", func(r *http.Request) { r.Host = "127.0.0.1:1" }, 421},
		"another site":         {"mails/0", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		"another local site":   {"mails/0", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403},
		"without the secret":   {"", func(r *http.Request) { r.URL.Path = "/mails/0" }, 404},
		"with a wrong one":     {"", func(r *http.Request) { r.URL.Path = "/AAAA/mails/0" }, 404},
		"a change":             {"mails/0", func(r *http.Request) { r.Method = http.MethodPost }, 405},
		"no such row":          {"mails/10", nil, 404},
		"a strange row":        {"mails/-1", nil, 404},
		"no such page":         {"rows/0", nil, 404},
		"a page past the end":  {"rows/999999999999", nil, 404},
		"no mail to keep":      {"eml/7", nil, 404},
	} {
		t.Run(name, func(t *testing.T) {
			if code, body := s.get(t, c.path, c.with); code != c.code {
				t.Errorf("%d, want %d: %.80s", code, c.code, body)
			}
		})
	}
}

func TestOnlyLoopbackIsListenedOn(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0"} {
		server := &live.Server{}
		if err := server.Listen(t.Context(), address); err == nil {
			t.Errorf("%s was taken", address)
		}
	}
}

func TestAMailIsComposedWhenItIsLookedAt(t *testing.T) {
	s := serve(t, 100_000)
	_, summary := s.get(t, "summary?line=50000", nil)
	var got struct{ Mails, PerPage, Faulty, At int }
	if err := json.Unmarshal([]byte(summary), &got); err != nil || got.Mails != 100_000 || got.Faulty != 100 || got.At != 49_998 {
		t.Errorf("%s: %v", summary, err)
	}
	if _, found := s.get(t, "find?q=p777@", nil); strings.TrimSpace(found) != "[775]" {
		t.Errorf("found %s", found)
	}
	if n := s.composed.Load(); n != 0 {
		t.Errorf("%d mails were composed before one was looked at", n)
	}
	s.get(t, "rows/1234", nil)
	if n := s.composed.Load(); n != int64(got.PerPage) {
		t.Errorf("%d mails were composed for a page of %d", n, got.PerPage)
	}
}

// versions reads the server's events as long as the test runs.
func (s *served) versions(t *testing.T) <-chan string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"events", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	out := make(chan string)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if version, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				select {
				case out <- version:
				case <-t.Context().Done():
				}
			}
		}
	}()
	t.Cleanup(func() { answer.Body.Close(); <-done })
	return out
}

func TestEachWayOfSavingIsSeen(t *testing.T) {
	s := serve(t, 10)
	versions := s.versions(t)
	last := <-versions
	next := func(how string) {
		t.Helper()
		for {
			select {
			case version := <-versions:
				if version != last {
					last = version
					return
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("%s was not seen", how)
			}
		}
	}
	s.write(t, "renamed")
	next("a file in the place of another")
	if err := os.WriteFile(s.file, []byte("in place"), 0o600); err != nil {
		t.Fatal(err)
	}
	next("writing in place")
	if err := os.RemoveAll(filepath.Dir(s.file)); err != nil {
		t.Fatal(err)
	}
	next("the folder's removal")
	if err := os.Mkdir(filepath.Dir(s.file), 0o700); err != nil {
		t.Fatal(err)
	}
	s.write(t, "again")
	next("a new folder")
	for {
		if _, mail := s.get(t, "mails/0", nil); strings.Contains(mail, "again") {
			return
		}
		next("the new file")
	}
}

// Its folder was watched when it went, and is there again before anybody could
// watch for it.
func TestAFolderThatIsBackAtOnceIsSeen(t *testing.T) {
	s := serve(t, 10)
	versions := s.versions(t)
	<-versions
	back := func() { // on the server's goroutine
		made := os.Mkdir(filepath.Dir(s.file), 0o700)
		if err := errors.Join(made, os.WriteFile(s.file, []byte("again"), 0o600)); err != nil {
			t.Error(err)
		}
	}
	s.missing.Store(&back)
	if err := os.RemoveAll(filepath.Dir(s.file)); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(10 * time.Second)
	for {
		if _, mail := s.get(t, "mails/0", nil); strings.Contains(mail, "again") {
			return
		}
		select {
		case <-versions:
		case <-deadline:
			t.Fatal("it was not seen")
		}
	}
}

func TestABreakdownEndsTheServer(t *testing.T) {
	broken := errors.New("disk on fire")
	server := &live.Server{Look: func(context.Context) (live.Look, error) { return live.Look{}, broken }}
	if err := server.Listen(t.Context(), "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if err := server.Run(t.Context()); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestThePageFollowsTheFile(t *testing.T) {
	s := serve(t, 100_000)
	page := browser.Test(t, s.url)
	title := func(want string) {
		t.Helper()
		page.Until(fmt.Sprintf("document.querySelector('#about h1').textContent === %q", want))
	}
	title("Hello 2")
	page.Until("version > 0")
	page.Until("document.querySelector('#tabs [aria-selected=true]')?.dataset.view === 'desktop'")
	page.Until("document.querySelectorAll('#rows .row').length < 80 && document.title === 'Preview · hongyan'")
	page.Type("#search", "p50000@")
	title("Hello 50000")
	page.Run("document.activeElement.blur()")
	page.Until("document.querySelector('#stage iframe').contentDocument?.readyState === 'complete'")
	page.Run("document.querySelector('#stage iframe').contentWindow.scrollTo(0, 700)")

	s.write(t, "Bonjour")
	title("Bonjour 50000")
	page.Until("document.querySelector('#stage iframe').contentWindow.scrollY === 700")

	s.write(t, "!Gruß")
	page.Until("document.querySelector('#stage .faults')?.textContent.includes('bad word Gruß')")
	page.Until("document.querySelector('#stage .faults code').textContent.endsWith('letter.md:1') && document.querySelector('#stage .faults span').textContent === 'mend it'")
	page.Until("!document.querySelector('#stage iframe')")
	s.write(t, "Ciao")
	title("Ciao 50000")
	page.Until("!document.querySelector('#stage .faults') && document.querySelector('#stage iframe')")

	page.Run(`document.querySelector("#search").value = ""; document.querySelector("#filter").value = "faulty"; document.querySelector("#filter").dispatchEvent(new Event("change"))`)
	page.Until("document.querySelector('#stage .faults code')?.textContent === 'list.csv:9'")
	page.Press("j")
	page.Until("document.querySelector('#stage .faults code')?.textContent === 'list.csv:1009'")
	page.Until("document.title === 'Preview · hongyan'")
}
