package pace

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// ParseDuration reads a span of time as people write it: "6s", "5m", "5 min",
// "1h30m", "2d", "500ms", "10秒", "5分钟".
func ParseDuration(text string) (time.Duration, bool) {
	rest, sum := strings.ToLower(strings.TrimSpace(text)), 0.0
	if rest == "" {
		return 0, false
	}
	for rest != "" {
		number := leading(rest, func(r rune) bool { return '0' <= r && r <= '9' || r == '.' })
		rest = strings.TrimLeft(rest[len(number):], " ")
		name := leading(rest, unicode.IsLetter)
		rest = strings.TrimLeft(rest[len(name):], " ")
		n, err := strconv.ParseFloat(number, 64)
		unit, ok := unitOf(name)
		if err != nil || !ok {
			return 0, false
		}
		sum += n * float64(unit)
	}
	return time.Duration(math.Round(sum)), sum < float64(never)
}

func leading(s string, is func(rune) bool) string {
	if i := strings.IndexFunc(s, func(r rune) bool { return !is(r) }); i >= 0 {
		return s[:i]
	}
	return s
}

func unitOf(name string) (time.Duration, bool) {
	switch name {
	case "ms":
		return time.Millisecond, true
	case "s", "sec", "second", "seconds", "秒":
		return time.Second, true
	case "m", "min", "minute", "minutes", "分", "分钟":
		return time.Minute, true
	case "h", "hour", "hours", "时", "小时":
		return time.Hour, true
	case "d", "day", "days", "天", "日":
		return day, true
	}
	return 0, false
}

// span returns d in the shortest words that ParseDuration reads back: "90s" is "1m30s".
func span(d time.Duration) string {
	if d < time.Second {
		return strconv.FormatFloat(float64(d)/1e6, 'f', -1, 64) + "ms"
	}
	out := ""
	for _, u := range []struct {
		name string
		d    time.Duration
	}{{"d", day}, {"h", time.Hour}, {"m", time.Minute}} {
		if n := d / u.d; n > 0 {
			out += strconv.Itoa(int(n)) + u.name
			d %= u.d
		}
	}
	if d > 0 || out == "" {
		out += strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s"
	}
	return out
}
