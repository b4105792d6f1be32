package reply_test

import (
	"io"
	"testing"
	"unicode/utf8"

	"hongyan/internal/reply"
)

func TestErrorsReadAsOneSentence(t *testing.T) {
	t.Parallel()
	no := func(stage reply.Stage, code int, text string) error {
		return &reply.Refusal{Answer: reply.New(stage, code, text)}
	}
	for want, err := range map[string]error{
		"DATA: 550 The recipient may contain a non-existent account": no(reply.AtDot, 550, "The recipient may contain a non-existent account"),
		"RCPT: 550 5.1.1 No such user":                               no(reply.AtRcpt, 550, "5.1.1 No such user"),
		"greeting: 554 Go away":                                      no(reply.AtGreeting, 554, "Go away"),
		"MAIL: 421":                                                  no(reply.AtMail, 421, ""),
		"MAIL: the mail is too big": &reply.Refusal{Answer: reply.Answer{
			Stage: reply.AtMail, Code: 552, Text: "the mail is too big", Local: true,
		}},
		"STARTTLS: link lost: EOF":                             &reply.Lost{Stage: reply.AtStartTLS, Err: io.EOF},
		"DATA: link lost after 70 bytes: EOF":                  &reply.Lost{Stage: reply.AtDot, Sent: 70, Err: io.EOF},
		"DATA: no answer to the whole mail of 4096 bytes: EOF": &reply.Doubt{Sent: 4096, Err: io.EOF},
	} {
		if got := err.Error(); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

func TestAnEnhancedCodeMustFitTheBasicOne(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]reply.Answer{
		"550 5.1.1 No":                         {Code: 550, Enhanced: "5.1.1", Text: "No"},
		"550 4.1.1 No":                         {Code: 550, Text: "4.1.1 No"},
		"550 5.1 No":                           {Code: 550, Text: "5.1 No"},
		"550 5.1.1234 No":                      {Code: 550, Text: "5.1.1234 No"},
		"550 5.1.1":                            {Code: 550, Enhanced: "5.1.1"},
		"550 5.1.1: No":                        {Code: 550, Text: "5.1.1: No"},
		"250":                                  {Code: 250},
		"250 ":                                 {Code: 250},
		"550-5.4.5 Daily\n550 5.4.5 limit\r\n": {Code: 550, Enhanced: "5.4.5", Text: "Daily limit"},
		"550-\r\n550-a\r\n550 b":               {Code: 550, Text: "a b"},
	} {
		want.Stage = reply.AtRcpt
		got, err := reply.Parse(reply.AtRcpt, said)
		if err != nil || got != want {
			t.Errorf("%q: got %+v, %v", said, got, err)
		}
	}
	for _, said := range []string{"", "hello", "55", "5500 x", "650 x", "150 x", "550x"} {
		if _, err := reply.Parse(reply.AtRcpt, said); err == nil {
			t.Errorf("%q passed for a reply", said)
		}
	}
}

func TestATerminalObeysNothingInAReply(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"plain text, 中文 and ü":    "plain text, 中文 and ü",
		"\x1b]0;owned\x07\x1b[2J": `\x1b]0;owned\x07\x1b[2J`,
		"a\rb\nc\td\x00":          `a\x0db\x0ac d\x00`,
		"\u202egnp.exe\u2066":     `\u202egnp.exe\u2066`,
		"\u0085\u009b31m":         `\x85\x9b31m`,
		"line\u2028line":          `line\u2028line`,
		"zero\u200bwidth\ufeff":   `zero\u200bwidth\ufeff`,
		"\xc7\xeb":                `\xc7\xeb`,
		"kept \ufffd":             "kept \ufffd",
		"tag \U000E0041":          `tag \U000e0041`,
	} {
		got := reply.Clean(said)
		if got != want {
			t.Errorf("%q\n got %q\nwant %q", said, got, want)
		}
		if reply.Clean(got) != got || !utf8.ValidString(got) {
			t.Errorf("%q is not clean yet", got)
		}
	}
}
