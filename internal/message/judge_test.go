package message_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hongyan/internal/message"
)

// finding is what testdata/judge.py, an independent reader, found in a mail.
type finding struct {
	Subject, Date, ID string
	From, To, ReplyTo [][2]string
	Names, Tree       []string
	Parts             []foundPart
	Defects           []string
	Longest           int
	EightBit          bool
	Headers           map[string]string
}

type foundPart struct{ Type, Encoding, Disposition, Name, CID, SHA256 string }

// trial is a letter and what a reader must find in it beyond its own values.
type trial struct {
	letter message.Letter
	tree   []string
	names  []string // of the attachments, when they differ from what was given
}

var (
	hanzi168 = strings.Repeat("鸿雁传书，一字不差。长题目要折行而不能断字；", 8)[:168*3]
	family   = "👨‍👩‍👧‍👦"
	oddBytes = "a\tb \n.\n..\nFrom me\n--\n-- \n=3D =\n\u2028 trailing \t\n" + strings.Repeat("x", 200) + "\n" + family + "é\x00\x07\x7f\n"
	files    = map[string][]byte{
		"a.pdf":       []byte("%PDF-1.7 small"),
		"empty.txt":   {},
		"big.bin":     bytes.Repeat([]byte{0, 1, 2, 250, '\r', '\n', '.'}, 20_000),
		"中文/发票.pdf":   []byte("发票"),
		"letter.eml":  []byte("From: a@b.c\r\n\r\nhi\r\n"),
		"exactly.57":  bytes.Repeat([]byte("x"), 57),
		"exactly.114": bytes.Repeat([]byte("y"), 114),
	}
)

