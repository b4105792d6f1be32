package edition_test

import (
	"bytes"
	"context"
	"errors"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hongyan/internal/campaign"
	"hongyan/internal/config"
	"hongyan/internal/edition"
	"hongyan/internal/edition/fresh"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/sqlite"
)

// Everything an issue is made of comes along: campaign, template, layout, theme,
// images, and the attachments of all and of each.
func TestAFrozenIssueMakesTheVerySameMails(t *testing.T) {
	t.Parallel()
	campaigns, err := filepath.Glob("../../examples/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, file := range campaigns {
		if filepath.Base(file) == config.Name {
			continue
		}
		tried++
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			t.Parallel()
			sameMails(t, file)
		})
	}
	if tried < 3 {
		t.Errorf("%d examples", tried)
	}
}

func sameMails(t *testing.T, file string) {
	e := opened(t, file, edition.Settings{Templates: "../../templates", Theme: map[string]string{"brand": "#123456"}})
	store := frozen(t, e)
	thawed, err := edition.Thaw(t.Context(), store, e.Key, t.TempDir(), edition.Settings{Theme: map[string]string{"brand": "#654321"}})
	if err != nil {
		t.Fatal(err)
	}
	defer thawed.Close()
	if got, want := mails(t, thawed, e), mails(t, e, e); !bytes.Equal(got, want) {
		t.Errorf("the mails differ\n%s\n-- want\n%s", got, want)
	}
}

func opened(t *testing.T, file string, s edition.Settings) *edition.Edition {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	camp, err := campaign.Parse(file, text)
	if err != nil {
		t.Fatal(err)
	}
	e, err := edition.Open(t.Context(), edition.Source{Campaign: camp, Text: text, Issue: "12", Settings: &s, Fresh: fresh.Source{
		Reading: fresh.ToPreview, Shelf: func(context.Context) (ledger.Papers, func(), error) { return nil, func() {}, nil },
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// frozen is a ledger that an issue was frozen in.
func frozen(t *testing.T, e *edition.Edition) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if err := errors.Join(e.Fresh.Freeze(t.Context(), store), e.Pack(t.Context(), store)); err != nil {
		t.Fatal(err)
	}
	return store
}

// sender is a mailbox that mails come from.
var sender = mail.Address{Name: "Li", Address: "li@example.com"}

// mails are the bytes of all mails that an edition makes of a list.
func mails(t *testing.T, e, listed *edition.Edition) []byte {
	t.Helper()
	mailing, err := e.Mailing(sender, []byte("the same key"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for r, err := range listed.List.Recipients() {
		if err != nil {
			t.Fatal(err)
		}
		mail, err := mailing.Compose(edition.Entry(r), time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
		if err != nil {
			out.WriteString(err.Error() + "\n")
			continue
		}
		if _, err := mail.WriteTo(&out); err != nil {
			t.Fatal(err)
		}
	}
	if out.Len() == 0 {
		t.Error("there are no mails")
	}
	return boundary.ReplaceAll(out.Bytes(), []byte("boundary"))
}

// boundary is drawn anew for each shape of mail.
var boundary = regexp.MustCompile(`[0-9a-f]{60}`)

// The folder of attachments is the packed one, there also when it came empty, and
// never one that a worker happens to have.
func TestAFrozenIssueAttachesNothingOfTheWorkers(t *testing.T) {
	t.Parallel()
	dir := sendersFolder(t, "email,inv\na@example.com,2.txt\n")
	store, e := packed(t, dir)
	file := filepath.Join(dir, "inv", "2.txt") // the campaign names the folder by its whole path, which this machine has
	if err := os.WriteFile(file, []byte("of the worker"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := string(mails(t, thawedAt(t, dir, store, e), e)); !strings.Contains(got, "no such file") {
		t.Error(got)
	}
}

// The sender has no layouts of its own, the worker has.
func TestAFrozenIssueHasNoLayoutOfTheWorkers(t *testing.T) {
	t.Parallel()
	dir := sendersFolder(t, "email,inv\na@example.com,1.txt\n")
	store, e := packed(t, dir)
	want := mails(t, e, e)
	worker := t.TempDir()
	layout := filepath.Join(worker, "templates", "layouts", "default.html")
	if err := errors.Join(os.MkdirAll(filepath.Dir(layout), 0o700),
		os.WriteFile(layout, []byte("<html><body>the worker's own {{content}}</body></html>"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if got := mails(t, thawedAt(t, worker, store, e), e); !bytes.Equal(got, want) {
		t.Errorf("the mails differ\n%s\n-- want\n%s", got, want)
	}
}

// sendersFolder has a campaign with an attachment for each row of its list.
func sendersFolder(t *testing.T, list string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"campaigns/a.yaml": "name: a\nsubject: hello\ntemplate: ../templates/a.md\nrecipients: ../a.csv\nattachments_root: " + filepath.Join(dir, "inv") + "\nattachments: ['{{.inv}}']\n",
		"templates/a.md":   "Hello.\n",
		"a.csv":            list,
		"inv/1.txt":        "one",
		"secret.txt":       "secret",
	} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// packed is the campaign of a sender's folder, frozen.
func packed(t *testing.T, dir string) (*sqlite.Store, *edition.Edition) {
	t.Helper()
	e := opened(t, filepath.Join(dir, "campaigns", "a.yaml"), edition.Settings{Templates: filepath.Join(dir, "templates")})
	return frozen(t, e), e
}

// thawedAt is a frozen issue as a worker has it whose configuration lies in dir.
func thawedAt(t *testing.T, dir string, store *sqlite.Store, e *edition.Edition) *edition.Edition {
	t.Helper()
	thawed, err := edition.Thaw(t.Context(), store, e.Key, t.TempDir(), edition.Settings{Templates: filepath.Join(dir, "templates")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(thawed.Close)
	return thawed
}
