package change_test

import (
	"iter"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hongyan/internal/edition/change"
	"hongyan/internal/ledger"
	"hongyan/internal/list"
)

func TestAChangeSaysWhatBecameOfAnInput(t *testing.T) {
	t.Parallel()
	before := map[string]string{"a.yaml": "1", "a.md": "0123456789", "gone.png": "3"}
	now := map[string]string{"a.yaml": "1", "a.md": "9876543210", "new.png": "4"}
	var got []string
	for _, c := range change.Difference(before, now) {
		got = append(got, c.String())
	}
	if want := []string{"~ a.md (01234567 → 98765432)", "- gone.png", "+ new.png"}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
	if same := change.Difference(before, before); same != nil {
		t.Error(same)
	}
}

func TestWhatNobodyReadsIsNoText(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, c := range map[string]struct {
		is   string
		text bool
	}{"text": {"鸿雁\n", true}, "zero": {"a\x00b", false}, "bytes": {"\xff\xfe", false}, "long": {string(make([]byte, 300<<10)), false}} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(c.is), 0o600); err != nil {
			t.Fatal(err)
		}
		if text, err := change.Text(file); (text != nil) != c.text || err != nil {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	if text, err := change.Text(filepath.Join(dir, "nowhere")); text != nil || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// entries are those that the ledger has of the issue.
func entries(all ...ledger.Entry) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		for _, e := range all {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestAListIsComparedByItsRecipients(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "a.csv")
	const rows = "email,city\nLi@example.com,Beijing\nwang@example.com,Xian\nzhao@example.com,Wuhan\nli@example.com,Lhasa\n"
	if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := list.Open(file, list.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	of := func(address, city string) ledger.Entry {
		return ledger.Entry{Address: address, Fields: map[string]string{"email": address, "city": city}}
	}
	had := []ledger.Entry{of("li@example.com", "Tianjin"), of("wang@example.com", "Xian"), of("sun@example.com", "Dalian")}
	got, err := change.Rows(l, entries(had...))
	if err != nil || got.New.N != 1 || got.New.String() != "line 4, zhao@example.com" || got.Other.N != 1 || got.Gone != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if n, err := change.Departed(l, entries(had...)); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}
