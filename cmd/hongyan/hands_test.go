package main

import (
	"strings"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
)

func TestAWorkerTakesWhatItCanUse(t *testing.T) {
	t.Parallel()
	troubles := []trouble{{Worker: "li", Account: "a", Why: "no secret"}, {Worker: "wang", Account: "b", Why: "no secret"}, {Worker: "li", Issue: "news/main", Why: "no room"}}
	other := ledger.Key{Campaign: "news", Issue: "2"}
	for name, c := range map[string]struct {
		worker postgres.Worker
		want   string
	}{
		"it takes any that it can use":     {postgres.Worker{Name: "li"}, "bc"},
		"it takes those that it names":     {postgres.Worker{Name: "li", Takes: []string{"a", "b"}}, "b"},
		"what it has, it can use":          {postgres.Worker{Name: "li", Accounts: []string{"a"}}, "abc"},
		"another's trouble is not its own": {postgres.Worker{Name: "zhao"}, "abc"},
	} {
		for _, account := range []string{"a", "b", "c"} {
			if handOf(c.worker, troubles).takes(other, account) != strings.Contains(c.want, account) {
				t.Errorf("%s, which is not so of account %s", name, account)
			}
		}
	}
	heavy := ledger.Key{Campaign: "news", Issue: "main"}
	li, wang := handOf(postgres.Worker{Name: "li"}, troubles), handOf(postgres.Worker{Name: "wang"}, troubles)
	if (hands{li}).take(heavy, "b") || !(hands{li, wang}).take(heavy, "a") {
		t.Error("who has no room for an issue carries none of its accounts, and others do")
	}
	if got, want := (hands{li}).lack(heavy, "b").String(), "no worker can carry news/main: no room; mend that, or start hongyan worker on a machine that can"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestAnIssueOnTheDeskSaysWhyNoWorkerCanSendIt(t *testing.T) {
	t.Parallel()
	d, f := onPostgres(t)
	if err := d.Start(t.Context(), ledger.Key{Campaign: "news", Issue: "main"}, "li"); err != nil {
		t.Fatal(err)
	}
	worker, err := postgres.Open(t.Context(), string(d.conf.State), postgres.Options{Name: "smith", Works: true})
	if err != nil {
		t.Fatal(err)
	}
	defer worker.Close()
	tell := func(worker string) {
		t.Helper()
		body := `{"worker":"` + worker + `","account":"sandbox","why":"no secret","again":"` + time.Now().Format(time.RFC3339) + `"}`
		if err := f.books.Put(t.Context(), shelfTrouble, "account sandbox "+worker, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range [][2]string{
		{"jones", ""},
		{"smith", "no worker can use account sandbox: no secret; mend that, or start hongyan worker on a machine that can"},
	} {
		tell(c[0])
		if jobs, err := d.Jobs(t.Context()); err != nil || len(jobs) != 1 || jobs[0].Why.String() != c[1] {
			t.Errorf("%s is in trouble: %+v, %v", c[0], jobs, err)
		}
	}
}
