package smtp_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"hongyan/internal/reply"
	"hongyan/internal/smtp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A letter is an honest small mail.
type letter struct {
	from, to string
	wire     [][]byte
	size     int64
}

func (l *letter) Envelope() (from, to string) { return l.from, l.to }
func (l *letter) Wire() [][]byte              { return l.wire }
func (l *letter) Size() int64                 { return l.size }

// newLetter makes the n-th mail of a dialogue: to n@example.org, its body in
// three segments, with a line that was dot-stuffed.
func newLetter(n string) *letter {
	l := &letter{from: "a@example.com", to: n + "@example.org"}
	for _, part := range []string{"Subject: mail " + n + "\r\n\r\n", "..a dot\r\n", "end of " + n + "\r\n"} {
		l.wire = append(l.wire, []byte(part))
		l.size += int64(len(part))
	}
	l.size-- // the stuffed dot
	return l
}

func (l *letter) text() string {
	var b strings.Builder
	for _, part := range l.wire {
		b.Write(part)
	}
	return b.String()
}

// padded adds lines up to about so many bytes.
func (l *letter) padded(size int) *letter {
	line := []byte(strings.Repeat("x", 76) + "\r\n")
	for ; int(l.size) < size; l.size += int64(len(line)) {
		l.wire = append(l.wire, line)
	}
	return l
}

// outcome is what became of a mail, in the words of the fixtures.
func outcome(a reply.Answer, err error) string {
	kind := "broken"
	switch {
	case err == nil && a.Code == 0:
		return "ok"
	case err == nil:
		return "sent: " + a.Reply()
	case is[*reply.Refusal](err):
		kind = "refused"
	case is[*reply.Lost](err):
		kind = "lost"
	case is[*reply.Doubt](err):
		kind = "doubt"
	}
	return fmt.Sprintf("%s: %v", kind, err)
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func life(c *smtp.Client) string {
	if c == nil || c.Dead() {
		return " (dead)"
	}
	return ""
}
