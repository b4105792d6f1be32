package web_test

import (
	"strings"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/web"
)

func TestTheOverviewShowsWhoWorksAndWhatWaits(t *testing.T) {
	t.Parallel()
	h := build(t, 3)
	if page := h.get("/"); strings.Contains(page, "Workers") {
		t.Error("one process has the ledger alone, and there are workers")
	}
	now := time.Now()
	crew := web.Crew{
		Workers: []web.Worker{
			{Name: "silent-<1>", Since: now.Add(-time.Hour), Until: now.Add(-time.Minute), Works: true, Accounts: []string{"gone"}},
			{Name: "looker", Since: now, Until: now.Add(time.Minute), Alive: true},
		},
		Queue: []web.Queue{
			{Key: ledger.Key{Campaign: "weekly", Issue: "1"}, Due: 41, Since: now.Add(-3 * time.Hour)},
			{Key: ledger.Key{Campaign: "weekly", Issue: "1"}, Account: "qq", Due: 1, Since: now.Add(-2 * time.Hour)},
			{Key: ledger.Key{Campaign: "weekly", Issue: "2"}, Due: 900, Since: now.Add(-9 * time.Hour), Paused: true},
		},
	}
	says(t, overviewOf(t, crew), "No worker is there", "silent-&lt;1&gt;", "silent", "looker", "looks only",
		"42 mails wait for a worker, the first for 3.0 hours", "41", "for any of its accounts", "again by qq", "900", "paused")
	crew.Workers = append(crew.Workers, web.Worker{Name: "smith", Since: now, Until: now.Add(time.Minute), Works: true, Alive: true, Accounts: []string{"qq"}})
	crew.Queue = nil
	page := overviewOf(t, crew)
	if strings.Contains(page, "No worker is there") {
		t.Error("smith is")
	}
	says(t, page, "smith", "works", `href="/accounts#qq"`, now.Add(time.Minute).Local().Format("15:04:05"), "Nothing waits for a worker.")
	h.Share(crew)
	says(t, serve(t, h.Office).get("/accounts"), "Worker smith sends by it now.")
}

// overviewOf is the overview of an office that a crew shares.
func overviewOf(t *testing.T, c web.Crew) string {
	t.Helper()
	h := build(t, 3)
	h.Share(c)
	return h.get("/")
}
