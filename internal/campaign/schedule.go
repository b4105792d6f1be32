package campaign

import (
	"github.com/goccy/go-yaml/ast"

	"hongyan/internal/outline"
	"hongyan/internal/schedule"
)

// schedule takes when issues are due.
func (r *reader) schedule(into **schedule.Schedule) func(string, ast.Node) {
	return func(path string, value ast.Node) {
		var spec schedule.Spec
		r.mapping(value, path, []key{
			{"cron", r.line(&spec.Cron)},
			{"at", r.line(&spec.At)},
			{"timezone", r.line(&spec.Timezone)},
			{"missed", r.line(&spec.Missed)},
			{"until", r.line(&spec.Until)},
		})
		if _, ok := r.tree.Follow(value).(*ast.MappingNode); !ok || r.faultyAt(outline.Line(value)) {
			return
		}
		parsed, wrong := schedule.Parse(spec)
		for _, w := range wrong {
			line := r.lines[path]
			if w.Key != "" {
				line = max(line, r.lines[join(path, w.Key)])
			}
			f := r.atLine(line, "")
			f.What, f.Hint = w.Fault.What, w.Fault.Hint
		}
		*into = parsed
	}
}

// editions refuses a fixed issue beside a schedule, which names each issue by
// its slot.
func (r *reader) editions() {
	if line := r.lines["issue"]; line > 0 && r.lines["schedule"] > 0 {
		r.atLine(line, "issue and schedule are both told").
			Hinted("leave issue out: with a schedule, each issue has the name of its slot, like 2026-11-23T09:00")
	}
}
