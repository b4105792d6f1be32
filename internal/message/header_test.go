package message_test

import (
	"bufio"
	"errors"
	"maps"
	"mime"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"hongyan/internal/message"
)

func TestNoValueCanBreakOutOfItsHeader(t *testing.T) {
	t.Parallel()
	c := composer(t, letterhead(), filled(t))
	for _, bad := range []string{"\r\nBcc: x@evil.example", "\n", "\r", "a\x00b", "\x1b[31m", "\v", "ok\x08"} {
		for part, l := range map[string]message.Letter{
			"Subject":    {Subject: "hi" + bad},
			"To":         {To: mail.Address{Name: "Li" + bad, Address: "li@example.com"}},
			"X-City":     {Headers: [][2]string{{"X-City", "Beijing" + bad}}},
			"attachment": {Attachments: []message.Attachment{{File: "a.pdf", Name: "a" + bad + ".pdf"}}},
		} {
			refused(t, c, l, part)
		}
	}
}

func TestAnAddressIsRefusedNotRepaired(t *testing.T) {
	t.Parallel()
	c := composer(t, letterhead(), "")
	for _, bad := range []string{
		"@", "a", "a@", "@b.cn", "a@b> NOTIFY=SUCCESS", "a@b.cn\r\nRCPT TO:<c@d.cn>", "a b@c.cn", "<a@b.cn>", `"a b"@c.cn`,
		"李@例子.cn", "a@例子.cn", "a@b..cn", "a@b.cn.", "a,b@c.cn", "a@b@c.cn", "a@[127.0.0.1]", "a\x00@b.cn",
		strings.Repeat("a", 65) + "@b.cn", "a@" + strings.Repeat("b.", 130) + "cn",
	} {
		refused(t, c, message.Letter{To: mail.Address{Name: "x", Address: bad}}, "To")
	}
	for _, good := range []string{"a@b.cn", "o'neil+tag=1@sub.example.com", "a..b.@docomo.ne.jp", "x@xn--fsqu00a.xn--0zwm56d", "10001@qq.com"} {
		compose(t, c, message.Letter{To: mail.Address{Address: good}})
	}
}

// refused demands an Unfit letter whose trouble is named.
func refused(t *testing.T, c *message.Composer, l message.Letter, part string) {
	t.Helper()
	l.Date = noon
	if l.To.Address == "" {
		l.To.Address = "li@example.com"
	}
	m, err := c.Compose(l)
	u, ok := errors.AsType[*message.Unfit](err)
	if !ok || u.Part != part || m != nil {
		t.Errorf("%s: got %v, %v", part, m, err)
	}
}

func TestHeadersThatAreNotTheCampaignsToWrite(t *testing.T) {
	t.Parallel()
	for _, h := range [][2]string{
		{"Bcc", "a@b.cn"},
		{"cc", "a@b.cn"},
		{"SUBJECT", "x"},
		{"from", "a@b.cn"},
		{"Message-ID", "<x@y>"},
		{"Date", "now"},
		{"Content-Type", "text/html"},
		{"content-transfer-encoding", "8bit"},
		{"MIME-Version", "1.0"},
		{"Resent-To", "a@b.cn"},
		{"", "x"},
		{"X Y", "x"},
		{"X:Y", "x"},
		{"X-\r\nY", "x"},
		{"名", "x"},
		{"-X", "x"},
		{".X", "x"},
		{strings.Repeat("x", 77), "x"},
		{"List-Unsubscribe", "<https://例子.cn/>"},
		{"Sender", "nobody"},
		{"X-Long", strings.Repeat("x", 1000)},
		{"List-Id", "鸿雁"},
	} {
		head := letterhead()
		head.Headers = [][2]string{h}
		if _, err := message.NewComposer(head, nil); err == nil {
			t.Errorf("%q was taken", h)
		}
	}
	head := letterhead()
	head.Headers = [][2]string{{"X-A", "1"}, {"x-a", "2"}}
	if _, err := message.NewComposer(head, nil); err == nil || !strings.Contains(err.Error(), "x-a: is given twice") {
		t.Errorf("got %v", err)
	}
}

