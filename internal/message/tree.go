package message

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/textproto"
	"slices"

	"github.com/jordan-wright/email"
)

// shape is all that the MIME tree of a mail depends on; what its parts are
// called and hold is spliced in.
type shape struct {
	text, html, calendar bool
	images, files        int
}

// tree is a shape in bytes. Between its constants stand the leaves: text, HTML,
// images, calendar, files, in this order. A leaf is a part's header block, a
// blank line and the encoded body without a last line end.
type tree struct{ constants [][]byte }

// grow lets the library build the tree with sentinels for leaves and cuts them out.
func grow(s shape) (*tree, error) {
	if s.calendar && !s.html { // the library's second alternative is free
		s.calendar, s.html = false, true
	}
	e, sentinels := seed(s)
	raw, err := e.Bytes()
	if err != nil {
		return nil, fmt.Errorf("compose MIME tree: %w", err)
	}
	if s.calendar {
		if raw, sentinels, err = graftCalendar(raw, sentinels, s); err != nil {
			return nil, err
		}
	}
	// RFC 2387 §3.1 demands the parameter that the library leaves out.
	raw = bytes.ReplaceAll(raw, []byte("multipart/related;\r\n"), []byte("multipart/related; type=\"text/html\";\r\n"))
	return cutTree(raw, sentinels)
}

// seed returns the mail of a shape and the sentinels in their order.
func seed(s shape) (*email.Email, [][]byte) {
	e := &email.Email{Headers: textproto.MIMEHeader{}}
	var sentinels [][]byte
	if s.text {
		e.Text = sentinel()
		sentinels = append(sentinels, e.Text)
	}
	if s.html {
		e.HTML = sentinel()
		sentinels = append(sentinels, e.HTML)
	}
	for i := range s.images + s.files {
		content := sentinel()
		sentinels = append(sentinels, base64.StdEncoding.AppendEncode(nil, content))
		e.Attachments = append(e.Attachments, &email.Attachment{
			Header: textproto.MIMEHeader{}, Content: content, HTMLRelated: i < s.images,
		})
	}
	return e, sentinels
}

// sentinel is text that stays itself in quoted-printable and fits one line.
func sentinel() []byte {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand
	return hex.AppendEncode(nil, b[:])
}

// graftCalendar puts one more leaf at the end of multipart/alternative, which
// the library builds for two bodies only.
func graftCalendar(raw []byte, sentinels [][]byte, s shape) ([]byte, [][]byte, error) {
	_, rest, ok := bytes.Cut(raw, []byte("multipart/alternative;\r\n boundary="))
	boundary, _, _ := bytes.Cut(rest, []byte("\r\n"))
	end := slices.Concat([]byte("\r\n--"), boundary, []byte("--"))
	if !ok || bytes.Count(raw, end) != 1 {
		return nil, nil, fmt.Errorf("compose MIME tree: no multipart/alternative for the calendar")
	}
	mark := sentinel()
	leaf := slices.Concat([]byte("\r\n--"), boundary, []byte("\r\n\r\n"), mark)
	at := bytes.Index(raw, end)
	return slices.Insert(raw, at, leaf...), slices.Insert(sentinels, 2+s.images, mark), nil
}

// cutTree takes each sentinel out of raw, with the header block before it.
func cutTree(raw []byte, sentinels [][]byte) (*tree, error) {
	t := &tree{}
	from := bodyOf(raw)
	prefix := contentFields(raw[:from])
	if len(sentinels) == 1 && bytes.HasPrefix(raw[from:], sentinels[0]) {
		prefix = nil // the leaf is the whole mail, its header block the mail's
	}
	for i, mark := range sentinels {
		at := bytes.Index(raw, mark)
		if at < from || bytes.Count(raw, mark) != 1 {
			return nil, fmt.Errorf("compose MIME tree: part %d is not found exactly once", i+1)
		}
		t.constants = append(t.constants, slices.Concat(prefix, raw[from:headOf(raw, from, at)]))
		prefix, from = nil, at+len(mark)
		// base64 bodies end with a line end of their own; leaves do not
		if bytes.HasPrefix(raw[from:], []byte("\r\n\r\n--")) {
			from += 2
		}
	}
	t.constants = append(t.constants, slices.Clip(raw[from:]))
	return t, nil
}

// bodyOf is where the body of a mail begins.
func bodyOf(raw []byte) int { return bytes.Index(raw, []byte("\r\n\r\n")) + 4 }

// headOf is where the header block of the part begins whose body is at.
func headOf(raw []byte, from, at int) int {
	boundary := bytes.LastIndex(raw[from:at], []byte("--"))
	if boundary < 0 {
		return at
	}
	boundary += from
	return boundary + bytes.Index(raw[boundary:], []byte("\r\n")) + 2
}

// contentFields keeps the Content-* fields of a header block and its last,
// empty line; the others are not the library's to write.
func contentFields(head []byte) []byte {
	var kept []byte
	keep := false
	for line := range bytes.Lines(head) {
		if line[0] != ' ' && line[0] != '\t' {
			keep = bytes.HasPrefix(line, []byte("Content-"))
		}
		if keep || string(line) == "\r\n" {
			kept = append(kept, line...)
		}
	}
	return kept
}
