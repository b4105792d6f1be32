package pace

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hongyan/internal/fault"
)

// A Problem is what is wrong with one limit. Key names it, below the limits:
// "per_day", or "to::qq.com" for a recipient domain.
type Problem struct {
	Key        string
	What, Hint fault.Text
}

// Keys are the names of all limits.
func Keys() []string {
	return []string{
		"per_second", "per_minute", "per_hour", "per_day", "rate", "gap", "pause",
		"connections", "per_connection", "to", "between", "timezone", "weekdays",
		"holidays", "warmup",
	}
}

// ParseLimits reads limits as a YAML map holds them, and says all that is
// wrong with them. "none" as a value takes a limit of the preset away.
func ParseLimits(m map[string]any) (Limits, []Problem) {
	p := parser{}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		p.key = key
		p.limit(strings.ToLower(key), m[key])
	}
	sorted(p.l.Windows)
	return p.l, p.bad
}

type parser struct {
	l   Limits
	key string
	bad []Problem
}

func (p *parser) wrong(what, hint fault.Text) {
	p.bad = append(p.bad, Problem{p.key, what, hint})
}

func (p *parser) limit(key string, v any) {
	if !slices.Contains(Keys(), key) {
		p.unknown(key)
		return
	}
	p.l.say(key)
	if text, ok := v.(string); ok && strings.EqualFold(strings.TrimSpace(text), "none") && key != "rate" {
		return
	}
	switch key {
	case "per_second", "per_minute", "per_hour", "per_day":
		if n := p.count(v); n > 0 {
			p.window(Window{n, perOf(key)})
		}
	case "rate":
		for _, w := range p.windows(v, fault.Textf("write it like 40/min, or [40/min, 100/day]")) {
			p.window(w)
		}
	case "gap":
		p.gap(v)
	case "pause":
		p.pause(v)
	case "connections":
		p.l.Connections = p.count(v)
	case "per_connection":
		p.l.PerConnection = p.count(v)
	case "to":
		p.to(v)
	case "warmup":
		p.l.Warmup = p.windows(v, fault.Textf("write one limit for each day, like [20/day, 40/day, 60/day]"))
	default:
		p.hours(key, v)
	}
}

func (p *parser) unknown(key string) {
	hint := fault.Textf("known are: %s", strings.Join(Keys(), ", "))
	if near := fault.Near(key, Keys()); near != "" {
		hint = fault.Textf("did you mean %q?", near)
	}
	p.wrong(fault.Textf("unknown limit %q", key), hint)
}

func perOf(key string) time.Duration {
	unit, _ := unitOf(strings.TrimPrefix(key, "per_"))
	return unit
}

// window adds w; of two windows of one length the tighter counts.
func (p *parser) window(w Window) {
	i := slices.IndexFunc(p.l.Windows, func(x Window) bool { return x.Per == w.Per })
	if i < 0 {
		p.l.Windows = append(p.l.Windows, w)
		return
	}
	p.l.Windows[i].N = min(p.l.Windows[i].N, w.N)
}

// count reads a whole number from 1.
func (p *parser) count(v any) int {
	n, ok := whole(v)
	if !ok || n < 1 {
		p.wrong(fault.Textf("%s is no number of 1 or more", said(v)), fault.Textf("write a whole number, or none"))
		return 0
	}
	return n
}

func whole(v any) (int, bool) {
	switch n := v.(type) {
	case int:
		return n, true
	case int64:
		return int(n), true
	case uint64:
		return int(min(n, math.MaxInt32)), true
	case float64:
		return int(n), n == math.Trunc(n) && math.Abs(n) < math.MaxInt32
	case string:
		i, err := strconv.Atoi(strings.ReplaceAll(strings.TrimSpace(n), "_", ""))
		return i, err == nil
	}
	return 0, false
}

// said quotes a value as a person would find it in the file.
func said(v any) string {
	if v == nil {
		return "an empty value"
	}
	if text, ok := v.(string); ok {
		return strconv.Quote(text)
	}
	return fmt.Sprint(v)
}

// text reads a value as text; a bare number is text as well.
func text(v any) string {
	if v == nil {
		return ""
	}
	return strings.TrimSpace(fmt.Sprint(v))
}

