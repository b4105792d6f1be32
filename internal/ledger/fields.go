package ledger

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// EncodeFields writes the fields of a row for a store: compact JSON with sorted
// keys, "" for nothing. It does what encoding/json does, without reflection: it
// is called once per row.
func EncodeFields(fields map[string]string) string {
	if len(fields) == 0 {
		return ""
	}
	b, keys := make([]byte, 0, 256), make([]string, 0, 16)
	for k := range fields {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	next := byte('{')
	for _, k := range keys {
		b = append(b, next)
		b = quote(b, k)
		b = append(b, ':')
		b = quote(b, fields[k])
		next = ','
	}
	return string(append(b, '}'))
}

// quote appends s as a JSON string (RFC 8259 §7). What is not UTF-8 becomes
// U+FFFD.
func quote(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ':
			b = append(b, `\u00`...)
			b = append(b, '0'+byte(r>>4))
			b = strconv.AppendInt(b, int64(r&15), 16)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// DecodeFields reads what EncodeFields wrote. Most rows have no escapes; then
// every quote is where a key or a value begins or ends.
func DecodeFields(s string) (map[string]string, error) {
	if s == "" {
		return nil, nil
	}
	if strings.IndexByte(s, '\\') >= 0 {
		var fields map[string]string
		err := json.Unmarshal([]byte(s), &fields)
		return fields, err
	}
	fields := make(map[string]string, strings.Count(s, `":"`))
	for {
		_, rest, ok := strings.Cut(s, `"`)
		if !ok {
			return fields, nil
		}
		key, rest, _ := strings.Cut(rest, `":"`)
		fields[key], s, _ = strings.Cut(rest, `"`)
	}
}
