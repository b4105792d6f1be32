// Package reply owns what a server's answer means: the answer as a fact, the
// three ways a mail can fail on the wire, and the rules, kept as data per
// provider, that turn an answer into a verdict: whom it stops and for how long.
// It must never talk to anyone, remember anything or read the clock.
package reply

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"hongyan/internal/fault"
)

// A Stage says which step of the dialogue an answer belongs to.
type Stage string

// The stages in the order of a session. AtData is the answer to the DATA
// command, AtDot the one to the end of the body: the only one that decides.
const (
	AtConnect  Stage = "connect"
	AtGreeting Stage = "greeting"
	AtEhlo     Stage = "ehlo"
	AtStartTLS Stage = "starttls"
	AtAuth     Stage = "auth"
	AtMail     Stage = "mail"
	AtRcpt     Stage = "rcpt"
	AtData     Stage = "data"
	AtDot      Stage = "dot"
)

// Stages lists all stages in the order of a session.
func Stages() []Stage {
	return []Stage{AtConnect, AtGreeting, AtEhlo, AtStartTLS, AtAuth, AtMail, AtRcpt, AtData, AtDot}
}

// verb is the stage as people who read protocols know it.
func (s Stage) verb() string {
	switch s {
	case AtConnect, AtGreeting:
		return string(s)
	case AtDot:
		return "DATA"
	}
	return strings.ToUpper(string(s))
}

// An Answer is what the server said: one whole reply.
type Answer struct {
	Stage    Stage
	Code     int    // three digits, 200–599
	Enhanced string // "5.1.1" (RFC 3463) when its class digit is that of Code, else ""
	Text     string // the lines joined by spaces, without codes, safe to show (see Clean)

	// Local marks an answer that hongyan gave itself because it did not even
	// ask the server (a mail above the announced size, say). No text rule sees it.
	Local bool
}

// New makes an answer of a reply's lines as they came, without their code and
// separator. The enhanced code is taken off each line (RFC 2034 §4 repeats it).
func New(stage Stage, code int, lines ...string) Answer {
	a := Answer{Stage: stage, Code: code}
	var text []string
	for _, line := range lines {
		enhanced, rest := cutEnhanced(code, line)
		if a.Enhanced == "" {
			a.Enhanced = enhanced
		}
		if rest = strings.TrimSpace(Clean(rest)); rest != "" {
			text = append(text, rest)
		}
	}
	a.Text = shorten(strings.Join(text, " "))
	return a
}

// longest is what is kept of a text, in bytes: many times what servers say.
const longest = 4096

func shorten(text string) string {
	if len(text) <= longest {
		return text
	}
	cut := longest
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// Parse reads a reply that a person copied, "550 5.1.1 No such user", with its
// lines joined or apart. Its error is a fault without a place.
func Parse(stage Stage, s string) (Answer, error) {
	var code int
	var lines []string
	for line := range strings.Lines(strings.TrimSpace(s)) {
		line = strings.TrimSpace(line)
		if n, rest, _, ok := CutCode(line); ok {
			code, line = n, rest
		}
		lines = append(lines, line)
	}
	if code == 0 {
		return Answer{}, fault.At("", 0, "%q does not begin with a reply code such as 550", Clean(s))
	}
	return New(stage, code, lines...), nil
}

// CutCode takes "550 ", "550-" (more lines follow) or a bare "550" off a line of
// a reply; ok is false for what is no such line (RFC 5321 §4.2).
func CutCode(line string) (code int, rest string, more, ok bool) {
	if len(line) < 3 || !digits(line[:3]) || line[0] < '2' || line[0] > '5' {
		return 0, "", false, false
	}
	code = int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')
	if len(line) == 3 {
		return code, "", false, true
	}
	if line[3] != ' ' && line[3] != '-' {
		return 0, "", false, false
	}
	return code, line[4:], line[3] == '-', true
}

// cutEnhanced takes an enhanced code off a line if it fits the basic code: RFC
// 2034 §4 demands the same class, and what breaks that is text like any other.
func cutEnhanced(code int, line string) (enhanced, rest string) {
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	if !isEnhanced(word) || int(word[0]-'0') != code/100 {
		return "", line
	}
	return word, rest
}

// isEnhanced reports whether s is class "." subject "." detail, RFC 3463 §2.
func isEnhanced(s string) bool {
	if len(s) < len("5.1.1") || s[1] != '.' { // most texts
		return false
	}
	parts := strings.Split(s, ".")
	if len(parts) != 3 || !strings.Contains("245", parts[0]) {
		return false
	}
	for _, p := range parts[1:] {
		if len(p) < 1 || len(p) > 3 || !digits(p) {
			return false
		}
	}
	return true
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// Reply is the answer as one line: "550 5.1.1 No such user".
func (a Answer) Reply() string {
	parts := []string{strconv.Itoa(a.Code)}
	if a.Enhanced != "" {
		parts = append(parts, a.Enhanced)
	}
	if a.Text != "" {
		parts = append(parts, a.Text)
	}
	return strings.Join(parts, " ")
}

// A Refusal is a server's no: the mail was certainly not taken.
type Refusal struct{ Answer }

// Error reads "DATA: 550 The recipient may contain a non-existent account".
func (r *Refusal) Error() string {
	if r.Local {
		return r.Stage.verb() + ": " + r.Text
	}
	return r.Stage.verb() + ": " + r.Reply()
}

// Lost says that the link broke, or made no sense any more, before the body was
// whole: the mail was certainly not taken, and nobody refused it.
type Lost struct {
	Stage Stage
	Sent  int64 // bytes of the body that had left, 0 before DATA
	Err   error
}

// Error reads "RCPT: link lost: EOF".
func (l *Lost) Error() string {
	if l.Sent > 0 {
		return fmt.Sprintf("%s: link lost after %d bytes: %v", l.Stage.verb(), l.Sent, l.Err)
	}
	return fmt.Sprintf("%s: link lost: %v", l.Stage.verb(), l.Err)
}

func (l *Lost) Unwrap() error { return l.Err }

// Doubt says that the body was handed over whole and no answer came: the server
// may have taken the mail (RFC 1047). Only a person may have it sent again.
type Doubt struct {
	Sent int64 // bytes of the body that had left
	Err  error
}

// Error reads "DATA: no answer to the whole mail of 4096 bytes: EOF".
func (d *Doubt) Error() string {
	return fmt.Sprintf("DATA: no answer to the whole mail of %d bytes: %v", d.Sent, d.Err)
}

func (d *Doubt) Unwrap() error { return d.Err }
