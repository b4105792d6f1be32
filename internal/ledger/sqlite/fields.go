package sqlite

import (
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// encode is compact JSON with sorted keys, "" for nothing. It does what
// encoding/json does, without reflection: it is called once per row.
func encode(fields map[string]string) string {
	if len(fields) == 0 {
		return ""
	}
	b := make([]byte, 0, 256)
	next := byte('{')
	for _, k := range slices.Sorted(maps.Keys(fields)) {
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