func trials() map[string]trial {
	text, html := []byte("您好，\n\n再见\n"), []byte("<p>您好</p>\n")
	png := []message.Image{{CID: "logo@hongyan", Name: "标志.png", Data: []byte("\x89PNG")}}
	pdf := []message.Attachment{{File: "a.pdf"}}
	out := map[string]trial{
		"text":                     {letter: message.Letter{Text: text}, tree: []string{"text/plain"}},
		"html":                     {letter: message.Letter{HTML: html}, tree: []string{"text/html"}},
		"nothing":                  {letter: message.Letter{}, tree: []string{"text/plain"}},
		"text and html":            {letter: message.Letter{Text: text, HTML: html}, tree: []string{"multipart/alternative", "text/plain", "text/html"}},
		"html and image":           {letter: message.Letter{HTML: html, Images: png}, tree: []string{"multipart/related", "text/html", "image/png"}},
		"text and file":            {letter: message.Letter{Text: text, Attachments: pdf}, tree: []string{"multipart/mixed", "text/plain", "application/pdf"}},
		"html, image and file":     {letter: message.Letter{HTML: html, Images: png, Attachments: pdf}, tree: []string{"multipart/mixed", "multipart/related", "text/html", "image/png", "application/pdf"}},
		"text, html and image":     {letter: message.Letter{Text: text, HTML: html, Images: png}, tree: []string{"multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"}},
		"text, html and file":      {letter: message.Letter{Text: text, HTML: html, Attachments: pdf}, tree: []string{"multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/pdf"}},
		"all":                      {letter: message.Letter{Text: text, HTML: html, Images: png, Attachments: pdf}, tree: []string{"multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png", "application/pdf"}},
		"only a file":              {letter: message.Letter{Attachments: pdf}, tree: []string{"multipart/mixed", "text/plain", "application/pdf"}},
		"invitation":               {letter: message.Letter{Text: text, Invite: meeting()}, tree: []string{"multipart/mixed", "multipart/alternative", "text/plain", "text/calendar", "application/ics"}, names: []string{"invite.ics"}},
		"invitation with the rest": {letter: message.Letter{Text: text, HTML: html, Images: png, Attachments: pdf, Invite: meeting()}, tree: []string{"multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png", "text/calendar", "application/pdf", "application/ics"}, names: []string{"a.pdf", "invite.ics"}},
		"odd bytes":                {letter: message.Letter{Text: []byte(oddBytes), HTML: []byte("<pre>" + oddBytes + "</pre>\n")}},
		"odd bytes in Chinese":     {letter: message.Letter{Text: []byte(oddBytes + strings.Repeat("汉", 500) + "\n")}},
		"not UTF-8":                {letter: message.Letter{Text: []byte("caf\xe9 \xff\xfe\n"), HTML: []byte("<p>\xc0\xaf\n")}},
		"old line ends":            {letter: message.Letter{Text: []byte("mac\rdos\r\nunix\n"), HTML: []byte("汉字汉字\r汉字\r\n汉字\n")}},
	}
	for i, subject := range []string{
		hanzi168, strings.Repeat("A subject of many words ", 50) + "end", strings.Repeat("x", 1200),
		"", " blanks around ", "two  blanks   three", "tab\there", "=?utf-8?B?5byg?= as it is", "mixed 中文 and ASCII " + family,
		"\u202eRLO", "é", strings.Repeat("é", 60), "a=?b", "日本語　全角", "U+2028 \u2028 and DEL \x7f", strings.Repeat("word ", 14) + "12345",
	} {
		out[fmt.Sprintf("subject %d", i)] = trial{letter: message.Letter{Subject: subject, Text: text}}
	}
	for i, name := range []string{
		"张三", "张, 三", `张"三"`, "李雷 (测试)", "Smith, John", `John "Jack" Smith`, `back\slash`, "腾讯 [客服]", family + " 一家",
		"John Smith", "O'Neil", "a.b", "user@example.com", "=?utf-8?B?5byg?=", "  two  blanks ", strings.Repeat("很长的名字", 12), strings.Repeat("Long Name ", 20) + "x", "<b>", "a;b:c",
	} {
		out[fmt.Sprintf("name %d", i)] = trial{letter: message.Letter{To: mail.Address{Name: name, Address: "li@example.com"}, Text: text}}
	}
	for i, name := range []string{
		"发票-张三.pdf", `发票"最终".pdf`, `we"ird\name.pdf`, "invoice\u202efdp.exe", "with blank.pdf", "it's (1)*%.pdf", strings.Repeat("很长的文件名", 15) + ".pdf",
		"../../etc/passwd", strings.Repeat("n", 300) + ".docx", "=?utf-8?B?5byg?=.pdf", family + ".png", "plain.pdf", "a;b=c.txt", "a,b.txt",
	} {
		out[fmt.Sprintf("file %d", i)] = trial{
			letter: message.Letter{Text: text, Attachments: []message.Attachment{{File: "a.pdf", Name: name}}},
			names:  []string{message.CleanName(name)},
		}
	}
	for name := range files {
		out["content "+strings.ReplaceAll(name, "/", "-")] = trial{letter: message.Letter{Text: text, Attachments: []message.Attachment{{File: name}}}}
	}
	return out
}

func meeting() *message.Invite {
	return &message.Invite{Start: noon, End: noon.Add(90 * time.Minute), Summary: "评审会; 第一次, 请准时", Location: "北京", Description: "一\n二"}
}

