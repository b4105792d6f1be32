package campaign

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"hongyan/internal/fault"
	"hongyan/internal/lint"
	"hongyan/internal/outline"
)

// lint takes what the author wants to be told.
func (r *reader) lint(into *lint.Options) func(string, ast.Node) {
	return func(path string, value ast.Node) {
		r.mapping(value, path, []key{
			{"clients", r.clients(into)},
			{"ignore", func(path string, value ast.Node) {
				into.Ignore = []string{} // an empty list ignores nothing, whatever the configuration does
				for _, item := range r.items(path, value) {
					var id string
					r.text(&id)(path, item)
					r.known(item, id, lint.CheckRule)
					into.Ignore = append(into.Ignore, id)
				}
			}},
		})
	}
}

func (r *reader) clients(into *lint.Options) func(string, ast.Node) {
	return func(path string, value ast.Node) {
		into.Clients = lint.Clients{}
		r.mapping(value, path, []key{{anyKey, func(full string, value ast.Node) {
			name := strings.TrimPrefix(full, path+".")
			r.known(value, name, lint.CheckClient)
			into.Clients[name] = r.share(full, value)
		}}})
		none := !slices.ContainsFunc(slices.Collect(maps.Values(into.Clients)), func(share float64) bool { return share > 0 })
		if none && !r.faultyAt(outline.Line(value)) {
			r.at(value, "%s names no reader", path).Hinted("like {qq: 0.5, gmail: 0.3}, or leave it out")
		}
	}
}

// share takes a number of which only the proportion to its fellows counts.
func (r *reader) share(path string, value ast.Node) float64 {
	var text string
	r.text(&text)(path, value)
	share, err := strconv.ParseFloat(text, 64)
	if (err != nil || !(share >= 0 && share <= 1e6)) && text != "" {
		r.at(value, "%q is no share of the readers", text).Hinted("write a number, like 0.3; only the proportions matter")
		return 0
	}
	return share
}

// known reports a name that the room of the checks does not know.
func (r *reader) known(at ast.Node, name string, check func(string) (what, hint fault.Text)) {
	if what, hint := check(name); what.Format != "" && name != "" {
		f := r.at(at, "")
		f.What, f.Hint = what, hint
	}
}
