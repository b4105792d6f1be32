package main

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"hongyan/internal/config"
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
	ctx := t.Context()
	d := &door{out: io.Discard, err: io.Discard, env: func(string) string { return "" }, words: newWords(nil, func(string) string { return "" })}
	d.flags.config, d.flags.state = "../../config.yaml", t.TempDir() // what was sent from this checkout is another matter
	e, err := d.open(ctx, file, "12", toPreview)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	store, err := sqlite.Open(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := errors.Join(e.freezeData(ctx, store), e.pack(ctx, store)); err != nil {
		t.Fatal(err)
	}
	frozen, err := d.openFrozen(ctx, e.conf, store, e.key, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer frozen.close()
	if got, want := mails(t, frozen, e), mails(t, e, e); !bytes.Equal(got, want) {
		t.Errorf("the mails differ\n%s\n-- want\n%s", got, want)
	}
}

// mails are the bytes of all mails that an edition makes of a list.
func mails(t *testing.T, e, listed *edition) []byte {
	t.Helper()
	mailing, err := e.mailing(e.accounts[0], []byte("the same key"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for r, err := range listed.list.Recipients() {
		if err != nil {
			t.Fatal(err)
		}
		mail, err := mailing.Compose(entryOf(r), time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
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
