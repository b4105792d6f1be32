// Package schedule says when an issue is due, and sees to it that each slot is
// heeded once: not twice however often the process restarts, also when two
// look at the same state, and not never.
//
// A slot is a minute on the wall clock of the schedule's time zone, and its
// name is what that clock shows: 2026-11-23T09:00. Where the clock is put back,
// an hour is shown twice; a slot in it is due the first time only. Where the
// clock is put forward, an hour is never shown; a slot in it is due right
// after the gap.
//
// The room must never know what a campaign contains, how an issue is sent, or
// where its papers are kept.
package schedule

import (
	"slices"
	"strings"
	"time"

	cron "github.com/netresearch/go-cron"

	"hongyan/internal/fault"
)

// A Spec is a schedule as people write it; what is not told is "".
type Spec struct {
	Cron     string // minute hour day month weekday, or @daily and the like
	At       string // the only slot: 2026-12-24T09:00
	Timezone string // its place, like Asia/Shanghai
	Missed   string // "once" (the default) or "skip"
	Until    string // the last day, or the last minute
}

// A Schedule is a Spec that was found good. It never changes.
type Schedule struct {
	rule   *cron.SpecSchedule // nil: at is the only slot
	at     time.Time          // on the wall, see wallOf
	until  time.Time          // the last moment on the wall; zero: no end
	zone   *time.Location
	missed Missed
	text   string
}

// Missed is what becomes of slots that nobody was there to heed.
type Missed string

// Once sends one issue, that of the latest missed slot; Skip sends none.
const (
	Once Missed = "once"
	Skip Missed = "skip"
)

// A Slot is when an issue is due.
type Slot struct {
	Name string // what the clock on the wall shows; also the name of the issue
	At   time.Time
}

// nameLayout is how a slot is named.
const nameLayout = "2006-01-02T15:04"

const homeZone = "Asia/Shanghai"

// Home is where a schedule without a time zone belongs.
func Home() *time.Location {
	zone, _ := zoneOf("")
	return zone
}

// A Wrong is what is wrong with one key of a Spec; its fault has no place.
type Wrong struct {
	Key   string
	Fault *fault.Fault
}

// Parse reads a Spec; it says all that is wrong at once.
func Parse(s Spec) (*Schedule, []Wrong) {
	var wrong []Wrong
	note := func(key string, f *fault.Fault) {
		if f != nil {
			wrong = append(wrong, Wrong{key, f})
		}
	}
	out := &Schedule{missed: Missed(s.Missed)}
	var f *fault.Fault
	out.zone, f = zoneOf(s.Timezone)
	note("timezone", f)
	switch {
	case s.Cron != "" && s.At != "":
		note("at", fault.At("", 0, "cron and at are both told").Hinted("keep cron for what comes again and again, at for what comes once"))
	case s.Cron != "":
		out.rule, f = ruleOf(s.Cron)
		note("cron", f)
	case s.At != "":
		out.at, f = momentOf(s.At, out.zone)
		note("at", f)
	default:
		note("", fault.At("", 0, "the schedule says neither cron nor at").
			Hinted(`like {cron: "0 9 * * MON"} or {at: 2026-12-24T09:00}`))
	}
	out.until, f = untilOf(s.Until, out.zone)
	note("until", f)
	note("missed", out.settleMissed())
	if len(wrong) > 0 {
		return nil, wrong
	}
	out.text = strings.Join([]string{strings.Join(strings.Fields(s.Cron+" "+s.At), " "), out.zone.String()}, " ")
	if _, ok := out.after(time.Unix(0, 0)); !ok {
		return nil, []Wrong{{"until", fault.At("", 0, "the schedule ends before it begins")}}
	}
	return out, nil
}

func (s *Schedule) settleMissed() *fault.Fault {
	switch s.missed {
	case "":
		s.missed = Once
	case Once, Skip:
	default:
		f := fault.At("", 0, "missed is %q and must be once or skip", string(s.missed))
		return f.Hinted("once sends one issue for all that was missed, skip sends none")
	}
	return nil
}

func zoneOf(name string) (*time.Location, *fault.Fault) {
	if name == "" {
		name = homeZone
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" { // Local would be another time on every machine
		return time.UTC, fault.At("", 0, "there is no time zone %q", name).
			Hinted("write its place, like Asia/Shanghai or Europe/Berlin")
	}
	return zone, nil
}

// farthest is how many years ahead a slot is looked for: the 29th of February
// falls on a given weekday once in 40 years at the worst.
const farthest = 41

