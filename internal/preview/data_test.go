package preview

import (
	"encoding/json"
	"strings"
	"testing"
)

func FuzzStringsReadBack(f *testing.F) {
	for _, s := range []string{"", "您好", `"\`, "</script><!--", "\u2028\u2029", "\x00\x1f\x7f\r\n\t", "\xff\xc0\xaf", "a\xe6\xb1", "👨‍👩‍👧", "\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := appendString(nil, s)
		if string(out) != string(appendString(nil, []byte(s))) || strings.ContainsAny(string(out), "<\u2028\u2029\n\r") {
			t.Fatalf("%q became %s", s, out)
		}
		var got, want string
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%q became %s: %v", s, out, err)
		}
		reference, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(reference, &want); err != nil || got != want {
			t.Fatalf("%q reads back as %q", s, got)
		}
	})
}
