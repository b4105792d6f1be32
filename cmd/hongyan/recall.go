package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hongyan/internal/campaign"
	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/list"
)

// This file is how an issue is looked back at: through the ledger alone. Its files
// may have been changed or moved since, or be gone.

// recall finds an issue in the ledger, by the campaign's file or, where that cannot
// be read any more, by the campaign's name. No mail can be made of the edition.
func (d *door) recall(ctx context.Context, name, issue string) (*edition, onlooker, error) {
	conf, err := d.config()
	if err != nil {
		return nil, nil, err
	}
	e := &edition{conf: conf}
	unread := e.identify(name, issue)
	reader, err := d.openReader(ctx, conf)
	if errors.Is(err, os.ErrNotExist) {
		place := d.state(conf)
		return nil, nil, e.unsent().Hinted("there is no ledger in %s", shorten(place.String()))
	}
	if err != nil {
		return nil, nil, err
	}
	_, err = reader.Totals(ctx, e.key)
	if errors.Is(err, ledger.ErrUnknown) {
		err = unknownIssue(ctx, reader, e, unread)
	}
	if err != nil {
		return nil, nil, errors.Join(err, reader.Close())
	}
	return e, reader, nil
}

// identify says which issue is meant; whatever else is wrong with the campaign's
// file matters to nobody who only looks back. The error is why it could not be read.
func (e *edition) identify(name, issue string) error {
	src, err := os.ReadFile(name)
	if err == nil {
		e.camp, err = campaign.Parse(name, src)
	}
	if e.camp == nil || e.camp.Name == "" {
		e.camp = &campaign.Campaign{File: name, Dir: filepath.Dir(name), Name: name}
	} else {
		err = nil
	}
	e.key = ledger.Key{Campaign: e.camp.Name, Issue: cmp.Or(issue, e.camp.Issue, "main")}
	return err
}

// unknownIssue says which issues there are instead.
func unknownIssue(ctx context.Context, reader ledger.Reader, e *edition, unread error) error {
	issues, err := reader.Issues(ctx)
	if err != nil {
		return err
	}
	var known []string
	for _, issue := range issues {
		known = append(known, issue.Key.String())
	}
	if faults := faultsIn(unread); faults != nil {
		return faults
	}
	if unread != nil {
		return fault.At(e.camp.File, 0, "the campaign cannot be read: %s", plain(unread)).
			Hinted("one whose file is gone can be called by its name; the ledger has: %s", some(known))
	}
	return e.unsent().Hinted("the ledger has: %s", some(known))
}

// unsent is the fault of asking after an issue that was never begun.
func (e *edition) unsent() *fault.Fault {
	return fault.At("", 0, "campaign %s, issue %s: nothing of it was sent yet", e.key.Campaign, e.key.Issue)
}

// some are the first of many.
func some(names []string) string {
	if len(names) > shown {
		return strings.Join(names[:shown], ", ") + fmt.Sprintf(" … (%d)", len(names))
	}
	return strings.Join(names, ", ")
}

// reopenList takes the list where it is as it was, for the order of its columns.
func (e *edition) reopenList() {
	if l, err := list.Open(e.camp.Recipients.File, e.camp.ListOptions()); err == nil {
		e.list = l
	}
}
