package notice

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
)

// An Address is where a webhook is. Whoever knows it can write there, so it
// prints as its host alone, whatever prints it.
type Address struct{ url *url.URL }

// ParseAddress reads an address of http or https. It never repeats the text.
func ParseAddress(text string) (Address, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return Address{}, false
	}
	return Address{u}, true
}

// Secure reports whether it is one of https.
func (a Address) Secure() bool { return a.url.Scheme == "https" }

// IsZero reports whether there is no address.
func (a Address) IsZero() bool { return a.url == nil }

// String returns the host, followed by dots for the rest.
func (a Address) String() string {
	if a.IsZero() {
		return ""
	}
	return a.url.Hostname() + "/…"
}

// GoString does as String.
func (a Address) GoString() string { return a.String() }

// Format prints String for every verb.
func (a Address) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.String()) }

// MarshalText does as String.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// MarshalJSON does as String.
func (a Address) MarshalJSON() ([]byte, error) { return json.Marshal(a.String()) }

// LogValue does as String.
func (a Address) LogValue() slog.Value { return slog.StringValue(a.String()) }
