package message

import (
	"encoding/base64"
	"net/mail"
	"net/textproto"
	"strings"
	"unicode/utf8"
)

// hard is the longest line that RFC 5322 §2.1.1 allows, without its line end.
const hard = 998

// A field is a header of the letterhead, checked and written once.
type field struct {
	name string // canonical
	line []byte // with its line end; may be folded
}

// newField checks a header of the campaign and writes it; line is empty when
// the value is, for a header without a value is no header.
func newField(name, value string) (field, error) {
	if err := checkName(name); err != nil {
		return field{}, err
	}
	canonical := textproto.CanonicalMIMEHeaderKey(name)
	if why := reserved(canonical); why != "" {
		return field{}, unfit(name, why)
	}
	if err := checkText(name, value); err != nil {
		return field{}, err
	}
	f := field{name: canonical}
	value = strings.Trim(value, " \t")
	if value == "" {
		return f, nil
	}
	line, err := appendField(nil, name, value)
	f.line = line
	return f, err
}

// appendField appends a whole header by what kind it is.
func appendField(dst []byte, name, value string) ([]byte, error) {
	switch canonical := textproto.CanonicalMIMEHeaderKey(name); {
	case holdsAddresses(canonical):
		list, err := mail.ParseAddressList(value)
		if err != nil {
			return nil, unfit(name, "holds no address that a mail could carry: %s", value)
		}
		return mailboxes(dst, name, values(list)...)
	case canonical == "List-Id" && !ascii(value):
		return appendListID(dst, name, value)
	case ascii(value):
		return appendLine(dst, name, value)
	case strings.HasPrefix(canonical, "List-"), canonical == "References", canonical == "In-Reply-To":
		return nil, unfit(name, "must be ASCII; write other characters as %%XX")
	}
	return appendText(dst, name, value), nil
}

func values(list []*mail.Address) []mail.Address {
	out := make([]mail.Address, len(list))
	for i, a := range list {
		out[i] = *a
	}
	return out
}

// appendLine keeps a value on one line while it may be: a folded
// List-Unsubscribe broke signatures on its way (nodemailer #1654).
func appendLine(dst []byte, name, value string) ([]byte, error) {
	col := len(name) + 2
	if longestWord(value)+col > hard {
		return nil, unfit(name, "is over %d bytes and has no blank to fold it at", hard)
	}
	dst = append(append(dst, name...), ": "...)
	if col+len(value) <= hard {
		dst = append(dst, value...)
	} else {
		dst = appendFolded(dst, value, col)
	}
	return append(dst, "\r\n"...), nil
}

// appendListID writes "phrase <id>" (RFC 2919) with the phrase in words.
func appendListID(dst []byte, name, value string) ([]byte, error) {
	at := strings.LastIndexByte(value, '<')
	if at < 1 || !ascii(value[at:]) || len(value)-at > hard-1 {
		return nil, unfit(name, "must end with an ASCII <id>")
	}
	t := startTokens(dst, name)
	t.phrase(strings.TrimSpace(value[:at]))
	t.add(value[at:])
	return append(t.dst, "\r\n"...), nil
}

// appendText appends a whole header of free text.
func appendText(dst []byte, name, value string) []byte {
	dst = append(append(dst, name...), ": "...)
	col := len(name) + 2
	if readable(value) && longestWord(value)+col <= width {
		dst = appendFolded(dst, value, col)
	} else {
		dst, _ = appendWords(dst, value, col)
	}
	return append(dst, "\r\n"...)
}

// appendFolded appends ASCII, folded before blanks so that unfolding gives the
// very same bytes. col is where the line stands.
func appendFolded(dst []byte, value string, col int) []byte {
	for value != "" {
		n := wordEnd(value)
		if col+n > width && (value[0] == ' ' || value[0] == '\t') {
			dst = append(dst, '\r', '\n')
			col = 0
		}
		dst = append(dst, value[:n]...)
		col += n
		value = value[n:]
	}
	return dst
}

// wordEnd is the end of the first word, blanks before it included.
func wordEnd(s string) int {
	i := 0
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	for i < len(s) && s[i] != ' ' && s[i] != '\t' {
		i++
	}
	return i
}

func longestWord(s string) int {
	longest := 0
	for s != "" {
		n := wordEnd(s)
		longest = max(longest, n)
		s = s[n:]
	}
	return longest
}

// appendWords appends text as encoded words (RFC 2047), B because QQ accepts no
// other and Chinese is shorter in it, split between characters, one a line.
func appendWords(dst []byte, s string, col int) ([]byte, int) {
	const open, shut = "=?utf-8?B?", "?="
	s = strings.ToValidUTF8(s, "\uFFFD")
	for {
		n := cut(s, (width-col-len(open)-len(shut))/4*3)
		if n > 0 {
			dst = append(dst, open...)
			dst = base64.StdEncoding.AppendEncode(dst, []byte(s[:n]))
			dst = append(dst, shut...)
			col += len(open) + base64.StdEncoding.EncodedLen(n) + len(shut)
			s = s[n:]
		}
		if s == "" {
			return dst, col
		}
		dst = append(dst, "\r\n "...)
		col = 1
	}
}

// cut is the longest start of s of at most n bytes that ends between characters.
func cut(s string, n int) int {
	if n >= len(s) {
		return len(s)
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return max(n, 0)
}

// checkName allows the names that every relay lets through.
func checkName(name string) error {
	if name == "" || len(name) > 76 {
		return unfit(name, "is no header name: 1 to 76 letters, digits and -")
	}
	for i, c := range []byte(name) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return unfit(strings.ToValidUTF8(name, "\uFFFD"), "is no header name: letters, digits and - only")
		}
	}
	return nil
}

// checkText refuses what could end a header or hide in one: every control
// character but TAB.
func checkText(name, value string) error {
	for i, c := range []byte(value) {
		if c < ' ' && c != '\t' {
			return unfit(name, "holds %s at byte %d", control(c), i+1)
		}
	}
	return nil
}

func control(c byte) string {
	switch c {
	case '\r', '\n':
		return "a line break"
	case 0:
		return "a NUL"
	}
	return "a control character"
}

// reserved says why a campaign may not write a header itself, or "".
func reserved(name string) string {
	switch name {
	case "From", "To", "Subject", "Date", "Message-Id", "Reply-To", "Mime-Version":
		return "is written by hongyan itself"
	case "Cc", "Bcc":
		return "would show one recipient to another; every mail has one recipient"
	case "Dkim-Signature", "Received", "Return-Path":
		return "is written by mail servers"
	}
	if strings.HasPrefix(name, "Content-") {
		return "belongs to the body, which hongyan encodes"
	}
	if strings.HasPrefix(name, "Resent-") {
		return "is written by mail servers"
	}
	return ""
}

func holdsAddresses(name string) bool {
	switch name {
	case "Sender", "Disposition-Notification-To", "Return-Receipt-To",
		"X-Confirm-Reading-To", "Errors-To", "Mail-Followup-To", "Mail-Reply-To":
		return true
	}
	return false
}

// readable tells text that can stand in a header as it is.
func readable(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return !strings.Contains(s, "=?") && strings.Trim(s, " ") == s
}

// ascii tells 7-bit text without DEL; blanks are its only white space but TAB.
func ascii(s string) bool {
	for _, c := range []byte(s) {
		if c >= 0x7F {
			return false
		}
	}
	return true
}
