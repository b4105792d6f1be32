package schedule_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hongyan/internal/schedule"
)

func parse(t testing.TB, s schedule.Spec) *schedule.Schedule {
	t.Helper()
	out, wrong := schedule.Parse(s)
	for _, w := range wrong {
		t.Fatalf("%s: %v", w.Key, w.Fault)
	}
	return out
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	out, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// lines are slots as "name = moment in UTC".
func lines(slots []schedule.Slot) string {
	var b strings.Builder
	for _, s := range slots {
		fmt.Fprintf(&b, "%s = %s\n", s.Name, s.At.UTC().Format("01-02 15:04"))
	}
	return b.String()
}

func TestSlotsAreWhatTheClockOnTheWallShows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spec  schedule.Spec
		after string
		want  string
	}{
		"every Monday at nine": {
			schedule.Spec{Cron: "0 9 * * MON"},
			"2026-11-23T01:00:00Z",
			"2026-11-30T09:00 = 11-30 01:00\n2026-12-07T09:00 = 12-07 01:00\n2026-12-14T09:00 = 12-14 01:00\n",
		},
		"once": {
			schedule.Spec{At: "2026-12-24T09:00", Timezone: "Europe/Berlin"},
			"2026-11-23T01:00:00Z",
			"2026-12-24T09:00 = 12-24 08:00\n",
		},
		"once, told with an offset": {
			schedule.Spec{At: "2026-12-24T09:00+09:00"},
			"2026-11-23T01:00:00Z",
			"2026-12-24T08:00 = 12-24 00:00\n",
		},
		"once, and it was": {schedule.Spec{At: "2026-12-24T09:00"}, "2026-12-24T01:00:00Z", ""},
		"until a day, which counts": {
			schedule.Spec{Cron: "@daily", Until: "2026-11-25"},
			"2026-11-23T01:00:00Z",
			"2026-11-24T00:00 = 11-23 16:00\n2026-11-25T00:00 = 11-24 16:00\n",
		},
		"until a minute, which counts": {
			schedule.Spec{Cron: "0 */6 * * *", Until: "2026-11-23T12:00"},
			"2026-11-22T22:00:00Z",
			"2026-11-23T12:00 = 11-23 04:00\n",
		},
		"the last day of the month": {
			schedule.Spec{Cron: "30 8 L * *", Timezone: "UTC"},
			"2026-12-31T08:30:00Z",
			"2027-01-31T08:30 = 01-31 08:30\n2027-02-28T08:30 = 02-28 08:30\n2027-03-31T08:30 = 03-31 08:30\n",
		},
		"the first, and every Friday": {
			schedule.Spec{Cron: "0 0 1 * FRI", Timezone: "UTC"},
			"2026-11-25T00:00:00Z",
			"2026-11-27T00:00 = 11-27 00:00\n2026-12-01T00:00 = 12-01 00:00\n2026-12-04T00:00 = 12-04 00:00\n",
		},
		"a leap day on a Monday": {
			schedule.Spec{Cron: "0 0 29 2 *", Timezone: "UTC"},
			"2097-01-01T00:00:00Z",
			"2104-02-29T00:00 = 02-29 00:00\n2108-02-29T00:00 = 02-29 00:00\n2112-02-29T00:00 = 02-29 00:00\n",
		},
		// Berlin puts the clock forward at 2026-03-29 02:00 and back at 2026-10-25 03:00.
		"in the hour that is never shown, right after it": {
			schedule.Spec{Cron: "30 2 * * *", Timezone: "Europe/Berlin"},
			"2026-03-28T00:00:00Z",
			"2026-03-28T02:30 = 03-28 01:30\n2026-03-29T02:30 = 03-29 01:00\n2026-03-30T02:30 = 03-30 00:30\n",
		},
		"in the hour that is shown twice, the first time": {
			schedule.Spec{Cron: "30 2 * * *", Timezone: "Europe/Berlin"},
			"2026-10-24T00:00:00Z",
			"2026-10-24T02:30 = 10-24 00:30\n2026-10-25T02:30 = 10-25 00:30\n2026-10-26T02:30 = 10-26 01:30\n",
		},
		"between the two hours that look alike": {
			schedule.Spec{Cron: "*/20 * * * *", Timezone: "Europe/Berlin"},
			"2026-10-25T00:45:00Z",
			"2026-10-25T03:00 = 10-25 02:00\n2026-10-25T03:20 = 10-25 02:20\n2026-10-25T03:40 = 10-25 02:40\n",
		},
		"where midnight is never shown": { // Cairo, 2026-04-24 00:00 → 01:00
			schedule.Spec{Cron: "@daily", Timezone: "Africa/Cairo"},
			"2026-04-22T22:00:00Z",
			"2026-04-24T00:00 = 04-23 22:00\n2026-04-25T00:00 = 04-24 21:00\n2026-04-26T00:00 = 04-25 21:00\n",
		},
		"where half an hour is put forward": { // Lord Howe, 2026-10-04 02:00 → 02:30
			schedule.Spec{Cron: "10 2 * * *", Timezone: "Australia/Lord_Howe"},
			"2026-10-03T00:00:00Z",
			"2026-10-04T02:10 = 10-03 15:30\n2026-10-05T02:10 = 10-04 15:10\n2026-10-06T02:10 = 10-05 15:10\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := lines(parse(t, c.spec).Next(at(t, c.after), 3)); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

// TestEveryMinuteIsASlotOnce walks through hours of a zone minute by minute, the
// plainest way to say what is due when.
func TestEveryMinuteIsASlotOnce(t *testing.T) {
	t.Parallel()
	zones := []string{"Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Shanghai", "America/St_Johns", "Pacific/Apia"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		from := time.Date(rapid.IntRange(2005, 2035).Draw(t, "year"), time.January, rapid.IntRange(1, 366).Draw(t, "day"), 0, 0, 0, 0, zone)
		if _, end := from.ZoneBounds(); !end.IsZero() && rapid.Bool().Draw(t, "at the change") {
			from = end.Add(-time.Duration(rapid.IntRange(0, 300).Draw(t, "minutes before")) * time.Minute)
		}
		s, wrong := schedule.Parse(schedule.Spec{Cron: "*/7 * * * *", Timezone: zone.String()})
		if wrong != nil {
			t.Fatal(wrong)
		}
		// What the clock showed before, so that only what is new counts.
		from = from.Truncate(time.Minute)
		shown := from.Add(-time.Minute)
		highest := shown.Format("2006-01-02T15:04")
		for m := shown; m.After(from.Add(-3 * time.Hour)); m = m.Add(-time.Minute) {
			highest = max(highest, m.Format("2006-01-02T15:04"))
		}
		var want []string
		for m := from; m.Before(from.Add(7 * time.Hour)); m = m.Add(time.Minute) {
			name := m.Format("2006-01-02T15:04")
			if name <= highest {
				continue
			}
			for skipped := next(highest); skipped <= name; skipped = next(skipped) {
				if minuteOf(skipped)%7 == 0 {
					want = append(want, skipped+" = "+m.UTC().Format(time.RFC3339))
				}
			}
			highest = name
		}
		for i, slot := range s.Next(from.Add(-time.Second), len(want)) {
			if got := slot.Name + " = " + slot.At.UTC().Format(time.RFC3339); got != want[i] {
				t.Fatalf("%s after %s: slot %d is %s, want %s", zone, from, i, got, want[i])
			}
		}
	})
}

func next(name string) string {
	t, _ := time.Parse("2006-01-02T15:04", name)
	return t.Add(time.Minute).Format("2006-01-02T15:04")
}

func minuteOf(name string) int {
	t, _ := time.Parse("2006-01-02T15:04", name)
	return t.Minute()
}

func TestWhatIsWrongIsSaidWithTheKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spec schedule.Spec
		want string
	}{
		"nothing":       {schedule.Spec{}, `: the schedule says neither cron nor at` + "\n    " + `like {cron: "0 9 * * MON"} or {at: 2026-12-24T09:00}`},
		"both":          {schedule.Spec{Cron: "@daily", At: "2026-12-24T09:00"}, "at: cron and at are both told"},
		"four fields":   {schedule.Spec{Cron: "0 9 * *"}, `cron: "0 9 * *" is no cron line: `},
		"six fields":    {schedule.Spec{Cron: "0 0 9 * * MON"}, `is no cron line: `},
		"no such day":   {schedule.Spec{Cron: "0 9 30 2 *"}, `cron: "0 9 30 2 *" never comes`},
		"no such hour":  {schedule.Spec{Cron: "0 25 * * *"}, `is no cron line: `},
		"an interval":   {schedule.Spec{Cron: "@every 1h"}, `cron: "@every 1h" has no hours of its own`},
		"a zone inside": {schedule.Spec{Cron: "TZ=Asia/Tokyo 0 9 * * *"}, "cron: the time zone does not belong into cron\n    write timezone:"},
		"no such zone":  {schedule.Spec{Cron: "@daily", Timezone: "Asia/Peking"}, `timezone: there is no time zone "Asia/Peking"`},
		"the machine's": {schedule.Spec{Cron: "@daily", Timezone: "Local"}, `timezone: there is no time zone "Local"`},
		"no time":       {schedule.Spec{At: "Christmas"}, `at: "Christmas" is no time`},
		"no end":        {schedule.Spec{Cron: "@daily", Until: "soon"}, `until: "soon" is no time` + "\n    write the last day, like 2027-01-01"},
		"missed":        {schedule.Spec{Cron: "@daily", Missed: "all"}, `missed: missed is "all" and must be once or skip`},
		"at its end":    {schedule.Spec{At: "2026-12-24T09:00", Until: "2026-12-23"}, "until: the schedule ends before it begins"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, wrong := schedule.Parse(c.spec)
			if s != nil || len(wrong) == 0 {
				t.Fatalf("got %v, %v", s, wrong)
			}
			if got := wrong[0].Key + ": " + wrong[0].Fault.Error(); !strings.Contains(got, c.want) {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
		})
	}
	if _, wrong := schedule.Parse(schedule.Spec{Cron: "x", Timezone: "y", Until: "z", Missed: "w"}); len(wrong) != 4 {
		t.Errorf("not all faults at once: %v", wrong)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("0 9 * * MON", "", "Asia/Shanghai", "2027-01-01")
	f.Add("*/5 0-23/2 1,L,15W * FRI#L", "", "", "")
	f.Add("", "2026-12-24T09:00", "Europe/Berlin", "")
	f.Fuzz(func(t *testing.T, cron, at, zone, until string) {
		s, wrong := schedule.Parse(schedule.Spec{Cron: cron, At: at, Timezone: zone, Until: until})
		if (s == nil) != (len(wrong) > 0) {
			t.Fatalf("a schedule %v with the faults %v", s, wrong)
		}
		if s == nil {
			return
		}
		last := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for _, slot := range s.Next(last, 20) {
			if slot.At.Before(last) {
				t.Fatalf("%s comes before %s", slot.At, last)
			}
			last = slot.At
		}
	})
}
