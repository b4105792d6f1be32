package message

import (
	"net/mail"
	"strings"
)

// tokens appends a structured header, folded between its tokens only.
type tokens struct {
	dst   []byte
	col   int
	begun bool
}

func startTokens(dst []byte, name string) *tokens {
	return &tokens{dst: append(append(dst, name...), ": "...), col: len(name) + 2}
}

// add appends a token behind a blank or on a line of its own.
func (t *tokens) add(s string) {
	t.part(len(s))
	t.dst = append(t.dst, s...)
	t.col += len(s)
}

// part leaves a blank, or folds when n more bytes do not fit.
func (t *tokens) part(n int) {
	switch {
	case !t.begun:
	case t.col+1+n > width:
		t.dst = append(t.dst, "\r\n "...)
		t.col = 1
	default:
		t.dst = append(t.dst, ' ')
		t.col++
	}
	t.begun = true
}

// mailbox appends "phrase <addr>", or the bare address when it has no name. QQ
// insists on the blank before "<".
func (t *tokens) mailbox(a mail.Address) {
	name := strings.Trim(a.Name, " \t")
	if name == "" {
		t.add(a.Address)
		return
	}
	t.phrase(name)
	t.add("<" + a.Address + ">")
}

// phrase appends a display name: as it is, quoted, or in encoded words, which
// may not stand inside quotes (RFC 2047 §5).
func (t *tokens) phrase(name string) {
	const longest = 60 // a quoted string cannot be folded everywhere
	switch {
	case !readable(name) || len(name) > longest:
		t.part(len("=?utf-8?B?1234?="))
		t.dst, t.col = appendWords(t.dst, name, t.col)
	case strings.Trim(name, atomText+" ") == "" && !strings.Contains(name, "  "):
		t.add(name)
	default:
		t.add(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`)
	}
}

// mailboxes appends a whole header of addresses and checks each.
func mailboxes(dst []byte, name string, list ...mail.Address) ([]byte, error) {
	t := startTokens(dst, name)
	for i, a := range list {
		if err := checkMailbox(name, a); err != nil {
			return dst, err
		}
		if i > 0 {
			t.dst = append(t.dst, ',')
			t.col++
		}
		t.mailbox(a)
	}
	return append(t.dst, "\r\n"...), nil
}

// checkMailbox allows what needs neither quotes nor SMTPUTF8 on any server.
func checkMailbox(part string, a mail.Address) error {
	if err := checkText(part, a.Name); err != nil {
		return err
	}
	at := strings.LastIndexByte(a.Address, '@')
	local, domain := a.Address[:max(at, 0)], a.Address[at+1:]
	switch {
	case local == "" || domain == "":
		return unfit(part, "holds no address: %q", a.Address)
	case len(local) > 64 || len(a.Address) > 254: // RFC 5321 §4.5.3.1
		return unfit(part, "holds an address that is too long: %q", a.Address)
	case strings.Trim(local, atomText+".") != "" || !hostname(domain):
		return unfit(part, "holds a bad address: %q", a.Address)
	}
	return nil
}

// atomText are the characters of an atom, RFC 5322 §3.2.3.
const atomText = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~"

// hostname tells labels of letters, digits, - and _.
func hostname(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, c := range []byte(label) {
			letter := 'a' <= c|0x20 && c|0x20 <= 'z'
			if !letter && c != '-' && c != '_' && (c < '0' || c > '9') {
				return false
			}
		}
	}
	return true
}