func TestALongUnsubscribeLinkStaysOnOneLine(t *testing.T) {
	t.Parallel()
	link := "<https://example.com/u/" + strings.Repeat("t", 600) + ">, <mailto:u@example.com?subject=u>"
	_, raw := compose(t, composer(t, letterhead(), ""), message.Letter{Headers: [][2]string{
		{"List-Unsubscribe", link}, {"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"},
	}})
	if !strings.Contains(raw, "\r\nList-Unsubscribe: "+link+"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n") {
		t.Error("the link was folded or changed")
	}
	_, raw = compose(t, composer(t, letterhead(), ""), message.Letter{Headers: [][2]string{{"X-Long", strings.Repeat("word ", 300)}}})
	for line := range strings.SplitSeq(raw, "\r\n") {
		if len(line) > 998 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}

func TestALettersHeaderTakesThePlaceOfTheLetterheads(t *testing.T) {
	t.Parallel()
	h := letterhead()
	h.Headers = [][2]string{{"X-Campaign", "all"}, {"X-City", "all"}, {"X-Empty", " "}}
	_, raw := compose(t, composer(t, h, ""), message.Letter{Headers: [][2]string{{"x-campaign", "own"}, {"X-CITY", ""}}})
	head, _, _ := strings.Cut(raw, "\r\n\r\n")
	if !strings.Contains(head, "\r\nx-campaign: own\r\n") || strings.Contains(strings.ToLower(head), "x-city") || strings.Contains(head, "all") {
		t.Errorf("got\n%s", head)
	}
}

func TestHeadersWithAddressesOrAnIDAreEncodedByTheirGrammar(t *testing.T) {
	t.Parallel()
	for given, want := range map[[2]string]string{
		{"Sender", "张三 <a@b.cn>"}:                      "Sender: =?utf-8?B?5byg5LiJ?= <a@b.cn>",
		{"Disposition-Notification-To", "a@b.cn"}:      "Disposition-Notification-To: a@b.cn",
		{"List-Id", "鸿雁周刊 <weekly.example.com>"}:       "List-Id: =?utf-8?B?6bi/6ZuB5ZGo5YiK?= <weekly.example.com>",
		{"List-Id", "Weekly <weekly.example.com>"}:     "List-Id: Weekly <weekly.example.com>",
		{"X-Note", "注意"}:                               "X-Note: =?utf-8?B?5rOo5oSP?=",
		{"Feedback-ID", " welcome:main:news:hongyan "}: "Feedback-ID: welcome:main:news:hongyan",
	} {
		_, raw := compose(t, composer(t, letterhead(), ""), message.Letter{Headers: [][2]string{given}})
		if !strings.Contains(raw, "\r\n"+want+"\r\n") {
			t.Errorf("%q is not in\n%s", want, raw)
		}
	}
}

func TestALetterheadMustBeWhole(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*message.Letterhead){
		"From: holds no address":                      func(h *message.Letterhead) { h.From.Address = "" },
		"From: holds a line break":                    func(h *message.Letterhead) { h.From.Name = "a\r\nBcc: b@c.cn" },
		"Reply-To: holds a bad address":               func(h *message.Letterhead) { h.ReplyTo = []mail.Address{{Address: "a b@c.cn"}} },
		"no key for Message-IDs":                      func(h *message.Letterhead) { h.Key = nil },
		"Message-ID: the domain \"a b\" is no host":   func(h *message.Letterhead) { h.Domain = "a b" },
		"sign for example.com: no key":                func(h *message.Letterhead) { h.Signer = &message.Signer{Domain: "example.com", Selector: "s"} },
		"domain and selector \"\" must be host names": func(h *message.Letterhead) { h.Signer = &message.Signer{Domain: "example.com"} },
	} {
		h := letterhead()
		change(&h)
		if _, err := message.NewComposer(h, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestTheIDIsTheSameForTheSameMailAndNoOther(t *testing.T) {
	t.Parallel()
	key := []byte("k")
	id := message.ID(key, "welcome", "main", "Li@Example.com", "qq.com")
	if len(id) != 26+len("@qq.com") || id != strings.ToLower(id) {
		t.Errorf("got %q", id)
	}
	if again := message.ID(key, "welcome", "main", "li@example.COM", "qq.com"); again != id {
		t.Errorf("the case of the address changed the ID: %q, %q", id, again)
	}
	for _, other := range []string{
		message.ID([]byte("l"), "welcome", "main", "li@example.com", "qq.com"),
		message.ID(key, "welcom", "emain", "li@example.com", "qq.com"),
		message.ID(key, "welcome", "2", "li@example.com", "qq.com"),
		message.ID(key, "welcome", "main", "lj@example.com", "qq.com"),
	} {
		if other == id {
			t.Errorf("another mail has the ID %q", id)
		}
	}
	m, raw := compose(t, composer(t, letterhead(), ""), message.Letter{})
	if want := message.ID(letterhead().Key, "welcome", "main", "li@example.com", "qq.com"); m.ID != want || !strings.Contains(raw, "\r\nMessage-ID: <"+want+">\r\n") {
		t.Errorf("got %q, want %q", m.ID, want)
	}
}

// FuzzNoValueAddsAHeader: whatever a list says, the mail has the same headers
// and they read back as they were written.
func FuzzNoValueAddsAHeader(f *testing.F) {
	for _, s := range []string{
		"", "张三", "a\r\nBcc: b@c.cn", "=?utf-8?Q?=0D=0ABcc:_b@c.cn?=", "\u2028", `"x" <y@z.cn>, w`, strings.Repeat("鸿 ", 99),
		strings.Repeat("x", 999), "\xff\xfe", "a\t b", " ", "(c)", `\`, "=?=?=", strings.Repeat("w ", 400), "{{.x}}", "%0d%0aBcc: x",
	} {
		f.Add(s, s, s)
	}
	c := composer(f, letterhead(), "")
	f.Fuzz(func(t *testing.T, subject, name, note string) {
		l := message.Letter{
			To: mail.Address{Name: name, Address: "li@example.com"}, Subject: subject, Date: noon,
			Headers: [][2]string{{"X-Note", "-" + note + "-"}},
		}
		m, err := c.Compose(l)
		if err != nil {
			if _, ok := errors.AsType[*message.Unfit](err); !ok {
				t.Fatal(err)
			}
			return
		}
		raw := wireIsSound(t, m)
		header, err := textproto.NewReader(bufio.NewReader(strings.NewReader(raw))).ReadMIMEHeader()
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"Content-Transfer-Encoding", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To", "X-Campaign", "X-Note"}
		if names := slices.Sorted(maps.Keys(header)); !slices.Equal(names, want) {
			t.Fatalf("headers %q", names)
		}
		for _, name := range want {
			if n := len(header[name]); n != 1 {
				t.Fatalf("%s: %d times", name, n)
			}
		}
		readsBack(t, raw, l)
	})
}

// readsBack unfolds by hand, since net/textproto trims and joins blanks.
func readsBack(t *testing.T, raw string, l message.Letter) {
	t.Helper()
	head, _, _ := strings.Cut(raw, "\r\n\r\n")
	_, rest, _ := strings.Cut(strings.ReplaceAll(head, "\r\n ", " "), "\r\nSubject: ")
	line, _, _ := strings.Cut(rest, "\r\nDate: ")
	subject, err := new(mime.WordDecoder).DecodeHeader(strings.ReplaceAll(line, "\r\n", ""))
	if want := strings.ToValidUTF8(l.Subject, "\uFFFD"); err != nil || subject != want {
		t.Fatalf("subject %q, want %q: %v", subject, want, err)
	}
	mailed, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	to, err := mailed.Header.AddressList("To")
	if err != nil || len(to) != 1 || to[0].Address != l.To.Address {
		t.Fatalf("to %v: %v", to, err)
	}
	if want := strings.Trim(strings.ToValidUTF8(l.To.Name, "\uFFFD"), " \t"); to[0].Name != want {
		t.Fatalf("name %q, want %q", to[0].Name, want)
	}
}

// wireIsSound returns the mail after checking what a server relies on.
func wireIsSound(t *testing.T, m *message.Message) string {
	t.Helper()
	var b strings.Builder
	n, err := m.WriteTo(&b)
	raw := b.String()
	if err != nil || n != int64(len(raw)) || m.Size() != n {
		t.Fatalf("wrote %d of %d, size %d: %v", n, len(raw), m.Size(), err)
	}
	var wire strings.Builder
	for _, segment := range m.Wire() {
		wire.Write(segment)
	}
	if wire.String() != stuffed(raw) {
		t.Fatal("the wire differs from the dot-stuffed mail")
	}
	if !strings.HasSuffix(raw, "\r\n") {
		t.Fatal("no line end at the end")
	}
	for line := range strings.SplitSeq(raw, "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n\x00") || strings.ContainsFunc(line, func(r rune) bool { return r > 127 }) {
			t.Fatalf("a bad line: %q", line)
		}
	}
	_, body, _ := strings.Cut(raw, "\r\n\r\n")
	for line := range strings.SplitSeq(body, "\r\n") {
		if len(line) > 76 && !strings.HasPrefix(line, " filename") && !strings.HasPrefix(line, " name") {
			t.Fatalf("a body line of %d bytes: %q", len(line), line)
		}
	}
	return raw
}

func stuffed(raw string) string {
	raw = strings.ReplaceAll("\r\n"+raw, "\r\n.", "\r\n..")
	return strings.TrimPrefix(raw, "\r\n")
}
