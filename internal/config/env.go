package config

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/viper"

	"hongyan/internal/fault"
)

const prefix = "HONGYAN_"

// An override is one key that a variable sets.
type override struct {
	variable string
	path     string
	value    any
}

// overrides returns what the environment sets. A variable that looks like no
// key at all is left alone: it may belong to the door, or hold a secret.
func overrides(environ []string, t *tree) ([]override, fault.Faults) {
	var out []override
	var bad fault.Faults
	for _, entry := range environ {
		variable, value, _ := strings.Cut(entry, "=")
		name, ours := strings.CutPrefix(variable, prefix)
		if !ours || value == "" {
			continue
		}
		path := t.pathOf(name)
		v, f := valueOf(variable, path, value)
		switch {
		case f != nil:
			bad = append(bad, f)
		case v != nil:
			out = append(out, override{variable, path, v})
		}
	}
	return out, bad
}

// pathOf turns ACCOUNTS__QQ_2__LIMITS__TO__QQ_COM into the path of the key; a
// name that the file has is found again whatever stands between its letters.
func (t *tree) pathOf(name string) string {
	path := ""
	for part := range strings.SplitSeq(strings.ToLower(name), "__") {
		known := slices.IndexFunc(t.below[path], func(s string) bool { return squash(s) == part })
		switch {
		case known >= 0:
			part = t.below[path][known]
		case last(path) == "to":
			part = strings.ReplaceAll(part, "_", ".")
		}
		path = join(path, part)
	}
	return path
}

// valueOf reads a variable's text as its key wants it; nil if it is no key.
func valueOf(variable, path, text string) (any, *fault.Fault) {
	switch k := kindOf(path); k {
	case unknown:
		return nil, mistaken(variable, path)
	case branch:
		return nil, fault.At(variable, 0, "it names a group of keys, not one").Hinted("add __ and a key: %s", strings.Join(keysBelow(path), ", "))
	case number:
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return nil, fault.At(variable, 0, "%s must be a whole number", last(path)).Hinted("write it plainly, like 465")
		}
		return n, nil
	case flag:
		b, err := strconv.ParseBool(strings.TrimSpace(text))
		if err != nil {
			return nil, fault.At(variable, 0, "%s must be true or false", last(path))
		}
		return b, nil
	case series:
		var out []string
		for part := range strings.SplitSeq(text, ",") {
			out = append(out, strings.TrimSpace(part))
		}
		return out, nil
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return nil, fault.At(variable, 0, "%s must be one line without control characters", last(path))
	}
	return text, nil
}

// mistaken reports a variable that means a key and misses it.
func mistaken(variable, path string) *fault.Fault {
	if near := fault.Near(last(path), keysBelow(parent(path))); near != "" {
		return fault.At(variable, 0, "unknown key %q", last(path)).Hinted("did you mean %q?", near)
	}
	if parent(path) == "" {
		return nil
	}
	return fault.At(variable, 0, "unknown key %q", last(path)).Hinted("known are: %s", strings.Join(keysBelow(parent(path)), ", "))
}

// merge lets viper lay the variables over the file over what ships.
func merge(src []byte, set []override) (map[string]any, error) {
	v := viper.NewWithOptions(viper.KeyDelimiter(sep))
	v.SetConfigType("yaml")
	v.SetDefault("account", "sandbox")
	v.SetDefault("state", "state")
	v.SetDefault("retry::schedule", "5m, 10m, 20m, 1h*3, 4h*5")
	v.SetDefault("retry::max_age", "24h")
	v.SetDefault("accounts::sandbox::provider", "sandbox")
	v.SetDefault("trace::sample", "20/s")
	if err := v.ReadConfig(bytes.NewReader(plain(src))); err != nil {
		return nil, err
	}
	for _, o := range set {
		v.Set(o.path, o.value)
	}
	return v.AllSettings(), nil
}
