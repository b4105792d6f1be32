package schedule_test

import (
	"fmt"
	"strings"
	"testing"

	"hongyan/internal/schedule"
)

// decided are decisions as lines, "!" for what is due.
func decided(ds []schedule.Decision) string {
	var b strings.Builder
	for _, d := range ds {
		if d.Why.Format == "" {
			fmt.Fprintf(&b, "%s !\n", d.Slot.Name)
			continue
		}
		fmt.Fprintf(&b, "%s %s\n", d.Slot.Name, d.Why)
	}
	return b.String()
}

func TestWhatIsDue(t *testing.T) {
	t.Parallel()
	daily := schedule.Spec{Cron: "0 9 * * *", Timezone: "UTC"}
	daily2 := schedule.Spec{Cron: "0 9 * * *", Timezone: "UTC", Missed: "skip"}
	halfHourly := schedule.Spec{Cron: "*/30 * * * *", Timezone: "Europe/Berlin"}
	for name, c := range map[string]struct {
		spec            schedule.Spec
		last, now, want string
	}{
		"nothing before its time":            {daily, "2026-11-23T08:00:00Z", "2026-11-23T08:59:59Z", ""},
		"at its time":                        {daily, "2026-11-23T08:00:00Z", "2026-11-23T09:00:00Z", "2026-11-23T09:00 !\n"},
		"not again":                          {daily, "2026-11-23T09:00:00Z", "2026-11-23T09:00:30Z", ""},
		"a little late, though none is once": {daily2, "2026-11-23T08:00:00Z", "2026-11-23T09:05:00Z", "2026-11-23T09:00 !\n"},
		"too late where missed ones are skipped": {
			daily2, "2026-11-23T08:00:00Z", "2026-11-23T09:05:01Z",
			"2026-11-23T09:00 missed: hongyan was not running\n",
		},
		"the latest of those missed": {
			daily, "2026-11-23T08:00:00Z", "2026-11-26T07:00:00Z",
			"2026-11-23T09:00 missed; 2026-11-25T09:00 takes its place\n" +
				"2026-11-24T09:00 missed; 2026-11-25T09:00 takes its place\n2026-11-25T09:00 !\n",
		},
		"the one that comes just now, after others were missed and are skipped": {
			daily2, "2026-11-23T08:00:00Z", "2026-11-25T09:00:10Z",
			"2026-11-23T09:00 missed: hongyan was not running\n" +
				"2026-11-24T09:00 missed: hongyan was not running\n2026-11-25T09:00 !\n",
		},
		"one for the hour that the clock jumps over": {
			halfHourly, "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z",
			"2026-03-29T02:00 the clock was put forward over it; 2026-03-29T03:00 takes its place\n" +
				"2026-03-29T02:30 the clock was put forward over it; 2026-03-29T03:00 takes its place\n2026-03-29T03:00 !\n",
		},
		"none in the hour that is shown again": {halfHourly, "2026-10-25T00:30:00Z", "2026-10-25T01:59:59Z", ""},
		"nothing while the clock is put back":  {daily, "2026-11-23T09:00:00Z", "2026-11-20T09:00:00Z", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := decided(parse(t, c.spec).Due(at(t, c.last), at(t, c.now)))
			if got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

func TestAMonthOfMissedMinutesIsTakenTogether(t *testing.T) {
	t.Parallel()
	s := parse(t, schedule.Spec{Cron: "* * * * *", Timezone: "UTC"})
	got := s.Due(at(t, "2026-12-02T00:00:00Z"), at(t, "2027-01-01T00:00:00Z"))
	if len(got) != 100 || got[0].Why.String() != "missed, and 43100 before it: hongyan was not running" || got[99].Why.Format != "" {
		t.Errorf("%d decisions, from %q to %q", len(got), got[0].Why, got[len(got)-1].Why)
	}
}
