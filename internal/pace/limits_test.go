package pace_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"hongyan/internal/pace"
)

func TestLimitsAreReadAsPeopleSayThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   map[string]any
		want string
	}{
		{nil, ""},
		{map[string]any{"per_second": uint64(10000)}, "10000/s"},
		{map[string]any{"per_second": 5, "per_minute": 60.0, "per_hour": "100", "per_day": 500}, "5/s, 60/min, 100/hour, 500/day"},
		{map[string]any{"rate": "40/min"}, "40/min"},
		{map[string]any{"rate": "[100/day, 40/min]"}, "40/min, 100/day"},
		{map[string]any{"rate": []any{"40 / minute", "5000/180s", "1/5分钟", "9/天"}}, "40/min, 5000/3m, 1/5m, 9/day"},
		{map[string]any{"rate": "40/min", "per_minute": 30}, "30/min"},
		{map[string]any{"gap": "6s-10s"}, "gap: 6s-10s"},
		{map[string]any{"gap": "6-10s"}, "gap: 6s-10s"},
		{map[string]any{"gap": "500ms～1m30s"}, "gap: 500ms-1m30s"},
		{map[string]any{"gap": "8 秒"}, "gap: 8s"},
		{map[string]any{"pause": "5m after 30"}, "pause: 5m after 30"},
		{map[string]any{"pause": "90 s After 1 mail"}, "pause: 1m30s after 1"},
		{map[string]any{"pause": "1h after 30 mails"}, "pause: 1h after 30"},
		{map[string]any{"connections": 3, "per_connection": 20}, "connections: 3, per_connection: 20"},
		{map[string]any{"to": map[string]any{"QQ.com": "20/min", "@163.com": []any{"1/s", "9/day"}}}, "to 163.com: 1/s, 9/day, to qq.com: 20/min"},
		{map[string]any{"between": "8:00-22:00"}, "between: 08:00-22:00"},
		{map[string]any{"between": "22：00–06：00", "timezone": "Asia/Shanghai"}, "between: 22:00-06:00, Asia/Shanghai"},
		{map[string]any{"weekdays": "mon-fri"}, "weekdays: mon,tue,wed,thu,fri"},
		{map[string]any{"weekdays": []any{"sat", "Sunday"}}, "weekdays: sat,sun"},
		{map[string]any{"weekdays": "周五至周一，星期三"}, "weekdays: mon,wed,fri,sat,sun"},
		{map[string]any{"warmup": []any{"20/day", "40/day"}}, "warmup: 20/day, 40/day"},
		{map[string]any{"gap": "none", "pause": "none", "per_day": "none"}, ""},
	} {
		l, bad := pace.ParseLimits(c.in)
		if got := l.String(); got != c.want || len(bad) > 0 {
			t.Errorf("%v: got %q, want %q; %v", c.in, got, c.want, bad)
		}
	}
}

