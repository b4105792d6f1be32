package main

import (
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/metrics"
	"hongyan/internal/pace"
	"hongyan/internal/run"
)

// This file is who watches a run from outside.

// watched tells all who listen what happens in a run.
func (d *door) watched(key ledger.Key, show func(run.Event)) func(run.Event) {
	tell := d.logged(key, show)
	if d.metrics == nil {
		return tell
	}
	return func(e run.Event) {
		d.metrics.Watch(e)
		tell(e)
	}
}

// timed is the line of the ledger with its commits timed, if anybody wants that.
func (d *door) timed(line run.Line) run.Line {
	if d.metrics == nil {
		return line
	}
	return d.metrics.Timed(line)
}

// gauge has the gauges of the metrics read from the books and from the pacers of
// the lanes.
func (d *door) gauge(h *house, lanes []*run.Lane) {
	if d.metrics == nil {
		return
	}
	d.metrics.Look(metrics.Sources{
		Issues: h.store.Issues, Holds: h.store.Holds,
		Accounts: func(now time.Time) (out []metrics.Account) {
			for _, lane := range lanes {
				if pacer, ok := lane.Pacer.(*pace.Pacer); ok {
					out = append(out, gauged(lane.Account, pacer, now))
				}
			}
			return out
		},
	})
}

// gauged is an account as the metrics show it.
func gauged(name string, pacer *pace.Pacer, now time.Time) metrics.Account {
	out := metrics.Account{Name: name, Pace: pacer.State().Factor}
	for _, use := range pacer.Uses(now) {
		out.Windows = append(out.Windows, metrics.Window{Limit: use.String(), Max: use.N, Used: use.Used})
	}
	return out
}