// filled is a folder with the files that the trials attach.
func filled(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

func TestPythonReadsBackExactlyWhatWentIn(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 on this machine")
	}
	h := letterhead()
	h.ReplyTo = []mail.Address{{Name: "客服, 北京", Address: "help@example.com"}, {Address: "b@example.com"}}
	c := composer(t, h, filled(t))
	dir := t.TempDir()
	tried := trials()
	for name, trial := range tried {
		_, raw := compose(t, c, trial.letter)
		if err := os.WriteFile(filepath.Join(dir, name+".eml"), []byte(raw), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), python, "testdata/judge.py", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	var findings map[string]finding
	if err := json.Unmarshal(out, &findings); err != nil {
		t.Fatal(err)
	}
	for name, trial := range tried {
		t.Run(name, func(t *testing.T) { judge(t, h, trial, findings[name+".eml"]) })
	}
}

func judge(t *testing.T, h message.Letterhead, tr trial, f finding) {
	l := tr.letter
	if l.To.Address == "" {
		l.To.Address = "li@example.com"
	}
	same(t, "subject", f.Subject, strings.ToValidUTF8(l.Subject, "\uFFFD"))
	same(t, "from", f.From, [][2]string{{h.From.Name, h.From.Address}})
	same(t, "to", unspaced(f.To), unspaced([][2]string{{l.To.Name, l.To.Address}}))
	same(t, "reply-to", f.ReplyTo, [][2]string{{"客服, 北京", "help@example.com"}, {"", "b@example.com"}})
	same(t, "date", f.Date, noon.Format("2006-01-02T15:04:05-07:00"))
	same(t, "id", f.ID, "<"+message.ID(h.Key, h.Campaign, h.Issue, l.To.Address, "qq.com")+">")
	same(t, "names", f.Names[:8], []string{"From", "To", "Subject", "Date", "Message-ID", "Reply-To", "X-Campaign", "MIME-Version"})
	if tr.tree != nil {
		same(t, "tree", f.Tree, tr.tree)
	}
	if defects := slices.DeleteFunc(f.Defects, known); len(defects) > 0 {
		t.Errorf("defects: %v", defects)
	}
	if f.Longest > 998 || f.EightBit {
		t.Errorf("a line of %d bytes, 8 bit: %v", f.Longest, f.EightBit)
	}
	judgeParts(t, tr, f.Parts)
}

// known tells what Python calls a defect and is meant: names in encoded words
// inside quotes, for QQ and Outlook.
func known(defect string) bool {
	return strings.HasPrefix(defect, "InvalidHeaderDefect in Content-Type")
}

// unspaced drops blanks: Python shows one between two encoded words of a
// display name, though RFC 2047 §6.2 has them ignored.
func unspaced(list [][2]string) [][2]string {
	for i := range list {
		list[i][0] = strings.ReplaceAll(list[i][0], " ", "")
	}
	return list
}

func judgeParts(t *testing.T, tr trial, parts []foundPart) {
	l := tr.letter
	next := func() foundPart {
		if len(parts) == 0 {
			t.Fatal("a part is missing")
		}
		p := parts[0]
		parts = parts[1:]
		return p
	}
	if len(l.Text) > 0 || len(l.HTML) == 0 {
		judgeBody(t, next(), l.Text, l.Invite == nil && len(l.HTML)+len(l.Attachments) == 0)
	}
	if len(l.HTML) > 0 {
		judgeBody(t, next(), l.HTML, len(l.Text)+len(l.Images)+len(l.Attachments) == 0)
	}
	for _, image := range l.Images {
		p := next()
		same(t, "image", p, foundPart{"image/png", "base64", "inline", image.Name, "<" + image.CID + ">", digest(image.Data)})
	}
	if l.Invite != nil {
		same(t, "calendar", next().Type, "text/calendar")
	}
	for i, a := range l.Attachments {
		want := filepath.Base(a.File)
		if tr.names != nil {
			want = tr.names[i]
		}
		p := next()
		same(t, "file name", p.Name, want)
		same(t, "file", []string{p.Encoding, p.Disposition, p.CID, p.SHA256}, []string{"base64", "attachment", "", digest(files[a.File])})
	}
}

// judgeBody allows one line end more where the body is the end of the mail.
func judgeBody(t *testing.T, p foundPart, body []byte, last bool) {
	t.Helper()
	unix := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(body))
	if last && !strings.HasSuffix(unix, "\n") && unix != "" {
		unix += "\n"
	}
	same(t, p.Type, p.SHA256, digest([]byte(unix)))
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\ngot  %q\nwant %q", what, got, want)
	}
}
