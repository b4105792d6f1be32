package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"hongyan/internal/campaign"
	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/office"
)

// This file is about issues that were begun and are not finished: a new issue of
// the campaign does not finish them.

// begun lists those of a campaign, the oldest first; what a person has paused is not to go on.
func begun(ctx context.Context, books interface {
	ledger.Reader
	ledger.Papers
}, campaign string,
) (keys []ledger.Key, err error) {
	paused, err := keysOn(ctx, books, office.Pauses)
	if err != nil {
		return nil, err
	}
	issues, err := books.Issues(ctx)
	for _, issue := range slices.Backward(issues) {
		if issue.Campaign == campaign && unfinished(issue) && !paused[issue.Key] {
			keys = append(keys, issue.Key)
		}
	}
	return keys, err
}

// sendOpen goes on with every issue that was begun, one after the other, and
// begins none.
func (d *door) sendOpen(ctx context.Context, file string, o sendOptions) error {
	if o.issue != "" || o.confirm >= 0 || o.metrics != "" || len(o.test) > 0 {
		return d.usagef("--open goes on with every issue: leave --issue, --confirm, --metrics and --test out")
	}
	keys, err := d.begunOf(ctx, file)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		fmt.Fprintln(d.err, d.Say("No issue is begun and unfinished."))
	}
	worst := ending(exitWell)
	for _, key := range keys {
		o.issue = key.Issue
		err := d.sendOne(ctx, file, o)
		code, _ := errors.AsType[ending](err)
		if err != nil && code != exitSome && code != exitEarly {
			return err
		}
		worst = max(worst, code)
	}
	if worst == exitWell {
		return nil
	}
	return worst
}

// begunOf reads beside whoever has the ledger.
func (d *door) begunOf(ctx context.Context, file string) ([]ledger.Key, error) {
	conf, err := d.config()
	if err != nil {
		return nil, err
	}
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.Faults{fault.At(file, 0, "the campaign cannot be read: %s", plain(err))}
	}
	camp, err := campaign.Parse(file, src)
	if err != nil {
		return nil, err
	}
	reader, err := d.openReader(ctx, conf)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return begun(ctx, reader, camp.Name)
}

// printBegun says what a new issue leaves unfinished.
func (d *door) printBegun(p *plan) {
	for _, key := range p.begun[:min(shown, len(p.begun))] {
		d.warn(d.Say("issue %s was begun and is not finished", key.Issue))
	}
	d.warnMore(len(p.begun))
	if len(p.begun) > 0 {
		fmt.Fprintln(d.err, "    "+d.Say("go on with: hongyan send --open %s", strings.Join(append(d.sameLedger(), shellWord(p.dispatch.Campaign.File)), " ")))
	}
}
