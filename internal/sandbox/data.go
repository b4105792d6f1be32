package sandbox

import (
	"bufio"
	"bytes"
	"errors"
	"net/mail"
	"strings"
	"time"
)

// data takes the body and judges the mail.
func (x *session) data() {
	switch {
	case !x.mailing:
		x.say("needmail")
		return
	case len(x.to) == 0:
		x.say("needrcpt")
		return
	}
	if said := x.judged(AtData, "data"); !strings.HasPrefix(said, "354") || x.over {
		return
	}
	body, whole := x.body()
	if !whole || x.over {
		return
	}
	x.verdict(body)
	x.framed = x.p.Frame
	x.reset()
}

// body reads to the final dot and takes the stuffing out. Bytes over the limit
// are read and forgotten: then len(body) is over it by one.
func (x *session) body() (body []byte, whole bool) {
	start, last := true, byte(0)
	for first := true; ; first = false {
		part, err := x.in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			x.over, x.cut = true, Drop
			return nil, false
		}
		if first && !x.glance() {
			return nil, false
		}
		if start && string(part) == ".\r\n" {
			return body, true
		}
		begins := start
		start = ended(part, last)
		last = part[len(part)-1]
		if begins && part[0] == '.' {
			part = part[1:]
		}
		body = x.keepUp(body, part)
	}
}

// ended reports whether the part, which came after the byte last, ends a line:
// by CR LF and by nothing else (RFC 5321 §2.3.8).
func ended(part []byte, last byte) bool {
	if len(part) == 1 {
		return part[0] == '\n' && last == '\r'
	}
	return bytes.HasSuffix(part, []byte("\r\n"))
}

func (x *session) keepUp(body, part []byte) []byte {
	most := x.p.Limits.Size
	if most > 0 && int64(len(body)+len(part)) > most {
		part = part[:max(0, min(int(most)+1-len(body), len(part)))]
	}
	return append(body, part...)
}

// glance lets the conduct step in while the body is on its way.
func (x *session) glance() bool {
	a := x.action(AtBody, x.to, time.Now())
	return a == (Action{}) || x.act(a, a.Reply)
}

// verdict answers the final dot; a mail it says yes to has been kept before.
func (x *session) verdict(body []byte) {
	name, letter := x.flaw(body)
	if name != "" {
		x.say(name)
		return
	}
	own := x.p.Replies["queued"]
	if words := x.exceeded(AtDot, time.Now()); words != "" {
		own = words
	}
	a := x.action(AtDot, x.to, time.Now())
	if a.Reply != "" {
		own = a.Reply
	}
	if a.Mute || !strings.HasPrefix(own, "2") {
		x.refuse(a, own)
		return
	}
	if !x.act(Action{Wait: a.Wait}, "") {
		return
	}
	x.accept(letter, own)
	x.act(Action{Cut: a.Cut}, "")
}

func (x *session) refuse(a Action, words string) {
	if a.Mute {
		words = ""
	}
	x.log.Info("mail refused", "to", x.to, "reply", words)
	x.act(a, words)
	if strings.HasPrefix(words, "421") && !x.over {
		x.over, x.cut = true, Close
	}
}

// accept keeps the mail and then says so; the order is the point, because a
// client may believe the answer.
func (x *session) accept(letter Mail, words string) {
	letter.At = time.Now()
	if err := x.mailroom.keep(letter); err != nil {
		x.log.Error("mail not kept", "to", x.to, "error", err)
		x.say("unkept")
		return
	}
	x.mails++
	x.took(x.login, letter.At)
	x.log.Info("mail taken", "to", x.to, "id", letter.ID)
	x.answer(AtTaken, words)
}

// flaw names the reply to a mail that nobody could take; "" when it is sound.
func (x *session) flaw(body []byte) (name string, letter Mail) {
	if most := x.p.Limits.Size; most > 0 && int64(len(body)) > most {
		return "toobig", letter
	}
	if x.p.Strict && !sound(body) {
		return "strict", letter
	}
	letter = Mail{Connection: x.n, Login: x.login, From: x.from, To: x.to, Data: body}
	m, err := mail.ReadMessage(bytes.NewReader(body))
	if err != nil {
		m = &mail.Message{Header: mail.Header{}}
	}
	letter.ID = strings.Trim(m.Header.Get("Message-Id"), "<> \t")
	return x.sender(m.Header), letter
}

// sender judges the header From.
func (x *session) sender(h mail.Header) string {
	if x.p.From == "" {
		return ""
	}
	from := h["From"]
	if len(from) != 1 {
		return "badfrom"
	}
	a, err := mail.ParseAddress(from[0])
	switch {
	case err != nil:
		return "badfrom"
	case x.p.From == "same" && !strings.EqualFold(a.Address, x.from):
		return "othersender"
	}
	return ""
}

// sound reports whether the body has CR and LF only together and no line over
// 998 octets (RFC 5322 §2.1.1, §2.3).
func sound(body []byte) bool {
	for line := range bytes.SplitSeq(body, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n") {
			return false
		}
	}
	return true
}
