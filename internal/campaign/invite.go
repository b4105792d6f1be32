package campaign

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"hongyan/internal/fault"
	"hongyan/internal/list"
)

// An Invite makes each mail an invitation to an event. Start, End, Summary,
// Location and Description are templates; the others are the same for all.
type Invite struct {
	Start, End                     string // as Times reads them
	Summary, Location, Description string // Description may have several lines
	Organizer                      string // an address as written; "": the sender
	Method                         string // request, publish or cancel
	Sequence                       int    // one more at every change of the event
	Zone                           *time.Location
}

// homeZone is where times without a zone belong.
const homeZone = "Asia/Shanghai"

// Times reads when the event begins and ends, as people write it: "2026-12-05
// 14:00", with or without an offset (+09:00), and for the end also the hour
// alone ("16:30", on the day of the start) or how long it takes ("90m", "2h30m").
// Its errors are faults without a place.
func (v *Invite) Times(start, end string) (from, to time.Time, err error) {
	if from, err = v.moment(start); err != nil {
		return from, to, err
	}
	end = strings.TrimSpace(end)
	if hour, err := time.ParseInLocation("15:04", end, v.Zone); err == nil {
		day := from.In(v.Zone)
		to = time.Date(day.Year(), day.Month(), day.Day(), hour.Hour(), hour.Minute(), 0, 0, v.Zone)
	} else if span, err := time.ParseDuration(end); err == nil {
		to = from.Add(span)
	} else if to, err = v.moment(end); err != nil {
		return from, to, err
	}
	if !to.After(from) {
		return from, to, fault.At("", 0, "the event ends at %s, before it starts at %s", end, strings.TrimSpace(start))
	}
	return from, to, nil
}

func (v *Invite) moment(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	for _, layout := range []string{
		"2006-01-02 15:04", "2006-1-2 15:04", "2006/1/2 15:04", "2006-01-02T15:04", "2006年1月2日 15:04",
		"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04 Z07:00", "2006-01-02 15:04Z07:00", "2006-01-02T15:04Z07:00", time.RFC3339,
	} {
		if t, err := time.ParseInLocation(layout, text, v.Zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fault.At("", 0, "%q is no time", text).Hinted("write the day and the hour, like 2026-12-05 14:00")
}

// invite takes the event.
func (r *reader) invite(into **Invite) func(string, ast.Node) {
	return func(path string, value ast.Node) {
		v := &Invite{Zone: time.UTC}
		var zone, sequence string
		r.mapping(value, path, []key{
			{"start", r.line(&v.Start)},
			{"end", r.line(&v.End)},
			{"timezone", r.line(&zone)},
			{"summary", r.line(&v.Summary)},
			{"location", r.line(&v.Location)},
			{"description", r.text(&v.Description)},
			{"organizer", r.line(&v.Organizer)},
			{"method", r.line(&v.Method)},
			{"sequence", r.line(&sequence)},
		})
		if _, ok := r.tree.Follow(value).(*ast.MappingNode); !ok {
			return
		}
		for _, name := range []string{"start", "end", "summary"} {
			if r.lines[join(path, name)] == 0 && !r.mentioned(name) {
				r.at(value, "the key %s is missing", join(path, name))
			}
		}
		r.zone(v, path, zone)
		r.method(v, path)
		r.sequence(v, path, sequence)
		r.organizer(v, path)
		r.times(v, path)
		*into = v
	}
}

func (r *reader) zone(v *Invite, path, name string) {
	if name == "" {
		name = homeZone
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" { // Local would be another time on every machine
		r.atLine(r.lines[join(path, "timezone")], "there is no time zone %q", name).Hinted("write its place, like Asia/Shanghai or Europe/Berlin")
		return
	}
	v.Zone = zone
}

func (r *reader) method(v *Invite, path string) {
	v.Method = strings.ToLower(v.Method)
	switch v.Method {
	case "":
		v.Method = "request"
	case "request", "publish", "cancel":
	default:
		f := r.atLine(r.lines[join(path, "method")], "there is no method %q", v.Method)
		if near := fault.Near(v.Method, []string{"request", "publish", "cancel"}); near != "" {
			f.Hinted("did you mean %q?", near)
			return
		}
		f.Hinted("write request (asks for an answer), publish (for the calendar only) or cancel")
	}
}

func (r *reader) sequence(v *Invite, path, text string) {
	if text == "" {
		return
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		r.atLine(r.lines[join(path, "sequence")], "%s must be a whole number", join(path, "sequence")).
			Hinted("0 at first, one more whenever the event is changed or cancelled")
		return
	}
	v.Sequence = n
}

func (r *reader) organizer(v *Invite, path string) {
	if v.Organizer == "" {
		return
	}
	if _, _, _, bad := list.ParseAddress(v.Organizer); bad != nil {
		r.atLine(r.lines[join(path, "organizer")], "organizer: %s", bad.What).Hint = bad.Hint
	}
}

// times reads what is the same for all; what depends on the recipient is read
// with each mail.
func (r *reader) times(v *Invite, path string) {
	if v.Start == "" || strings.Contains(v.Start, "{{") {
		return
	}
	at := "start"
	_, err := v.moment(v.Start)
	if err == nil && v.End != "" && !strings.Contains(v.End, "{{") {
		at = "end"
		_, _, err = v.Times(v.Start, v.End)
	}
	if bad, ok := errors.AsType[*fault.Fault](err); ok {
		r.atLine(r.lines[join(path, at)], "%s: %s", join(path, at), bad.What).Hint = bad.Hint
	}
}