func TestEachWrongLimitIsTold(t *testing.T) {
	t.Parallel()
	_, bad := pace.ParseLimits(map[string]any{
		"per_dya": 3, "colour": "red", "per_day": 0, "per_hour": "many", "per_minute": nil, "per_second": 1.5,
		"rate": []any{"40", "x/min"}, "gap": 6, "pause": "5m", "connections": -1,
		"to": map[string]any{"qq.com": "often", "a b": "1/s"}, "between": "22:00", "timezone": "Mars",
		"weekdays": "funday", "holidays": "", "warmup": []any{},
	})
	var got []string
	for _, p := range bad {
		got = append(got, fmt.Sprintf("%s: %s; %s", p.Key, p.What, p.Hint))
	}
	want := `between: "22:00" is not understood as between; write it like 08:00-22:00; 22:00-06:00 spans midnight
colour: unknown limit "colour"; known are: per_second, per_minute, per_hour, per_day, rate, gap, pause, connections, per_connection, to, between, timezone, weekdays, holidays, warmup
connections: -1 is no number of 1 or more; write a whole number, or none
gap: 6 is no gap between two mails; write it like 6s-10s (drawn anew for each mail), or 8s
holidays: "" is not understood as holidays; name a file with one date per line, like 2026-10-01
pause: "5m" is no pause; write it like 5m after 30: five minutes after each thirty mails
per_day: 0 is no number of 1 or more; write a whole number, or none
per_dya: unknown limit "per_dya"; did you mean "per_day"?
per_hour: "many" is no number of 1 or more; write a whole number, or none
per_minute: an empty value is no number of 1 or more; write a whole number, or none
per_second: 1.5 is no number of 1 or more; write a whole number, or none
rate: "40" is no limit over time; write it like 40/min, or [40/min, 100/day]
rate: "x/min" is no limit over time; write it like 40/min, or [40/min, 100/day]
timezone: "Mars" is not understood as timezone; write it like Asia/Shanghai
to::a b: "a b" is no domain; write what stands right of the @, like qq.com
to::qq.com: "often" is no limit over time; write it like 20/min, or [20/min, 200/day]
warmup: [] is no limit over time; write one limit for each day, like [20/day, 40/day, 60/day]
weekdays: "funday" is not understood as weekdays; write it like mon-fri, or mon,wed,fri`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

func TestTheUsersLimitsLieOverThePresets(t *testing.T) {
	t.Parallel()
	base := map[string]any{"per_day": 100, "per_minute": 40, "gap": "6s-10s", "pause": "5m after 30", "connections": 1, "per_connection": 20, "to": map[string]any{"qq.com": "5/min"}, "warmup": "9/day", "weekdays": "mon"}
	for _, c := range []struct {
		user map[string]any
		want string
	}{
		{nil, "40/min, 100/day, gap: 6s-10s, pause: 5m after 30, connections: 1, per_connection: 20, to qq.com: 5/min, weekdays: mon, warmup: 9/day"},
		{
			map[string]any{"per_day": 500, "gap": "2s", "to": map[string]any{"163.com": "1/s"}, "between": "08:00-09:00"},
			"40/min, 500/day, gap: 2s, pause: 5m after 30, connections: 1, per_connection: 20, to 163.com: 1/s, to qq.com: 5/min, between: 08:00-09:00, weekdays: mon, warmup: 9/day",
		},
		{
			map[string]any{"per_minute": "none", "gap": "none", "pause": "none", "connections": 4, "per_connection": "none", "to": "none", "weekdays": "none", "warmup": "none"},
			"100/day, connections: 4",
		},
		{map[string]any{"rate": "7/min"}, "7/min, 100/day, gap: 6s-10s, pause: 5m after 30, connections: 1, per_connection: 20, to qq.com: 5/min, weekdays: mon, warmup: 9/day"},
	} {
		if got := limits(t, c.user).Over(limits(t, base)).String(); got != c.want {
			t.Errorf("%v\ngot  %s\nwant %s", c.user, got, c.want)
		}
	}
}

func TestLimitsAreDescribedInSentences(t *testing.T) {
	t.Parallel()
	l := limits(t, map[string]any{"per_day": 100, "gap": "6s-10s", "pause": "5m after 30", "connections": 2, "per_connection": 20, "to": map[string]any{"qq.com": "5/min"}, "between": "08:00-22:00", "warmup": "9/day, 18/day"})
	var got []string
	for _, s := range l.Describe() {
		got = append(got, s.String())
	}
	want := []string{
		"at most 100/day", "6s-10s between two mails", "a pause of 5m after each 30 mails", "up to 2 connections at once",
		"a new connection after each 20 mails", "to qq.com at most 5/min", "only in these hours: between: 08:00-22:00",
		"a new account's first 2 days: 9/day, 18/day",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestALimitOfOneIsDescribedAsOne(t *testing.T) {
	t.Parallel()
	l := limits(t, map[string]any{"pause": "5m after 1", "per_connection": 1, "warmup": "9/day"})
	var got []string
	for _, s := range l.Describe() {
		got = append(got, s.String())
	}
	want := []string{"a pause of 5m after each mail", "a new connection for each mail", "a new account's first day: 9/day"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestTheHorizonCoversEveryLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   map[string]any
		want time.Duration
	}{
		{nil, 0},
		{map[string]any{"per_minute": 1}, time.Minute},
		{map[string]any{"rate": "1/min, 500/30d"}, 30 * 24 * time.Hour},
		{map[string]any{"pause": "5m after 30"}, 150 * time.Minute},
		{map[string]any{"pause": "30000d after 1000000000"}, 100 * 365 * 24 * time.Hour},
		{map[string]any{"gap": "10s"}, 160 * time.Second}, // at a sixteenth of the pace
		{map[string]any{"to": map[string]any{"qq.com": "1/hour"}}, time.Hour},
		{map[string]any{"warmup": "20/day"}, 24 * time.Hour},
	} {
		if got := limits(t, c.in).Horizon(); got != c.want {
			t.Errorf("%v: got %s, want %s", c.in, got, c.want)
		}
	}
}

func TestDurationsAreReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"6s": 6 * time.Second, "5 min": 5 * time.Minute, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour,
		"500ms": 500 * time.Millisecond, "1.5h": 90 * time.Minute, "10秒": 10 * time.Second, "3小时": 3 * time.Hour, "1 day 2 hours": 26 * time.Hour,
		"": -1, "6": -1, "s": -1, "6x": -1, "-5m": -1, "1..5h": -1, "99999999d": -1,
	} {
		got, ok := pace.ParseDuration(text)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: got %s, %v", text, got, ok)
		}
	}
}

