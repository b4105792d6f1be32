package main

import (
	"context"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"hongyan/internal/edition/change"
	"hongyan/internal/ledger"
	"hongyan/internal/report"
)

// This file shows what has changed since an issue began: texts line by line,
// the list by its recipients, other files by their fingerprints.

// maxShown is how many lines of a difference are shown.
const maxShown = 24

// describe says in lines what a change consists of, as far as that is known.
func (h *house) describe(ctx context.Context, e *dispatch, c change.Change) ([]string, error) {
	if e.IsList(c) {
		return h.listChanges(ctx, e)
	}
	before, now, err := e.Texts(ctx, h.store, c)
	if err != nil || before == nil || now == nil {
		return nil, err
	}
	return h.door.textChanges(before, now), nil
}

// textChanges are the lines that went and came.
func (d *door) textChanges(before, now []byte) (out []string) {
	for line := range strings.Lines(string(diff.Diff("before", before, "now", now))) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(line, "--- before") || strings.HasPrefix(line, "+++ now") || !strings.HasPrefix(line, "-") && !strings.HasPrefix(line, "+") {
			continue
		}
		out = append(out, "      "+report.Printable(line))
	}
	if more := len(out) - maxShown; more > 0 {
		out = append(out[:maxShown], "      "+d.Say("… and %d more", more))
	}
	return out
}

// listChanges are who is new on the list, whose fields are others, and how many
// are gone.
func (h *house) listChanges(ctx context.Context, e *dispatch) (out []string, err error) {
	t, err := change.Rows(e.List, h.store.Entries(ctx, e.Key, ledger.Filter{}))
	if err != nil {
		return nil, err
	}
	add := func(n int, sentence string) {
		if n > 0 {
			out = append(out, "      "+sentence)
		}
	}
	add(t.New.N, h.door.Say("%d new: %s", t.New.N, t.New.String()))
	add(t.Other.N, h.door.Say("%d with other fields (what was entered stays): %s", t.Other.N, t.Other.String()))
	add(t.Gone, h.door.Say("%d gone", t.Gone))
	return out, nil
}

// departed counts whom the ledger is still to send to and the list does not name
// any more, once what is in doubt is settled as the flag says.
func (h *house) departed(ctx context.Context, e *dispatch, doubts string) (int, error) {
	left := ledger.Filter{States: []ledger.State{ledger.Queued, ledger.Deferred}}
	if doubts == "resend" {
		left.States = append(left.States, ledger.InDoubt)
	}
	return change.Departed(e.List, h.store.Entries(ctx, e.Key, left))
}
