package message_test

import (
	"net/mail"
	"strings"
	"testing"
	"time"

	"hongyan/internal/message"
)

func TestAnInvitationFoldsAndEscapes(t *testing.T) {
	t.Parallel()
	v := message.Invite{
		UID: "e1@example.com", Start: noon, End: noon.Add(time.Hour), Summary: `a, b; c\d`, Description: strings.Repeat("很长的说明", 20) + "\nEND:VEVENT\r\nATTENDEE:x",
		Organizer: mail.Address{Name: `张 "三"; x:y`, Address: "you@qq.com"}, Attendee: mail.Address{Address: "li@example.com"}, Sequence: 2,
	}
	ics, err := v.ICS(noon)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(ics), "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") || !strings.HasPrefix(strings.ToValidUTF8(line, "!"), line) {
			t.Errorf("a bad line %q", line)
		}
	}
	unfolded := strings.ReplaceAll(string(ics), "\r\n ", "")
	for _, want := range []string{
		`SUMMARY:a\, b\; c\\d`, "DTSTART:20261123T040000Z", "DTEND:20261123T050000Z", "DTSTAMP:20261123T040000Z", "SEQUENCE:2", "METHOD:REQUEST", "STATUS:CONFIRMED",
		`说明\nEND:VEVENT\nATTENDEE:x`, `ORGANIZER;CN="张 '三'; x:y":mailto:you@qq.com`, "RSVP=TRUE:mailto:li@example.com",
	} {
		if !strings.Contains(unfolded, want) {
			t.Errorf("%q is not in\n%s", want, unfolded)
		}
	}
	if n := strings.Count(unfolded, "\r\nEND:VEVENT"); n != 1 {
		t.Errorf("the event ends %d times", n)
	}
}

func TestACalledOffMeeting(t *testing.T) {
	t.Parallel()
	v := meeting()
	v.Method = "cancel"
	_, raw := compose(t, composer(t, letterhead(), ""), message.Letter{Text: []byte("x"), Invite: v})
	for _, want := range []string{"text/calendar; charset=utf-8; method=CANCEL", "METHOD:CANCEL", "STATUS:CANCELLED"} {
		if !strings.Contains(raw, want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestWhatIsPublishedAsksNobody(t *testing.T) {
	t.Parallel()
	v := meeting()
	v.Method, v.UID = "publish", "e1@example.com"
	v.Organizer, v.Attendee = mail.Address{Address: "you@qq.com"}, mail.Address{Address: "li@example.com"}
	ics, err := v.ICS(noon)
	if err != nil || strings.Contains(string(ics), "ATTENDEE") || !strings.Contains(string(ics), "METHOD:PUBLISH") {
		t.Errorf("%v:\n%s", err, ics)
	}
}

func TestAnInvitationThatCannotBe(t *testing.T) {
	t.Parallel()
	c := composer(t, letterhead(), "")
	for name, change := range map[string]func(*message.Invite){
		"no summary":         func(v *message.Invite) { v.Summary = "" },
		"ends before it was": func(v *message.Invite) { v.End = v.Start.Add(-1) },
		"no start":           func(v *message.Invite) { v.Start = time.Time{} },
		"unknown method":     func(v *message.Invite) { v.Method = "REPLY" },
		"a line in the name": func(v *message.Invite) { v.Organizer = mail.Address{Name: "a\nb", Address: "a@b.cn"} },
		"a bad address":      func(v *message.Invite) { v.Attendee.Address = "a\r\nb@c.cn" },
		"a NUL":              func(v *message.Invite) { v.Location = "\x00" },
	} {
		t.Run(name, func(t *testing.T) {
			v := meeting()
			change(v)
			refused(t, c, message.Letter{Text: []byte("x"), Invite: v}, "invitation")
		})
	}
	refused(t, c, message.Letter{HTML: []byte("x"), Invite: meeting()}, "invitation")
}

func TestImagesNeedAnIDAndSomethingToShowThem(t *testing.T) {
	t.Parallel()
	c := composer(t, letterhead(), "")
	for _, image := range []message.Image{
		{Name: "a.png"},
		{CID: "a b", Name: "a.png"},
		{CID: "a>\r\nX: y", Name: "a.png"},
		{CID: "名", Name: "a.png"},
		{CID: "a", Name: "a.png", Type: "image/png\r\nX: y"},
	} {
		refused(t, c, message.Letter{HTML: []byte("x"), Images: []message.Image{image}}, "image a.png")
	}
	lost := message.Image{CID: "a", Name: "a.png", File: "/no/such/a.png"}
	refused(t, c, message.Letter{HTML: []byte("x"), Images: []message.Image{lost}}, "image /no/such/a.png")
	refused(t, c, message.Letter{Text: []byte("x"), Images: []message.Image{{CID: "a", Name: "a.png"}}}, "image a.png")
}
