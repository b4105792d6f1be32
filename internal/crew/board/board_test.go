package board

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/ledger/sqlite"
)

func TestAWorkerTakesWhatItCanUse(t *testing.T) {
	t.Parallel()
	troubles := []Trouble{{Worker: "li", Account: "a", Why: "no secret"}, {Worker: "wang", Account: "b", Why: "no secret"}, {Worker: "li", Issue: "news/main", Why: "no room"}}
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
	if (Hands{li}).Take(heavy, "b") || !(Hands{li, wang}).Take(heavy, "a") {
		t.Error("who has no room for an issue carries none of its accounts, and others do")
	}
	if got, want := (Hands{li}).Lack(heavy, "b").String(), "no worker can carry news/main: no room; mend that, or start hongyan worker on a machine that can"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

// TestASplitAccountWaitsWhenAllItsLanesDo, until the first of them may go on.
func TestASplitAccountWaitsWhenAllItsLanesDo(t *testing.T) {
	t.Parallel()
	now, later := Rest{Until: time.Now()}, Rest{Until: time.Now().Add(time.Hour)}
	relay, qq := Account{Name: "relay", Lanes: 2}, Account{Name: "qq"}
	first, second := postgres.Lane{Account: "relay", N: 0, Of: 2}, postgres.Lane{Account: "relay", N: 1, Of: 2}
	for name, c := range map[string]struct {
		rests   map[postgres.Lane]Rest
		account Account
		want    Rest
	}{
		"one may go on":   {map[postgres.Lane]Rest{second: now}, relay, Rest{}},
		"none may":        {map[postgres.Lane]Rest{first: later, second: now}, relay, now},
		"it is not split": {map[postgres.Lane]Rest{postgres.Whole("qq"): now}, qq, now},
		"nobody waits":    {nil, relay, Rest{}},
	} {
		if got, ok := Soonest(c.rests, c.account.Name, c.account.Lanes); got != c.want || ok == got.Until.IsZero() {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// A container that is started anew has the name that it had.
func TestWhoStartsHasNoTroubleYet(t *testing.T) {
	t.Parallel()
	shelf, err := sqlite.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer shelf.Close()
	now := time.Now()
	for _, trouble := range []Trouble{
		{Worker: "li", Account: "relay", Part: "2/4", Again: now},
		{Worker: "li", Issue: "news/main", Again: now},
		{Worker: "wang", Account: "relay", Again: now},
		{Worker: "dead", Account: "relay", Again: now.Add(-stale)},
	} {
		if err := trouble.Tell(t.Context(), shelf); err != nil {
			t.Fatal(err)
		}
	}
	if told, err := Troubles(t.Context(), shelf); err != nil || len(told) != 3 {
		t.Errorf("%v, %v", told, err)
	}
	if err := Sweep(t.Context(), shelf, "li"); err != nil {
		t.Fatal(err)
	}
	var left []string
	for paper, err := range shelf.Papers(t.Context(), troubles) {
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, paper.Name)
	}
	if !slices.Equal(left, []string{"account relay wang"}) {
		t.Error(left)
	}
}
