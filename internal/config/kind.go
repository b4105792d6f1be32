package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// A kind is what a key wants for a value.
type kind int

const (
	unknown kind = iota
	branch       // keys below
	words        // text
	number
	flag
	series  // of text
	either  // text, or a list of it
	scalar  // text or number, taken as text
	limit   // whatever package pace understands
	decimal // a number that may have a fraction
)

// refuses returns what the kind wants instead of n, "" if n will do.
func (k kind) refuses(n ast.Node) string {
	switch n := n.(type) {
	case *ast.SequenceNode:
		if k != series && k != either {
			return k.want()
		}
		for _, item := range n.Values {
			if words.refuses(item) != "" {
				return "text"
			}
		}
		return ""
	case *ast.StringNode, *ast.LiteralNode:
		if k == number || k == flag || k == series || k == decimal {
			return k.want()
		}
		if isDate(n.GetToken()) {
			return "text"
		}
		if strings.ContainsFunc(n.GetToken().Value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "line"
		}
		return ""
	case *ast.IntegerNode:
		if k == decimal || (k == scalar || k == number) && strconv.Itoa(plainInt(n)) == n.GetToken().Value {
			return ""
		}
		return k.want()
	case *ast.FloatNode:
		if k == decimal || k == scalar && fmt.Sprint(n.Value) == n.GetToken().Value {
			return ""
		}
		return k.want()
	case *ast.BoolNode:
		if k == flag {
			return ""
		}
		return k.want()
	}
	return k.want()
}

// isDate reports what viper would take for a point in time.
func isDate(t *token.Token) bool {
	_, err := time.Parse(time.DateOnly, t.Value[:min(len(t.Value), len(time.DateOnly))])
	return err == nil && t.Type == token.StringType
}

// plainInt reads the number as it is written: 0465 is no port, but octal.
func plainInt(n *ast.IntegerNode) int {
	i, err := strconv.Atoi(n.GetToken().Value)
	if err != nil {
		return -1
	}
	return i
}

func (k kind) want() string {
	switch k {
	case number:
		return "number"
	case flag:
		return "flag"
	case series:
		return "list"
	case decimal:
		return "decimal"
	}
	return "text"
}

// shape is every key there is, by path; * stands for a name of the user's.
func shape() map[string]kind {
	out := map[string]kind{
		"account": words, "state": words, "lang": words,
		"theme": branch, "theme::*": scalar,
		"replies": series,
		"retry":   branch, "retry::schedule": either, "retry::max_age": words,
		"lint": branch, "lint::clients": branch, "lint::clients::*": decimal, "lint::ignore": series,
		"serve": branch, "serve::listen": words, "serve::campaigns": words, "serve::hosts": series, "serve::tls_cert": words, "serve::tls_key": words,
		"serve::acme": words, "serve::client_ca": words,
		"unsubscribe": branch, "unsubscribe::url": words, "unsubscribe::mailto": words, "unsubscribe::listen": words,
		"storage": branch, "storage::at": words, "storage::url": words,
		"trace": branch, "trace::otlp": words, "trace::sample": words,
		"notices": branch, "notices::*": branch, "notices::*::on": either, "notices::*::private": flag,
		"accounts": branch, "accounts::*": branch,
		"accounts::*::dkim": branch, "accounts::*::dkim::domain": words, "accounts::*::dkim::selector": words, "accounts::*::dkim::key": words,
		"accounts::*::limits": branch, "accounts::*::limits::*": limit, "accounts::*::limits::to::*": limit,
		"accounts::*::port": number, "accounts::*::lanes": number, "accounts::*::insecure": flag,
	}
	for _, key := range []string{"provider", "address", "name", "secret", "host", "tls", "ca_file", "username", "server_name", "helo"} {
		out["accounts::*::"+key] = words
	}
	for _, key := range []string{"webhook", "kind", "secret", "mail", "account"} {
		out["notices::*::"+key] = words
	}
	return out
}

// kindOf returns what the key at a path wants.
func kindOf(path string) kind {
	for pattern, k := range shape() {
		if matches(pattern, path) {
			return k
		}
	}
	return unknown
}

// matches reports whether a path fits a pattern with a * for any name.
func matches(pattern, path string) bool {
	want, got := strings.Split(pattern, sep), strings.Split(path, sep)
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != "*" && want[i] != got[i] {
			return false
		}
	}
	return true
}

// keysBelow returns the keys that a path may have, sorted.
func keysBelow(path string) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(shape())) {
		if matches(parent(key), path) && last(key) != "*" {
			out = append(out, last(key))
		}
	}
	return out
}
