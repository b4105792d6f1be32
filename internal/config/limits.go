package config

import (
	"errors"
	"os"
	"slices"
	"strings"

	"hongyan/internal/fault"
	"hongyan/internal/pace"
)

func (b *builder) retry(values map[string]any) pace.Schedule {
	s, problems := pace.ParseSchedule(text(values["schedule"]), text(values["max_age"]))
	for _, p := range problems {
		b.problem("retry", p)
	}
	return s
}

// problem says which key it is about, unless its sentence does: in one line of
// the file there may be several.
func (b *builder) problem(path string, p pace.Problem) {
	f := b.wrong(path+sep+p.Key, "%s: %s", strings.ReplaceAll(p.Key, sep, "."), p.What)
	if slices.Contains(p.What.Args, any(p.Key)) {
		f.What = p.What
	}
	f.Hint = p.Hint
}

func (e *entry) limits() {
	own, problems := pace.ParseLimits(branchOf(e.values["limits"]))
	for _, p := range problems {
		e.problem(e.key("limits"), p)
	}
	if own.HolidaysFile != "" {
		own.HolidaysFile = within(e.dir, own.HolidaysFile)
		own.Hours.Holidays = e.holidays(own.HolidaysFile)
	}
	e.Limits = own.Over(e.preset.Limits)
}

// most is more lanes than anybody has workers for one account.
const most = 64

// lanes refuses a split by which a lane could not send at all, or all of them
// together more than the account may.
func (e *entry) lanes() {
	e.Lanes = 1
	n, given := e.values["lanes"].(int)
	if !given {
		return
	}
	if n < 1 || n > most {
		e.wrong(e.key("lanes"), "an account has 1 to %d lanes", most).Hinted("write lanes: 4, or leave it out")
		return
	}
	e.Lanes = n
	if n > 1 && e.Provider == "sandbox" {
		e.wrong(e.key("lanes"), "the sandbox is a server of one machine").Hinted("leave lanes out")
	}
	for _, p := range e.Limits.Indivisible(n) {
		e.problem(e.path, p)
	}
}

func (e *entry) holidays(file string) []pace.Date {
	path := e.key("limits" + sep + "holidays")
	if !e.exists(path, file) {
		return nil
	}
	src, err := os.ReadFile(file)
	if err != nil {
		e.wrong(path, "%s: %s", file, errors.Unwrap(err))
		return nil
	}
	if garbled := fault.NotUTF8(file, src); garbled != nil {
		e.tree.faults = append(e.tree.faults, garbled)
		return nil
	}
	var out []pace.Date
	n := 0
	for line := range strings.Lines(string(plain(src))) {
		n++
		if line, _, _ = strings.Cut(line, "#"); strings.TrimSpace(line) == "" {
			continue
		}
		date, ok := pace.ParseDate(line)
		if !ok {
			e.tree.faults = append(e.tree.faults, fault.At(file, n, "%q is no date", strings.TrimSpace(line)).Hinted("write one date per line, like 2026-10-01"))
			continue
		}
		out = append(out, date)
	}
	return out
}
