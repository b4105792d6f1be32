package config

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

// A Place is where the ledger is: a folder, or the URL of a database. Whatever
// prints it leaves the URL's password and parameters out, which may hold one
// too; string(p) is all of it, for whoever opens the ledger.
type Place string

// Database reports whether the ledger is in a database.
func (p Place) Database() bool { return strings.Contains(string(p), "://") }

// String returns the place as it may be shown.
func (p Place) String() string {
	if !p.Database() {
		return string(p)
	}
	u, err := url.Parse(string(p))
	if err != nil {
		return redacted
	}
	u.RawQuery, u.Fragment = "", ""
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	return u.String()
}

// GoString returns what String does.
func (p Place) GoString() string { return p.String() }

// Format prints what String returns for every verb.
func (p Place) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

// MarshalText returns what String does.
func (p Place) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// LogValue returns what String does.
func (p Place) LogValue() slog.Value { return slog.StringValue(p.String()) }
