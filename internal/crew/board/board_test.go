package board

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/ledger/sqlite"
	"hongyan/internal/pace"
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
	if (Hands{li}).Can(heavy, "b") || !(Hands{li, wang}).Can(heavy, "a") {
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
		if got, ok := Rests(c.rests).Soonest(c.account.Name, c.account.Lanes); got != c.want || ok == got.Until.IsZero() {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// empty is a ledger whose shelves are.
func empty(t *testing.T) *sqlite.Store {
	t.Helper()
	shelf, err := sqlite.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shelf.Close() })
	return shelf
}

// A container that is started anew has the name that it had.
func TestWhoStartsHasNoTroubleYet(t *testing.T) {
	t.Parallel()
	shelf := empty(t)
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

// TestOtherReleasesReadTheBoard: how papers are called and written is what they have in
// common with this one.
func TestOtherReleasesReadTheBoard(t *testing.T) {
	t.Parallel()
	shelf := empty(t)
	at := time.Date(2126, 11, 23, 9, 0, 0, 0, time.UTC)
	lane := postgres.Lane{Account: "relay", N: 1, Of: 4}
	limits := pace.Limits{PerConnection: 20}
	err := errors.Join(
		Trouble{Worker: "li", Account: "qq", Why: "no secret", Again: at}.Tell(t.Context(), shelf),
		Trouble{Worker: "li", Account: "relay", Part: lane.Part(), Why: "no secret", Again: at}.Tell(t.Context(), shelf),
		Trouble{Worker: "li", Issue: "news/main", Why: "no room", Again: at}.Tell(t.Context(), shelf),
		Rest{Until: at, Why: "20/s"}.Tell(t.Context(), shelf, lane, limits),
		Errand{"qq"}.Tell(t.Context(), shelf, at),
	)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(limits.String() + fmt.Sprint(limits.Hours.Holidays)))
	for _, want := range [][3]string{
		{"trouble", "account qq li", `{"worker":"li","account":"qq","why":"no secret","again":"2126-11-23T09:00:00Z"}`},
		{"trouble", "account relay 2/4 li", `{"worker":"li","account":"relay","part":"2/4","why":"no secret","again":"2126-11-23T09:00:00Z"}`},
		{"trouble", "issue news/main li", `{"worker":"li","issue":"news/main","why":"no room","again":"2126-11-23T09:00:00Z"}`},
		{"resting", "relay 2/4 " + hex.EncodeToString(sum[:8]), `{"until":"2126-11-23T09:00:00Z","why":"20/s"}`},
		{"errand", "qq", `"2126-11-23T09:00:00Z"`},
	} {
		if body, err := shelf.Paper(t.Context(), want[0], want[1]); err != nil || string(body) != want[2] {
			t.Errorf("%s on shelf %s: %s, want %s (%v)", want[1], want[0], body, want[2], err)
		}
	}
	rests, err := RestsOf(t.Context(), shelf, []Account{{Name: "relay", Lanes: 4, Limits: limits}})
	if err != nil || rests[lane] != (Rest{at, "20/s"}) {
		t.Errorf("%v, %v", rests, err)
	}
	if wanted, err := Wanted(t.Context(), shelf); err != nil || !wanted["qq"].Equal(at) {
		t.Errorf("%v, %v", wanted, err)
	}
	if told, err := Troubles(t.Context(), shelf); err != nil || len(told) != 3 {
		t.Errorf("%v, %v", told, err)
	}
}
