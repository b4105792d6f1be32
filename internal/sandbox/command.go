package sandbox

import (
	"net"
	"strconv"
	"strings"
	"time"
)

// command answers one line of the client.
func (x *session) command(line string) {
	verb, rest, _ := strings.Cut(line, " ")
	verb = strings.ToUpper(verb)
	if verb == "AUTH" {
		x.log.Debug("hears", "command", "AUTH …") // the rest is a secret
	} else {
		x.log.Debug("hears", "command", line)
	}
	if x.faults > mostErrors {
		x.say("toomany")
		return
	}
	x.obey(verb, strings.TrimSpace(rest))
}

func (x *session) obey(verb, rest string) {
	switch verb {
	case "EHLO":
		x.hello(x.extensions())
	case "HELO":
		x.hello(x.p.Helo)
	case "STARTTLS":
		x.startTLS()
	case "AUTH":
		x.auth(rest)
	case "MAIL":
		x.mail(rest)
	case "RCPT":
		x.rcpt(rest)
	case "DATA":
		x.data()
	case "QUIT":
		x.over, x.cut = true, Close
		x.answer(AtQuit, x.p.Replies["bye"])
	default:
		x.rest(verb)
	}
}

func (x *session) rest(verb string) {
	switch verb {
	case "RSET":
		x.reset()
		x.say("ok")
	case "NOOP":
		x.say("ok")
	case "VRFY", "EXPN":
		x.say("verify")
	default:
		x.say("unknown")
	}
}

func (x *session) reset() { x.mailing, x.from, x.to = false, "", nil }

func (x *session) hello(words string) {
	x.reset()
	if said := x.answer(AtEhlo, words); strings.HasPrefix(said, "250") {
		x.helloed = true
	}
}

// extensions is the answer to EHLO. Logins are announced where they are
// allowed only, as RFC 4954 §4 has it.
func (x *session) extensions() string {
	lines := []string{x.p.Hello}
	for _, l := range x.p.Ehlo {
		if x.secure || !strings.HasPrefix(l, "AUTH") {
			lines = append(lines, l)
		}
	}
	if x.o.TLS == StartTLS && !x.secure {
		lines = append(lines[:1:1], append([]string{"STARTTLS"}, lines[1:]...)...)
	}
	last := len(lines) - 1
	for i, l := range lines[:last] {
		lines[i] = "250-" + l
	}
	lines[last] = "250 " + lines[last]
	return strings.Join(lines, "\n")
}

func (x *session) startTLS() {
	if x.secure || x.o.TLS != StartTLS {
		x.say("unknown")
		return
	}
	said := x.answer(AtStartTLS, x.p.Replies["tls"])
	if !strings.HasPrefix(said, "220") || x.over {
		return
	}
	if x.in.Buffered() > 0 || x.flush() != nil { // commands injected before TLS (CVE-2011-0411)
		x.over, x.cut = true, Drop
		return
	}
	x.helloed = false
	x.shake()
}

// mail judges MAIL FROM.
func (x *session) mail(rest string) {
	from, params, ok := path(rest, "FROM:")
	own := "mail"
	switch {
	case !x.helloed:
		own = "needehlo"
	case x.loginNeeded() && x.login == "":
		own = "needlogin"
	case x.mailing:
		own = "twice"
	case !ok:
		own = "badaddress"
	case x.p.Own && x.login != "" && !strings.EqualFold(from, x.login):
		own = "notown"
	case x.tooBig(params):
		own = "toobig"
	}
	if said := x.judged(AtMail, own); strings.HasPrefix(said, "2") {
		x.mailing, x.from = true, from
	}
}

// judged answers with the named reply, or with that of a limit that is passed.
func (x *session) judged(stage Stage, name string) string {
	own := x.p.Replies[name]
	if own[0] > '3' {
		x.say(name)
		return own
	}
	if words := x.exceeded(stage, time.Now()); words != "" {
		own = words
	}
	said := x.answer(stage, own)
	if strings.HasPrefix(said, "421") && !x.over {
		x.over, x.cut = true, Close
	}
	return said
}

func (x *session) loginNeeded() bool {
	return x.o.TLS != Plain && (x.p.Login || !x.anonymous)
}

func (x *session) tooBig(params []string) bool {
	for _, p := range params {
		if key, value, _ := strings.Cut(p, "="); strings.EqualFold(key, "SIZE") {
			size, err := strconv.ParseInt(value, 10, 64)
			return err == nil && x.p.Limits.Size > 0 && size > x.p.Limits.Size
		}
	}
	return false
}

// rcpt judges RCPT TO.
func (x *session) rcpt(rest string) {
	to, _, ok := path(rest, "TO:")
	switch {
	case !x.mailing:
		x.say("needmail")
		return
	case !ok || !strings.Contains(to, "@"):
		x.say("badaddress")
		return
	}
	x.to = append(x.to, to)
	if said := x.judged(AtRcpt, "rcpt"); !strings.HasPrefix(said, "2") {
		x.to = x.to[:len(x.to)-1]
	}
}

// path takes "FROM:<a@b> KEY=value" apart; blanks after the colon are forgiven.
func path(rest, word string) (address string, params []string, ok bool) {
	if len(rest) < len(word) || !strings.EqualFold(rest[:len(word)], word) {
		return "", nil, false
	}
	rest = strings.TrimSpace(rest[len(word):])
	inner, ok := strings.CutPrefix(rest, "<")
	address, tail, closed := strings.Cut(inner, ">")
	if !ok || !closed || strings.ContainsAny(address, " <\x00") {
		return "", nil, false
	}
	return address, strings.Fields(tail), true
}

// fill puts what is known into the holes of a reply.
func (x *session) fill(words string) string {
	client, _, _ := net.SplitHostPort(x.raw.RemoteAddr().String())
	rcpt := ""
	if len(x.to) > 0 {
		rcpt = x.to[len(x.to)-1]
	}
	return strings.NewReplacer(
		"{host}", x.p.Host, "{client}", client, "{login}", x.login, "{rcpt}", rcpt,
		"{id}", strconv.Itoa(x.n*1000+x.mails),
	).Replace(words)
}
