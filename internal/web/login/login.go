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
)

// A Person is who asks.
type Person struct {
	Name string // written into the log of acts
	Acts bool   // may change something, not only read
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
