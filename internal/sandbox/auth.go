package sandbox

import (
	"encoding/base64"
	"strings"
)

// auth checks a login by PLAIN (RFC 4616) or LOGIN.
func (x *session) auth(rest string) {
	mechanism, initial, _ := strings.Cut(rest, " ")
	switch {
	case !x.helloed:
		x.say("needehlo")
	case !x.secure:
		x.say("needtls")
	case x.login != "":
		x.say("twice")
	case strings.EqualFold(mechanism, "PLAIN"):
		x.plain(initial)
	case strings.EqualFold(mechanism, "LOGIN"):
		x.prompted(initial)
	default:
		x.say("badmechanism")
	}
}

func (x *session) plain(initial string) {
	if initial == "" {
		var ok bool
		if initial, ok = x.ask(""); !ok {
			return
		}
	}
	words, ok := x.decode(initial)
	if !ok {
		return
	}
	parts := strings.Split(words, "\x00")
	if len(parts) != 3 {
		x.say("aborted")
		return
	}
	x.admit(parts[1], parts[2])
}

func (x *session) prompted(initial string) {
	var ok bool
	if initial == "" {
		if initial, ok = x.ask(x.p.Prompts[0]); !ok {
			return
		}
	}
	user, ok := x.decode(initial)
	if !ok {
		return
	}
	answer, ok := x.ask(x.p.Prompts[1])
	if !ok {
		return
	}
	if code, ok := x.decode(answer); ok {
		x.admit(user, code)
	}
}

// ask gives a prompt and reads the answer.
func (x *session) ask(prompt string) (string, bool) {
	x.write("334 " + base64.StdEncoding.EncodeToString([]byte(prompt)))
	line, err := x.line()
	if err != nil {
		x.over, x.cut = true, Drop
	}
	return line, err == nil
}

func (x *session) decode(words string) (string, bool) {
	if words == "=" { // RFC 4954 §4: an empty initial answer
		return "", true
	}
	b, err := base64.StdEncoding.DecodeString(words)
	if words == "*" || err != nil {
		x.say("aborted")
		return "", false
	}
	return string(b), true
}

// admit gives the verdict on the login.
func (x *session) admit(user, code string) {
	name := "badlogin"
	if x.lets(user, code) {
		name = "loggedin"
	}
	said := x.answer(AtAuth, x.p.Replies[name])
	if strings.HasPrefix(said, "235") {
		x.login = user
		x.enter(user, x.n)
		return
	}
	x.log.Info("login refused", "user", user)
	x.hangUp(name)
}
