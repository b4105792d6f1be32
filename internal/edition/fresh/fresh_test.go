package fresh_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"hongyan/internal/campaign"
	"hongyan/internal/edition/fresh"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/sqlite"
)

// An issue under test: its folder and its ledger.
type issue struct {
	*testing.T
	dir   string
	store *sqlite.Store
}

// planned is an issue with one price.
func planned(t *testing.T) issue {
	t.Helper()
	store, err := sqlite.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	i := issue{t, t.TempDir(), store}
	i.write("a.yaml", "name: a\nsubject: s\ntemplate: a.md\nrecipients: a.csv\ndata:\n  price: {file: price.json}\n")
	i.write("price.json", `{"is": "1"}`)
	return i
}

func (i issue) write(name, text string) {
	i.Helper()
	if err := os.WriteFile(filepath.Join(i.dir, name), []byte(text), 0o600); err != nil {
		i.Fatal(err)
	}
}

func (i issue) gather(name string, from fresh.Reading) *fresh.Fresh {
	i.Helper()
	file := filepath.Join(i.dir, "a.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		i.Fatal(err)
	}
	camp, err := campaign.Parse(file, text)
	if err != nil {
		i.Fatal(err)
	}
	f, err := fresh.Gather(i.Context(), camp, name, fresh.Source{
		Reading: from, Shelf: func(context.Context) (ledger.Papers, func(), error) { return i.store, func() {}, nil },
	})
	if err != nil {
		i.Fatal(err)
	}
	return f
}

// is what a source says.
func is(f *fresh.Fresh, source string) string {
	value, _ := f.Values[source].(map[string]any)
	said, _ := value["is"].(string)
	return said
}

func TestAnIssueGoesOnWithWhatItBeganWith(t *testing.T) {
	t.Parallel()
	i := planned(t)
	if err := i.gather("main", fresh.ToSend).Freeze(t.Context(), i.store); err != nil {
		t.Fatal(err)
	}
	i.write("price.json", `{"is": "2"}`)
	for _, c := range []struct {
		name string
		from fresh.Reading
		want string
	}{
		{"main", fresh.ToSend, "1"},
		{"main", fresh.ToTest, "1"},
		{"main", fresh.ToLookBack, "1"},
		{"main", fresh.ToPreview, "2"},
		{"main", fresh.ToCheck, "2"},
		{"2", fresh.ToSend, "2"},
	} {
		if got := is(i.gather(c.name, c.from), "price"); got != c.want {
			t.Errorf("%s read as %b has %q, not %q", c.name, c.from, got, c.want)
		}
	}
	// What the campaign has besides since is read now, and frozen with the rest.
	i.write("a.yaml", "name: a\nsubject: s\ntemplate: a.md\nrecipients: a.csv\ndata:\n  price: {file: price.json}\n  rate: {file: rate.json}\n")
	i.write("rate.json", `{"is": "3"}`)
	if err := i.gather("main", fresh.ToSend).Freeze(t.Context(), i.store); err != nil {
		t.Fatal(err)
	}
	i.write("rate.json", `{"is": "4"}`)
	if f := i.gather("main", fresh.ToSend); is(f, "price") != "1" || is(f, "rate") != "3" {
		t.Error(f.Values)
	}
}

// TestTwoCannotBeginOneIssue, each with data of its own.
func TestTwoCannotBeginOneIssue(t *testing.T) {
	t.Parallel()
	i := planned(t)
	one, other := i.gather("main", fresh.ToSend), i.gather("main", fresh.ToSend)
	if err := one.Freeze(t.Context(), i.store); err != nil {
		t.Fatal(err)
	}
	if err := one.Freeze(t.Context(), i.store); err != nil {
		t.Errorf("it may be done again: %v", err)
	}
	if err := other.Freeze(t.Context(), i.store); err == nil {
		t.Error("another has begun it")
	}
}