// items reads a list, or text with commas.
func items(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	var out []any
	for part := range strings.FieldsFuncSeq(text(v), func(r rune) bool { return strings.ContainsRune(",，、", r) }) {
		out = append(out, strings.Trim(strings.TrimSpace(part), "[]"))
	}
	return out
}

func (p *parser) windows(v any, hint fault.Text) []Window {
	var out []Window
	for _, item := range items(v) {
		w, ok := ParseWindow(text(item))
		if !ok {
			p.wrong(fault.Textf("%s is no limit over time", said(item)), hint)
			continue
		}
		out = append(out, w)
	}
	if len(items(v)) == 0 {
		p.wrong(fault.Textf("%s is no limit over time", said(v)), hint)
	}
	return out
}

func (p *parser) gap(v any) {
	hint := fault.Textf("write it like 6s-10s (drawn anew for each mail), or 8s")
	least, most, ranged := strings.Cut(dashes(text(v)), "-")
	if !ranged {
		most = least
	}
	hi, ok := ParseDuration(most)
	lo, ok2 := ParseDuration(least)
	if !ok2 && ranged { // "6-10s"
		lo, ok2 = ParseDuration(strings.TrimSpace(least) + strings.TrimLeft(strings.TrimSpace(most), "0123456789."))
	}
	switch {
	case !ok || !ok2:
		p.wrong(fault.Textf("%s is no gap between two mails", said(v)), hint)
	case lo > hi:
		p.wrong(fault.Textf("the gap %s begins above its end", said(v)), hint)
	default:
		p.l.GapMin, p.l.GapMax = lo, hi
	}
}

func (p *parser) pause(v any) {
	span, count, _ := strings.Cut(strings.ToLower(text(v)), "after")
	d, ok := ParseDuration(span)
	count = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(count), "s"), "mail")
	n, err := strconv.Atoi(strings.TrimSpace(count))
	if !ok || err != nil || n < 1 || d <= 0 {
		p.wrong(fault.Textf("%s is no pause", said(v)), fault.Textf("write it like 5m after 30: five minutes after each thirty mails"))
		return
	}
	p.l.PauseFor, p.l.PauseAfter = d, n
}

func (p *parser) to(v any) {
	m, ok := v.(map[string]any)
	if !ok {
		p.wrong(fault.Textf("%s names no recipient domains", said(v)), fault.Textf("write it like {qq.com: 20/min}"))
		return
	}
	p.l.To = map[string][]Window{}
	for _, domain := range slices.Sorted(maps.Keys(m)) {
		p.key = "to::" + domain
		name := strings.ToLower(strings.TrimPrefix(strings.TrimSpace(domain), "@"))
		if name == "" || strings.ContainsAny(name, "@ *") {
			p.wrong(fault.Textf("%q is no domain", domain), fault.Textf("write what stands right of the @, like qq.com"))
			continue
		}
		p.l.To[name] = p.windows(m[domain], fault.Textf("write it like 20/min, or [20/min, 200/day]"))
	}
}

func (p *parser) hours(key string, v any) {
	h, ok, hint := &p.l.Hours, false, fault.Text{}
	switch key {
	case "between":
		h.From, h.To, ok = parseBetween(text(v))
		hint = fault.Textf("write it like 08:00-22:00; 22:00-06:00 spans midnight")
	case "weekdays":
		h.Days, ok = parseWeekdays(joined(v))
		hint = fault.Textf("write it like mon-fri, or mon,wed,fri")
	case "timezone":
		h.Zone, ok = zone(text(v))
		hint = fault.Textf("write it like Asia/Shanghai")
	case "holidays":
		p.l.HolidaysFile = text(v)
		ok = p.l.HolidaysFile != ""
		hint = fault.Textf("name a file with one date per line, like 2026-10-01")
	}
	if !ok {
		p.wrong(fault.Textf("%s is not understood as %s", said(v), key), hint)
	}
}

func zone(name string) (*time.Location, bool) {
	if name == "" {
		return nil, false
	}
	z, err := time.LoadLocation(name)
	return z, err == nil
}

// joined reads a list of words, or text, as text.
func joined(v any) string {
	list, ok := v.([]any)
	if !ok {
		return text(v)
	}
	words := make([]string, len(list))
	for i, item := range list {
		words[i] = text(item)
	}
	return strings.Join(words, ",")
}
