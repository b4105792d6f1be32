package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hongyan/internal/ledger"
)

// many are 250 issues, of which some were planned at the same moment, as many
// suppressions and as many acts.
func many(t *testing.T) *client {
	t.Helper()
	c := newClient(t)
	var gone []ledger.Suppression
	for i := range 250 {
		at := time.Now().Add(time.Duration(i/4) * time.Second)
		if _, err := c.Store.Plan(t.Context(), ledger.Key{Campaign: "weekly", Issue: fmt.Sprint("no. ", i)}, ledger.Plan{At: at}); err != nil {
			t.Fatal(err)
		}
		if err := c.Store.Note(t.Context(), ledger.Act{At: at, By: "wang", What: "lift", About: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
		list := []string{"", "weekly"}[i%2]
		gone = append(gone, ledger.Suppression{List: list, Address: fmt.Sprintf("r%03d@example.com", i/2), Source: ledger.Manual, Reason: "asked & thanked", By: "wang", At: at})
	}
	if _, err := c.Store.Suppress(t.Context(), gone...); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryListComesInPagesThatLinkToTheNext(t *testing.T) {
	t.Parallel()
	c := many(t)
	for path, pages := range map[string][]int{
		"/issues":                             {100, 100, 50},
		"/issues?limit=125":                   {125, 125},
		"/issues?limit=1000":                  {250},
		"/suppressions":                       {100, 100, 50},
		"/suppressions?limit=99":              {99, 99, 52},
		"/suppressions?list=&limit=125":       {125},
		"/suppressions?list=weekly&limit=124": {124, 1},
		"/suppressions?q=%26+THANKED&list=":   {100, 25},
		"/suppressions?q=r12&limit=5":         {5, 5},
		"/suppressions?q=nobody":              {0},
		"/acts":                               {100, 100, 50},
	} {
		bare, _, _ := strings.Cut(path, "?")
		var got []int
		seen := map[string]bool{}
		for next := path; next != "" && len(got) <= len(pages); {
			_, w := c.send(http.MethodGet, next, nil)
			var page []map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || page == nil || w.Code != http.StatusOK {
				t.Fatalf("%s: %d, %v: %s", next, w.Code, err, w.Body)
			}
			for _, one := range page {
				seen[fmt.Sprint(one)] = true
			}
			got = append(got, len(page))
			if next = linked(w); next != "" {
				next = bare + next
			}
		}
		all := 0
		for _, n := range got {
			all += n
		}
		if !slices.Equal(got, pages) || len(seen) != all {
			t.Errorf("%s: pages of %v with %d different, want %v", path, got, len(seen), pages)
		}
	}
}

func TestAnIssuePlannedAnewBetweenTwoPagesHidesNone(t *testing.T) {
	t.Parallel()
	c := many(t)
	_, w := c.send(http.MethodGet, "/issues?limit=200", nil)
	var page []struct{ Issue string }
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, one := range page {
		seen[one.Issue] = true
	}
	last := ledger.Key{Campaign: "weekly", Issue: page[len(page)-1].Issue}
	if err := c.Store.Refreeze(t.Context(), last, ledger.Plan{At: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	for next := linked(w); next != ""; next = linked(w) {
		_, w = c.send(http.MethodGet, "/issues"+next, nil)
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		for _, one := range page {
			seen[one.Issue] = true
		}
	}
	if len(seen) != 250 {
		t.Errorf("%d issues were seen", len(seen))
	}
}
