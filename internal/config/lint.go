package config

import (
	"maps"
	"slices"
	"strconv"

	"hongyan/internal/fault"
	"hongyan/internal/lint"
)

// lint reads what the author wants to be told.
func (b *builder) lint(values map[string]any) lint.Options {
	o := lint.Options{Ignore: texts(values["ignore"])}
	for _, id := range o.Ignore {
		if what, hint := lint.CheckRule(id); what.Format != "" {
			b.told("lint"+sep+"ignore", what, hint)
		}
	}
	clients := branchOf(values["clients"])
	for _, name := range slices.Sorted(maps.Keys(clients)) {
		path := "lint" + sep + "clients" + sep + name
		if what, hint := lint.CheckClient(name); what.Format != "" {
			b.told(path, what, hint)
			continue
		}
		share, err := strconv.ParseFloat(text(clients[name]), 64)
		if err != nil || !(share >= 0 && share <= 1e6) {
			b.wrong(path, "%q is no share of the readers", text(clients[name])).Hinted("write a number, like 0.3; only the proportions matter")
			continue
		}
		if o.Clients == nil {
			o.Clients = lint.Clients{}
		}
		o.Clients[name] = share
	}
	return o
}

// told reports what another room says is wrong with a key.
func (b *builder) told(path string, what, hint fault.Text) {
	f := b.wrong(path, "")
	f.What, f.Hint = what, hint
}
