package pace

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"hongyan/internal/fault"
)

// Limits are what an account may do, as the user and the provider's preset
// say it. The zero Limits allow everything.
type Limits struct {
	Windows        []Window      // rolling, at most one of a length
	GapMin, GapMax time.Duration // between two mails, drawn anew each time
	PauseFor       time.Duration // after PauseAfter mails without a pause
	PauseAfter     int
	Connections    int                 // at once; 0: one
	PerConnection  int                 // mails, then a new connection; 0: no end
	To             map[string][]Window // by recipient domain, in lower case
	Hours          Hours
	HolidaysFile   string   // as written; who reads it sets Hours.Holidays
	Warmup         []Window // by day of the account's life, counted from its first mail

	written keys // what l says, be it "none"
}

// keys are names of limits, of which the later word wins.
type keys map[string]bool

func (l *Limits) say(key string) {
	if l.written == nil {
		l.written = keys{}
	}
	l.written[key] = true
}

// Over lays l over base: what l says counts, also where it says none.
func (l Limits) Over(base Limits) Limits {
	out := l
	out.written = maps.Clone(base.written)
	for key := range l.written {
		out.say(key)
	}
	out.Windows = nil
	for _, w := range base.Windows {
		if _, ok := windowOf(l.Windows, w.Per); !ok && !l.written[windowKey(w.Per)] {
			out.Windows = append(out.Windows, w)
		}
	}
	out.Windows = sorted(append(out.Windows, l.Windows...))
	if !l.says("gap", l.GapMax > 0) {
		out.GapMin, out.GapMax = base.GapMin, base.GapMax
	}
	if !l.says("pause", l.PauseAfter > 0) {
		out.PauseFor, out.PauseAfter = base.PauseFor, base.PauseAfter
	}
	if !l.says("connections", l.Connections > 0) {
		out.Connections = base.Connections
	}
	if !l.says("per_connection", l.PerConnection > 0) {
		out.PerConnection = base.PerConnection
	}
	if !l.says("warmup", len(l.Warmup) > 0) {
		out.Warmup = base.Warmup
	}
	out.To = l.domains(base)
	out.Hours, out.HolidaysFile = l.hours(base)
	return out
}

func (l Limits) says(key string, set bool) bool { return set || l.written[key] }

func (l Limits) domains(base Limits) map[string][]Window {
	if l.written["to"] && len(l.To) == 0 {
		return nil
	}
	out := maps.Clone(base.To)
	for domain, ws := range l.To {
		if out == nil {
			out = map[string][]Window{}
		}
		out[domain] = ws
	}
	return out
}

func (l Limits) hours(base Limits) (Hours, string) {
	h, file := l.Hours, l.HolidaysFile
	if !l.says("between", h.From != 0 || h.To != 0) {
		h.From, h.To = base.Hours.From, base.Hours.To
	}
	if !l.says("weekdays", len(h.Days) > 0) {
		h.Days = base.Hours.Days
	}
	if !l.says("timezone", h.Zone != nil) {
		h.Zone = base.Hours.Zone
	}
	if !l.says("holidays", file != "" || len(h.Holidays) > 0) {
		h.Holidays, file = base.Hours.Holidays, base.HolidaysFile
	}
	return h, file
}

// windowKey is the name that a window's length has as a limit.
func windowKey(per time.Duration) string {
	switch per {
	case time.Second:
		return "per_second"
	case time.Minute:
		return "per_minute"
	case time.Hour:
		return "per_hour"
	case day:
		return "per_day"
	}
	return "per " + per.String()
}

func sorted(ws []Window) []Window {
	slices.SortFunc(ws, func(a, b Window) int { return int(a.Per/time.Millisecond - b.Per/time.Millisecond) })
	return ws
}

// Horizon is how far back history matters.
func (l Limits) Horizon() time.Duration {
	slow := float64(max(l.GapMax, l.PauseFor)) / floor
	batch := float64(l.PauseFor) * float64(l.PauseAfter) // mails of one batch stand less than a pause apart
	far := time.Duration(min(max(slow, batch), float64(never)))
	for _, ws := range slices.Concat([][]Window{l.Windows, l.Warmup}, slices.Collect(maps.Values(l.To))) {
		for _, w := range ws {
			far = max(far, w.Per)
		}
	}
	return far
}

// String returns the limits as one writes them, on one line: "100/day, gap: 6s-10s, pause: 5m after 30".
func (l Limits) String() string {
	parts := []string{}
	for _, w := range l.Windows {
		parts = append(parts, w.String())
	}
	if l.GapMax > 0 {
		parts = append(parts, "gap: "+l.gapText())
	}
	if l.PauseAfter > 0 {
		parts = append(parts, "pause: "+l.pauseText())
	}
	if l.Connections > 0 {
		parts = append(parts, "connections: "+strconv.Itoa(l.Connections))
	}
	if l.PerConnection > 0 {
		parts = append(parts, "per_connection: "+strconv.Itoa(l.PerConnection))
	}
	for _, domain := range slices.Sorted(maps.Keys(l.To)) {
		parts = append(parts, "to "+domain+": "+windowsText(l.To[domain]))
	}
	if !l.Hours.IsZero() {
		parts = append(parts, l.Hours.String())
	}
	if len(l.Warmup) > 0 {
		parts = append(parts, "warmup: "+windowsText(l.Warmup))
	}
	return strings.Join(parts, ", ")
}

func (l Limits) gapText() string {
	if l.GapMin == l.GapMax {
		return span(l.GapMin)
	}
	return span(l.GapMin) + "-" + span(l.GapMax)
}

func (l Limits) pauseText() string { return fmt.Sprintf("%s after %d", span(l.PauseFor), l.PauseAfter) }

func windowsText(ws []Window) string {
	var out []string
	for _, w := range ws {
		out = append(out, w.String())
	}
	return strings.Join(out, ", ")
}

// Describe says the limits in sentences, for a plan or a status.
func (l Limits) Describe() []fault.Text {
	var out []fault.Text
	if len(l.Windows) > 0 {
		out = append(out, fault.Textf("at most %s", windowsText(l.Windows)))
	}
	if l.GapMax > 0 {
		out = append(out, fault.Textf("%s between two mails", l.gapText()))
	}
	switch {
	case l.PauseAfter == 1:
		out = append(out, fault.Textf("a pause of %s after each mail", span(l.PauseFor)))
	case l.PauseAfter > 1:
		out = append(out, fault.Textf("a pause of %s after each %d mails", span(l.PauseFor), l.PauseAfter))
	}
	if l.Connections > 1 {
		out = append(out, fault.Textf("up to %d connections at once", l.Connections))
	}
	switch {
	case l.PerConnection == 1:
		out = append(out, fault.Textf("a new connection for each mail"))
	case l.PerConnection > 1:
		out = append(out, fault.Textf("a new connection after each %d mails", l.PerConnection))
	}
	for _, domain := range slices.Sorted(maps.Keys(l.To)) {
		out = append(out, fault.Textf("to %s at most %s", domain, windowsText(l.To[domain])))
	}
	return append(out, l.describeDays()...)
}

func (l Limits) describeDays() []fault.Text {
	var out []fault.Text
	if h := l.Hours; !h.IsZero() {
		out = append(out, fault.Textf("only in these hours: %s", h.String()))
	}
	switch days := len(l.Warmup); {
	case days == 1:
		out = append(out, fault.Textf("a new account's first day: %s", windowsText(l.Warmup)))
	case days > 1:
		out = append(out, fault.Textf("a new account's first %d days: %s", days, windowsText(l.Warmup)))
	}
	return out
}