func TestHoursOpenByTheClockOnTheWall(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ hours, weekdays, zone, at, want string }{
		{"08:00-22:00", "none", "UTC", "2026-11-23 07:00", "2026-11-23 08:00"},
		{"08:00-22:00", "none", "UTC", "2026-11-23 08:00", "2026-11-23 08:00"},
		{"08:00-22:00", "none", "UTC", "2026-11-23 22:00", "2026-11-24 08:00"},
		{"08:00-22:00", "none", "Asia/Shanghai", "2026-11-23 14:00", "2026-11-24 00:00"}, // in UTC
		{"22:00-06:00", "none", "UTC", "2026-11-23 03:00", "2026-11-23 03:00"},
		{"22:00-06:00", "none", "UTC", "2026-11-23 06:00", "2026-11-23 22:00"},
		{"22:00-06:00", "fri", "UTC", "2026-11-28 05:59", "2026-11-28 05:59"}, // Friday's night reaches into Saturday
		{"22:00-06:00", "fri", "UTC", "2026-11-27 05:00", "2026-11-27 22:00"},
		{"none", "mon-fri", "UTC", "2026-11-28 12:00", "2026-11-30 00:00"},
		{"08:00-24:00", "none", "UTC", "2026-11-23 23:59", "2026-11-23 23:59"},
		{"none", "none", "UTC", "2026-10-01 12:00", "2026-10-03 00:00"},                     // two holidays
		{"02:30-03:30", "none", "America/New_York", "2026-03-08 06:00", "2026-03-08 07:30"}, // the clock jumps from 02:00 to 03:00
		{"08:00-22:00", "none", "America/Havana", "2024-03-10 05:30", "2024-03-10 12:00"},   // and here from 00:00 to 01:00
		{"08:00-24:00", "none", "America/Havana", "2024-03-10 05:30", "2024-03-10 12:00"},
		{"08:00-24:00", "none", "America/Havana", "2024-03-11 03:59", "2024-03-11 03:59"},
		{"none", "sun", "America/Havana", "2024-03-10 03:00", "2024-03-10 05:00"},
	} {
		l := limits(t, map[string]any{"between": c.hours, "weekdays": c.weekdays, "timezone": c.zone})
		l.Hours.Holidays = []pace.Date{{Year: 2026, Month: time.October, Day: 1}, {Year: 2026, Month: time.October, Day: 2}}
		from, err := time.Parse("2006-01-02 15:04", c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Hours.Open(from).UTC().Format("2006-01-02 15:04"); got != c.want {
			t.Errorf("%s %s %s at %s: got %s, want %s", c.hours, c.weekdays, c.zone, c.at, got, c.want)
		}
	}
}

func TestHoursThatNeverOpenEndInACentury(t *testing.T) {
	t.Parallel()
	h := pace.Hours{Days: []time.Weekday{time.Sunday}}
	for d := range 900 {
		day := noon().AddDate(0, 0, d)
		h.Holidays = append(h.Holidays, pace.Date{Year: day.Year(), Month: day.Month(), Day: day.Day()})
	}
	if got := h.Open(noon()); got.Year() < 2100 {
		t.Errorf("opens %s", got)
	}
}

func FuzzParseLimits(f *testing.F) {
	for _, seed := range []string{"40/min", "6s-10s", "5m after 30", "08:00-22:00", "mon-fri", "周一至周五", "[20/day, 40/day]", "none", "1_000", "Asia/Shanghai", "9999999999/s", "0.0001s", "1/0s", "25:61-24:00"} {
		for _, key := range pace.Keys() {
			f.Add(key, seed)
		}
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		l, bad := pace.ParseLimits(map[string]any{key: value, "to": map[string]any{key: value}})
		if len(bad) > 0 || key == "holidays" || key == "timezone" {
			return
		}
		now := noon()
		p := pace.New(l, []time.Time{now, now.Add(-time.Hour)}, at(now))
		next, _ := p.Next(now, "qq.com")
		if next.Before(now) {
			t.Errorf("%s: %s: next is %s", key, value, next)
		}
		if l.Horizon() < 0 || l.Over(l).String() != l.String() {
			t.Errorf("%s: %s: %s over itself is %s, horizon %s", key, value, l, l.Over(l), l.Horizon())
		}
	})
}
