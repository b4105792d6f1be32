// Package login knows who is at the door of the dashboard: a browser with a
// session, a program with a token, a machine with a certificate. Passwords and
// tokens are kept hashed on the ledger's shelf; sessions are kept in memory and
// end with the program.
//
// It must never know what a person may see or do beyond reading and acting, nor
// log a secret.
package login

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// A Person is who asks.
type Person struct {
	Name string // written into the log of acts
	Acts bool   // may change something, not only read
}

// longestName is how much of a name a line of the log bears, in characters.
const longestName = 60

// Signature is the name that a person gives, as it may stand in the log of acts:
// printable and short. It is refused when programs or recipients act under such.
func Signature(given string) (name string, ok bool) {
	words := strings.FieldsFunc(strings.ToValidUTF8(given, ""), func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) })
	runes := []rune(strings.Join(words, " "))
	name = strings.TrimSpace(string(runes[:min(len(runes), longestName)]))
	return name, len(words) == 0 || !slices.Contains([]string{"token", "recipient"}, strings.ToLower(words[0]))
}

type personKey struct{}

// Who is the person behind a request that a Guard has let pass.
func Who(ctx context.Context) Person {
	p, _ := ctx.Value(personKey{}).(Person)
	return p
}

func with(r *http.Request, p Person) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), personKey{}, p))
}
