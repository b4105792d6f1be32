package run_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gomessage "github.com/emersion/go-message"

	"hongyan/internal/ledger"
	"hongyan/internal/message"
	"hongyan/internal/render"
	"hongyan/internal/run"
)

func line(t *testing.T, src string) *render.Line {
	t.Helper()
	l, err := render.ParseLine("c.yaml", 1, src, render.Names{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// invitations are mails to an event whose hour and seat differ.
func invitations(t *testing.T) *run.Mailing {
	t.Helper()
	file := filepath.Join(t.TempDir(), "letter.md")
	if err := os.WriteFile(file, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	template, err := render.Parse(render.Source{Template: file, Subject: "come"})
	if err != nil {
		t.Fatal(err)
	}
	composer, err := message.NewComposer(message.Letterhead{
		Campaign: "gala", Issue: "main", From: mail.Address{Address: "me@example.com"}, Key: []byte("k"),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &run.Mailing{Template: template, Composer: composer, Invite: &run.Invite{
		Start: line(t, "{{.hour}}"), End: line(t, "2h"), Summary: line(t, "年会"), Location: line(t, "桌 {{.seat}}"),
		Description: []*render.Line{line(t, "Dear {{.name}},"), line(t, "come.")},
		Method:      "request", Sequence: 1,
		UID: func(address string) string { return "uid-of-" + address },
		Times: func(start, end string) (time.Time, time.Time, error) {
			from, err := time.Parse("15:04", start)
			if err != nil {
				return from, from, errors.New("no hour")
			}
			span, err := time.ParseDuration(end)
			return from, from.Add(span), err
		},
	}}
}

func TestEachRecipientIsInvitedToTheirOwnEvent(t *testing.T) {
	t.Parallel()
	m, err := invitations(t).Compose(ledger.Entry{
		Address: "li@example.com", Fields: map[string]string{"hour": "14:00", "seat": "7", "name": "Li\r\nEND:VEVENT"},
	}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	calendar := calendarOf(t, b.Bytes())
	for _, want := range []string{
		"METHOD:REQUEST\r\n", "UID:uid-of-li@example.com\r\n", "DTSTART:00000101T140000Z\r\n", "DTEND:00000101T160000Z\r\n",
		"SEQUENCE:1\r\n", "SUMMARY:年会\r\n", "LOCATION:桌 7\r\n", `DESCRIPTION:Dear Li END:VEVENT\,\ncome.` + "\r\n", "mailto:me@example.com\r\n",
	} {
		if !strings.Contains(calendar, want) {
			t.Errorf("no %q in\n%s", want, calendar)
		}
	}
}

func TestARowWithoutAnHourIsNotInvited(t *testing.T) {
	t.Parallel()
	for hour, want := range map[string]string{"": "invitation, start: field \"hour\" is empty", "soon": "invitation: no hour"} {
		_, err := invitations(t).Compose(ledger.Entry{
			Address: "li@example.com", Fields: map[string]string{"hour": hour, "seat": "7", "name": "Li"},
		}, time.Now())
		if fmt.Sprint(err) != want {
			t.Errorf("%q: %v", hour, err)
		}
	}
}

// calendarOf returns the unfolded calendar that is an alternative of the body.
func calendarOf(t *testing.T, raw []byte) (found string) {
	t.Helper()
	whole, err := gomessage.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	err = whole.Walk(func(_ []int, part *gomessage.Entity, err error) error {
		if err != nil {
			return err
		}
		if kind, _, _ := part.Header.ContentType(); kind != "text/calendar" {
			return nil
		}
		text, err := io.ReadAll(part.Body)
		found = strings.ReplaceAll(string(text), "\r\n ", "")
		return err
	})
	if err != nil || found == "" {
		t.Fatalf("no calendar: %v", err)
	}
	return found
}
