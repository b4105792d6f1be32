package campaign_test

import (
	"strings"
	"testing"
	"time"

	"hongyan/internal/campaign"
)

func TestAScheduleNamesItsIssues(t *testing.T) {
	t.Parallel()
	c, err := campaign.Parse("c.yaml", []byte(head+`schedule: {cron: "0 9 * * MON", timezone: Asia/Shanghai, missed: skip, until: 2026-12-01}`+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	next := c.Schedule.Next(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), 9)
	if len(next) != 2 || next[0].Name != "2026-11-23T09:00" || next[1].Name != "2026-11-30T09:00" {
		t.Errorf("got %v", next)
	}
	c, err = campaign.Parse("c.yaml", []byte(head+"schedule:\n  at: 2026-12-24T09:00\n  timezone: Europe/Berlin\n"))
	if err != nil {
		t.Fatal(err)
	}
	if next := c.Schedule.Next(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), 9); len(next) != 1 || next[0].At.UTC().Hour() != 8 {
		t.Errorf("got %v", next)
	}
}

func TestFaultsOfAScheduleStandAtTheirKeys(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"schedule: weekly\n": "c.yaml:4: schedule must be a map of keys and values, not a single value",
		"schedule: {}\n":     "c.yaml:4: the schedule says neither cron nor at",
		"schedule:\n  cron: 0 9 * * MON\n  timezone: Asia/Peking\n":          `c.yaml:6: there is no time zone "Asia/Peking"`,
		"schedule:\n  cron: 0 9 * *\n  until: 2026-13-01\n":                  "c.yaml:5: \"0 9 * *\" is no cron line: ",
		"schedule:\n  at: 2026-12-24T09:00\n  cron: 0 9 * * MON\n":           "c.yaml:5: cron and at are both told",
		"schedule:\n  cron: \"@weekly\"\n  misssed: once\n":                  "c.yaml:6: unknown key \"schedule.misssed\"\n    did you mean \"missed\"?",
		"schedule: {at: 2026-12-24T09:00}\nissue: 12\n":                      "c.yaml:5: issue and schedule are both told\n    leave issue out",
		"schedule:\n  cron: \"@daily\"\n  missed: all\n  timezone: \"\"\n":   "c.yaml:6: missed is \"all\" and must be once or skip",
		"schedule:\n  cron: 0 9 * *\n  until: 2026-13-01\n  missed: never\n": "c.yaml:7: missed is \"never\"",
	} {
		_, err := campaign.Parse("c.yaml", []byte(head+src))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\ngot  %v\nwant %s", src, err, want)
		}
	}
}
