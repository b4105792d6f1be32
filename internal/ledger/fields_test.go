package ledger

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

func FuzzFieldsAreReadBackAsTheyWere(f *testing.F) {
	f.Add("城市", "北京", "\x00\x1f\"\\/\b\n")
	f.Add("", "</script>\u2028𝄞", "\xff\xed\xa0\x80")
	f.Add("a", "\x7f", "{{.x}}")
	f.Fuzz(func(t *testing.T, key, a, b string) {
		want := map[string]string{valid(key): valid(a), valid(key + "2"): valid(b)}
		text := EncodeFields(map[string]string{key: a, key + "2": b})
		var other map[string]string
		if err := json.Unmarshal([]byte(text), &other); err != nil || !maps.Equal(other, want) {
			t.Errorf("%s: another parser reads %q, %v; want %q", text, other, err, want)
		}
		if got, err := DecodeFields(text); err != nil || !maps.Equal(got, want) {
			t.Errorf("%s: got %q, %v; want %q", text, got, err, want)
		}
	})
}

// valid has U+FFFD for each byte that is not UTF-8, as ranging over a string does.
func valid(s string) string { return strings.Map(func(r rune) rune { return r }, s) }
