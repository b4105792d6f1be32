package message_test

import (
	"flag"
	"fmt"
	"io"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	gomail "github.com/emersion/go-message/mail"

	"hongyan/internal/message"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestGoldenMails(t *testing.T) {
	t.Parallel()
	dir := filled(t)
	for name, l := range map[string]message.Letter{
		"plain":      {To: mail.Address{Name: "Li Lei", Address: "li@example.com"}, Subject: "Hello", Text: []byte("Hi Li,\n\n.dots and From lines are safe\nFrom here\n-- \nZhang\n")},
		"newsletter": {To: mail.Address{Name: "李, 雷", Address: "li@example.com"}, Subject: hanzi168, Text: []byte("李雷，您好：\n\n新品到货。\n"), HTML: []byte("<h1>李雷，您好</h1>\n<img src=\"cid:logo@hongyan\">\n"), Images: []message.Image{{CID: "logo@hongyan", Name: "logo.png", Data: []byte("\x89PNG")}}},
		"invoice":    {To: mail.Address{Name: "李雷", Address: "li@example.com"}, Subject: "Invoice 7", Text: []byte("Enclosed.\n"), Attachments: []message.Attachment{{File: "a.pdf", Name: "发票-李雷.pdf"}, {File: "中文/发票.pdf", Name: strings.Repeat("很长的名字", 8) + ".pdf"}}},
		"invitation": {Subject: "评审会", Text: []byte("请来。\n"), HTML: []byte("<p>请来。</p>\n"), Invite: meeting()},
	} {
		t.Run(name, func(t *testing.T) {
			h := letterhead()
			h.ReplyTo = []mail.Address{{Name: "客服", Address: "help@example.com"}}
			h.Headers = append(h.Headers, [2]string{"List-Unsubscribe", "<https://example.com/u/7>"})
			_, raw := compose(t, composer(t, h, dir), l)
			golden(t, filepath.Join("testdata/golden", name+".eml"), numbered(raw))
		})
	}
}

// numbered gives boundaries, which are random, the numbers 1, 2, 3.
func numbered(raw string) string {
	for i, found := range regexp.MustCompile(`boundary=([0-9a-f]{60})`).FindAllStringSubmatch(raw, -1) {
		raw = strings.ReplaceAll(raw, found[1], fmt.Sprintf("boundary-%d", i+1))
	}
	return raw
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got\n%s", path, got)
	}
}

// TestGoMessageReadsTheSame asks a second reader, with other habits than Python.
func TestGoMessageReadsTheSame(t *testing.T) {
	t.Parallel()
	c := composer(t, letterhead(), filled(t))
	for name, trial := range trials() {
		_, raw := compose(t, c, trial.letter)
		r, err := gomail.CreateReader(strings.NewReader(raw))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		subject, err := r.Header.Subject()
		if want := strings.ToValidUTF8(trial.letter.Subject, "\uFFFD"); err != nil || subject != want {
			t.Errorf("%s: subject %q, want %q: %v", name, subject, want, err)
		}
		to, err := r.Header.AddressList("To")
		if want := strings.Trim(trial.letter.To.Name, " "); err != nil || len(to) != 1 || to[0].Name != want {
			t.Errorf("%s: to %v, want %q: %v", name, to, want, err)
		}
		parts := 0
		for {
			part, err := r.NextPart()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if _, err := io.Copy(io.Discard, part.Body); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			parts++
		}
		if want := leaves(trial.letter); parts != want {
			t.Errorf("%s: %d parts, want %d", name, parts, want)
		}
	}
}

func leaves(l message.Letter) int {
	n := len(l.Images) + len(l.Attachments)
	if len(l.Text) > 0 || len(l.HTML) == 0 {
		n++
	}
	if len(l.HTML) > 0 {
		n++
	}
	if l.Invite != nil {
		n += 2
	}
	return n
}
