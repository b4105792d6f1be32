package message_test

import (
	"net/mail"
	"strings"
	"testing"
	"time"

	"hongyan/internal/message"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("CST", 8*3600))

func letterhead() message.Letterhead {
	return message.Letterhead{
		Campaign: "welcome", Issue: "main", Key: []byte("the key of the tests"),
		From:    mail.Address{Name: "张三", Address: "you@qq.com"},
		Headers: [][2]string{{"X-Campaign", "welcome"}},
	}
}

// composer returns one that may attach the files of dir, if any.
func composer(tb testing.TB, h message.Letterhead, dir string) *message.Composer {
	tb.Helper()
	var files *message.Files
	if dir != "" {
		f, err := message.NewFiles(dir)
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = f.Close() })
		files = f
	}
	c, err := message.NewComposer(h, files)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// compose returns the mail and its bytes.
func compose(tb testing.TB, c *message.Composer, l message.Letter) (*message.Message, string) {
	tb.Helper()
	if l.Date.IsZero() {
		l.Date = noon
	}
	if l.To.Address == "" {
		l.To.Address = "li@example.com"
	}
	m, err := c.Compose(l)
	if err != nil {
		tb.Fatal(err)
	}
	var b strings.Builder
	if _, err := m.WriteTo(&b); err != nil {
		tb.Fatal(err)
	}
	return m, b.String()
}
