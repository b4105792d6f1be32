package pace

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const day = 24 * time.Hour

// Hours are when mails may leave by the clock on the wall; zero: always.
type Hours struct {
	From, To time.Duration  // since midnight; To ≤ From reaches into the next day; both zero: the whole day
	Days     []time.Weekday // on which a span begins; none: all
	Zone     *time.Location // nil: the machine's
	Holidays []Date         // on which none begins
}

// A Date is a day of the calendar.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads "2026-10-01"; what follows after a blank is remark.
func ParseDate(text string) (Date, bool) {
	first, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	t, err := time.Parse(time.DateOnly, first)
	return dateOf(t), err == nil
}

func dateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// IsZero reports whether mails may leave at any hour.
func (h Hours) IsZero() bool {
	return h.From == 0 && h.To == 0 && len(h.Days) == 0 && len(h.Holidays) == 0
}

// Open returns the first time at or after t when a mail may leave; a century
// later if no day within two years allows it.
func (h Hours) Open(t time.Time) time.Time {
	if h.IsZero() {
		return t
	}
	local := t
	if h.Zone != nil {
		local = t.In(h.Zone)
	}
	for n := -1; n <= 2*366; n++ { // from yesterday: its span may reach into today
		from, to, ok := h.span(local, n)
		if !ok || !t.Before(to) {
			continue
		}
		if from.After(t) {
			return t.Add(from.Sub(t.Round(0)))
		}
		return t
	}
	return t.Add(never)
}

// span returns when the span of the n-th day from t begins and ends.
func (h Hours) span(t time.Time, n int) (from, to time.Time, ok bool) {
	y, m, d := t.Date()
	begin := time.Date(y, m, d+n, 12, 0, 0, 0, t.Location())
	if len(h.Days) > 0 && !slices.Contains(h.Days, begin.Weekday()) || slices.Contains(h.Holidays, dateOf(begin)) {
		return from, to, false
	}
	end := h.To
	if end <= h.From {
		end += day
	}
	at := func(since time.Duration) time.Time {
		return clockAt(begin.AddDate(0, 0, int(since/day)), since%day)
	}
	return at(h.From), at(end), true
}

// clockAt returns when the clock on the wall shows so much since the midnight of
// the day that has this noon. An hour that summer time leaves out is taken an hour
// later, never earlier; where it is the day's first, midnight is not on the day.
func clockAt(noon time.Time, since time.Duration) time.Time {
	y, m, d := noon.Date()
	t := time.Date(y, m, d, int(since/time.Hour), int(since%time.Hour/time.Minute), 0, 0, noon.Location())
	shown := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	if t.Day() != d {
		shown -= day
	}
	return t.Add(max(since-shown, 0))
}

// String returns the hours as one writes them: "between: 08:00-22:00, weekdays: mon,tue, Asia/Shanghai".
func (h Hours) String() string {
	var parts []string
	if h.From != 0 || h.To != 0 {
		parts = append(parts, fmt.Sprintf("between: %s-%s", clockText(h.From), clockText(h.To)))
	}
	if len(h.Days) > 0 {
		parts = append(parts, "weekdays: "+daysText(h.Days))
	}
	if len(h.Holidays) > 0 {
		parts = append(parts, "holidays")
	}
	if h.Zone != nil && len(parts) > 0 {
		parts = append(parts, h.Zone.String())
	}
	return strings.Join(parts, ", ")
}

func clockText(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d/time.Hour), int(d%time.Hour/time.Minute))
}

// dayNames are the weekdays as one writes them, Sunday first.
func dayNames() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

func daysText(days []time.Weekday) string {
	var out []string
	for i := range 7 {
		if d := time.Weekday((i + 1) % 7); slices.Contains(days, d) {
			out = append(out, dayNames()[d])
		}
	}
	return strings.Join(out, ",")
}

// parseBetween reads "08:00-22:00"; "22:00-06:00" spans midnight.
func parseBetween(text string) (from, to time.Duration, ok bool) {
	a, b, found := strings.Cut(dashes(text), "-")
	from, ok1 := parseClock(a)
	to, ok2 := parseClock(b)
	return from, to, found && ok1 && ok2 && from != to && from < day
}

func parseClock(text string) (time.Duration, bool) {
	var h, m int
	text = strings.ReplaceAll(strings.TrimSpace(text), "：", ":")
	if n, err := fmt.Sscanf(text+";", "%2d:%2d;", &h, &m); n != 2 || err != nil {
		return 0, false
	}
	d := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	return d, h >= 0 && m >= 0 && m < 60 && d <= day
}

// parseWeekdays reads "mon-fri", "sat, sun", "周一-周五".
func parseWeekdays(text string) ([]time.Weekday, bool) {
	var out []time.Weekday
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(",，、 ", r) }) {
		a, b, ranged := strings.Cut(dashes(part), "-")
		if !ranged {
			b = a
		}
		first, ok1 := parseWeekday(a)
		last, ok2 := parseWeekday(b)
		if !ok1 || !ok2 {
			return nil, false
		}
		for d := first; ; d = (d + 1) % 7 {
			out = append(out, d)
			if d == last {
				break
			}
		}
	}
	return out, len(out) > 0
}

func parseWeekday(text string) (time.Weekday, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	for _, prefix := range []string{"星期", "周", "礼拜"} {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			i := slices.Index([]string{"日", "一", "二", "三", "四", "五", "六"}, strings.Replace(rest, "天", "日", 1))
			return time.Weekday(i), i >= 0
		}
	}
	if len(text) < 3 {
		return 0, false
	}
	i := slices.Index(dayNames(), text[:3])
	return time.Weekday(i), i >= 0 && strings.HasPrefix(strings.ToLower(time.Weekday(i).String())+"s", text)
}

// dashes puts a plain hyphen for the dashes and tildes that people write.
func dashes(text string) string {
	return strings.NewReplacer("–", "-", "—", "-", "~", "-", "～", "-", "至", "-").Replace(text)
}
