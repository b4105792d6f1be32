package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/sqlite"
	"hongyan/internal/unsubscribe"
)

// TestARecipientLeavesByTheMail takes the way of a recipient: the mail as the
// server got it, its one-click link, a POST as mail programs make it (RFC 8058),
// and the next issue, which does not come.
func TestARecipientLeavesByTheMail(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	base := "http://" + l.Addr().String() + "/u"
	for name, text := range map[string]string{
		"config.yaml": "account: sandbox\nunsubscribe: {url: \"" + base + "\", mailto: leave@example.com}\n",
		"news.yaml":   "name: news\nlist: weekly\nsubject: News\ntemplate: t.md\nlayout: newsletter\nrecipients: list.csv\n",
		"t.md":        "Hello {{.name}}, [leave]({{unsubscribe_url}}).\n",
		"list.csv":    "email,name\nli@example.com,Li\nwang@example.com,Wang\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	issue := func(name string) ledger.Totals {
		t.Helper()
		return sendThere(t, dir, name)
	}
	if first := issue("1"); first.Sent != 2 {
		t.Fatalf("the first issue: %+v", first)
	}

	clerk, err := sqlite.OpenClerk(t.Context(), filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer clerk.Close()
	stop := servePages(t, l, clerk, base)
	defer stop()

	mail := mailTo(t, filepath.Join(dir, "state"), "li@example.com")
	header := headerOf(mail, "List-Unsubscribe")
	if !strings.HasSuffix(header, ">, <mailto:leave@example.com?subject=unsubscribe>") || headerOf(mail, "List-Id") != "weekly <weekly.qq.com>" {
		t.Fatalf("List-Unsubscribe: %q, List-Id: %q", header, headerOf(mail, "List-Id"))
	}
	button, _, _ := strings.Cut(strings.TrimPrefix(header, "<"), ">")
	page := strings.Replace(button, "/one-click/", "/", 1)
	if !strings.Contains(unfolded(mail), page) {
		t.Errorf("the mail itself does not show %s", page)
	}
	if got := request(t, http.MethodGet, button, ""); got != http.StatusOK {
		t.Errorf("the page: %d", got)
	}
	if second := issue("2"); second.Sent != 2 {
		t.Errorf("looking at the page changed something: %+v", second)
	}
	if got := request(t, http.MethodPost, button, "List-Unsubscribe=One-Click"); got != http.StatusOK {
		t.Errorf("the button: %d", got)
	}
	if third := issue("3"); third.Sent != 1 || third.Suppressed != 1 {
		t.Errorf("the issue after leaving: %+v", third)
	}
	if got := request(t, http.MethodPost, page, "do=back"); got != http.StatusOK {
		t.Errorf("back: %d", got)
	}
	if fourth := issue("4"); fourth.Sent != 2 {
		t.Errorf("the issue after coming back: %+v", fourth)
	}
}

func sendThere(t *testing.T, dir, issue string) ledger.Totals {
	t.Helper()
	d := &door{
		out: io.Discard, err: io.Discard, in: strings.NewReader(""), log: slog.New(slog.DiscardHandler),
		env: func(string) string { return "" },
	}
	d.flags.config = filepath.Join(dir, "config.yaml")
	if err := d.send(t.Context(), filepath.Join(dir, "news.yaml"), sendOptions{issue: issue, yes: true, confirm: -1}); err != nil {
		t.Fatal(err)
	}
	reader, err := sqlite.OpenReader(t.Context(), filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	totals, err := reader.Totals(t.Context(), ledger.Key{Campaign: "news", Issue: issue})
	if err != nil {
		t.Fatal(err)
	}
	return totals
}

// servePages serves the public pages as a process beside the sending one would.
func servePages(t *testing.T, l net.Listener, clerk *sqlite.Clerk, base string) (stop func()) {
	t.Helper()
	keys, err := unsubscribe.OpenKeyring(t.Context(), clerk, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pages, err := unsubscribe.NewHandler(unsubscribe.Options{URL: base, Keys: keys, Books: clerk, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- unsubscribe.Serve(ctx, l, pages) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func request(t *testing.T, method, to, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

// mailTo finds the mail that the sandbox took for an address.
func mailTo(t *testing.T, state, address string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(state, "sandbox", "sandbox", "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		mail, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(headerOf(string(mail), "To"), address) {
			return string(mail)
		}
	}
	t.Fatalf("none of %d mails is for %s", len(files), address)
	return ""
}

func headerOf(mail, name string) string {
	for line := range strings.Lines(mail) {
		if value, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), name+": "); ok {
			return value
		}
	}
	return ""
}

// unfolded undoes the soft line breaks of quoted-printable.
func unfolded(mail string) string {
	return strings.NewReplacer("=\r\n", "", "=3D", "=", "\r\n", "").Replace(mail)
}
