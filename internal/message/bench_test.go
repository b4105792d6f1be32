package message_test

import (
	"bytes"
	"net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jordan-wright/email"

	"hongyan/internal/message"
)

// The letter of the figures: 2 KB of text, 6 KB of Chinese HTML.
var (
	benchText = []byte(strings.Repeat("尊敬的李雷，您好：\n\n您的订单 20261123 已经发货，预计三天内送达。\n", 24)[:2049])
	benchHTML = []byte(strings.Repeat(`<p style="margin:0 0 16px">尊敬的李雷，您的订单已经发货，<a href="https://example.com/o?id=7">立即查看</a>。</p>`+"\n", 47)[:6000])
)

func benchLetter() message.Letter {
	return message.Letter{
		To:      mail.Address{Name: "李雷", Address: "li@example.com"},
		Subject: "李雷，您的订单已经发货", Text: benchText, HTML: benchHTML,
		Date: time.Date(2026, 11, 23, 9, 0, 0, 0, time.FixedZone("", 8*3600)),
	}
}

func BenchmarkCompose(b *testing.B) {
	c := composer(b, letterhead(), "")
	benchmark(b, c, benchLetter())
}

func BenchmarkComposeShared100K(b *testing.B) {
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "brochure.pdf"), make([]byte, 100<<10), 0o600); err != nil {
		b.Fatal(err)
	}
	l := benchLetter()
	l.Attachments = []message.Attachment{{File: "brochure.pdf", Name: "产品手册.pdf"}}
	benchmark(b, composer(b, letterhead(), dir), l)
}

func benchmark(b *testing.B, c *message.Composer, l message.Letter) {
	b.ReportAllocs()
	for b.Loop() {
		m, err := c.Compose(l)
		if err != nil {
			b.Fatal(err)
		}
		_ = m.Wire()
		m.Release()
	}
}

// BenchmarkEmailBytes is the same mail by the library alone.
func BenchmarkEmailBytes(b *testing.B) { benchmarkLibrary(b, nil) }

func BenchmarkEmailBytes100K(b *testing.B) { benchmarkLibrary(b, make([]byte, 100<<10)) }

func benchmarkLibrary(b *testing.B, file []byte) {
	b.ReportAllocs()
	l := benchLetter()
	for b.Loop() {
		e := &email.Email{
			From: "张三 <you@qq.com>", To: []string{"李雷 <li@example.com>"}, Subject: l.Subject,
			Text: l.Text, HTML: l.HTML, Headers: textproto.MIMEHeader{"X-Campaign": {"welcome"}},
		}
		if file != nil {
			if _, err := e.Attach(bytes.NewReader(file), "brochure.pdf", "application/pdf"); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := e.Bytes(); err != nil {
			b.Fatal(err)
		}
	}
}