// ruleOf reads a cron line. The day of the month and the weekday, when both are
// told, are either enough, as they have been since Version 7.
func ruleOf(line string) (*cron.SpecSchedule, *fault.Fault) {
	const hint = `five fields: minute, hour, day, month, weekday, like "0 9 * * MON"`
	if strings.Contains(line, "TZ=") {
		return nil, fault.At("", 0, "the time zone does not belong into cron").Hinted("write timezone: Asia/Shanghai beside it")
	}
	parser := cron.MustNewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor | cron.Extended | cron.DowOrDom).
		WithMaxSearchYears(farthest)
	parsed, err := parser.Parse(line)
	if err != nil {
		return nil, fault.At("", 0, "%q is no cron line: %s", line, err.Error()).Hinted(hint)
	}
	rule, ok := parsed.(*cron.SpecSchedule)
	if !ok { // @every has no hours on a wall clock
		return nil, fault.At("", 0, "%q has no hours of its own", line).Hinted(hint)
	}
	if rule.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fault.At("", 0, "%q never comes", line).Hinted("no month has such a day")
	}
	return rule, nil
}

var momentLayouts = []string{nameLayout, "2006-01-02 15:04"}

// momentOf reads a minute on the wall clock; with an offset, such as +09:00, it
// is put on the clock of the zone.
func momentOf(text string, zone *time.Location) (time.Time, *fault.Fault) {
	text = strings.TrimSpace(text)
	for _, layout := range momentLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
		if t, err := time.Parse(layout+"Z07:00", text); err == nil {
			return wallOf(t.In(zone)), nil
		}
	}
	return time.Time{}, fault.At("", 0, "%q is no time", text).Hinted("write the day and the hour, like 2026-12-24T09:00")
}

// untilOf reads the end: a day counts to its last minute.
func untilOf(text string, zone *time.Location) (time.Time, *fault.Fault) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.Parse(time.DateOnly, strings.TrimSpace(text)); err == nil {
		return day.Add(24*time.Hour - time.Minute), nil
	}
	end, f := momentOf(text, zone)
	if f != nil {
		f.Hinted("write the last day, like 2027-01-01")
	}
	return end, f
}

// Zone is the time zone whose wall clock names the slots.
func (s *Schedule) Zone() *time.Location { return s.zone }

// Missed is what becomes of missed slots.
func (s *Schedule) Missed() Missed { return s.missed }

// String is the rule as it was written, and its zone. Two schedules with the
// same String have the same slots, but for their end.
func (s *Schedule) String() string { return s.text }

// once is the slot of a schedule that has but one.
func (s *Schedule) once() (Slot, bool) {
	if s.rule != nil {
		return Slot{}, false
	}
	return Slot{Name: s.at.Format(nameLayout), At: momentAt(s.at, s.zone)}, true
}

// Next returns up to n slots after a moment.
func (s *Schedule) Next(after time.Time, n int) []Slot {
	var out []Slot
	for slot := range s.from(after) {
		if len(out) == n {
			break
		}
		out = append(out, slot)
	}
	return out
}

// Minute is the minute of a moment as a slot, for an issue that is begun by hand.
func (s *Schedule) Minute(at time.Time) Slot {
	at = at.In(s.zone).Truncate(time.Minute)
	return Slot{Name: at.Format(nameLayout), At: at}
}

// from yields the slots after a moment, in their order.
func (s *Schedule) from(after time.Time) func(yield func(Slot) bool) {
	return func(yield func(Slot) bool) {
		wall := wallOf(after.In(s.zone))
		for {
			var ok bool
			if wall, ok = s.after(wall); !ok {
				return
			}
			slot := Slot{Name: wall.Format(nameLayout), At: momentAt(wall, s.zone)}
			if slot.At.After(after) && !yield(slot) {
				return
			}
		}
	}
}

// after returns the next minute on the wall that is a slot.
func (s *Schedule) after(wall time.Time) (time.Time, bool) {
	next := s.at
	if s.rule != nil {
		next = s.rule.Next(wall)
	}
	ended := !s.until.IsZero() && next.After(s.until)
	return next, next.After(wall) && !ended
}

// wallOf is what a clock shows, as a time in UTC: a clock that is never put
// forward or back, on which slots can be reckoned.
func wallOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// momentAt is when the clock of a zone first shows a wall time, or, when it
// jumps over it, the moment of the jump.
func momentAt(wall time.Time, zone *time.Location) time.Time {
	near := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), 0, 0, zone)
	start, end := near.ZoneBounds()
	moments := []time.Time{near}
	for _, jump := range []time.Time{start, end} {
		if jump.IsZero() {
			continue
		}
		before, after := jump.Add(-time.Second), jump
		for _, t := range []time.Time{before, after} {
			_, offset := t.In(zone).Zone()
			moments = append(moments, wall.Add(-time.Duration(offset)*time.Second).In(zone))
		}
		if wallOf(before.In(zone)).Before(wall) && wallOf(after.In(zone)).After(wall) {
			return jump.In(zone)
		}
	}
	moments = slices.DeleteFunc(moments, func(t time.Time) bool { return !wallOf(t).Equal(wall) })
	return slices.MinFunc(moments, time.Time.Compare)
}
