package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"hongyan/internal/edition"
	"hongyan/internal/fault"
	"hongyan/internal/ledger"
)

// This file is how an issue is looked back at: through the ledger alone. Its files
// may have been changed or moved since, or be gone.

// recall finds an issue in the ledger, by the campaign's file or, where that cannot
// be read any more, by the campaign's name. No mail can be made of the edition.
func (d *door) recall(ctx context.Context, name, issue string) (*dispatch, onlooker, error) {
	conf, err := d.config()
	if err != nil {
		return nil, nil, err
	}
	recalled, unread := edition.Named(name, issue)
	e := &dispatch{Edition: recalled, conf: conf}
	reader, err := d.openReader(ctx, conf)
	if errors.Is(err, os.ErrNotExist) {
		place := d.state(conf)
		return nil, nil, e.unsent().Hinted("there is no ledger in %s", shorten(place.String()))
	}
	if err != nil {
		return nil, nil, err
	}
	_, err = reader.Totals(ctx, e.Key)
	if errors.Is(err, ledger.ErrUnknown) {
		err = unknownIssue(ctx, reader, e, unread)
	}
	if err != nil {
		return nil, nil, errors.Join(err, reader.Close())
	}
	return e, reader, nil
}

// unknownIssue says which issues there are instead.
func unknownIssue(ctx context.Context, reader ledger.Reader, e *dispatch, unread error) error {
	issues, err := reader.Issues(ctx)
	if err != nil {
		return err
	}
	var known []string
	for _, issue := range issues {
		known = append(known, issue.Key.String())
	}
	if faults := fault.In(unread); faults != nil {
		return faults
	}
	if unread != nil {
		return fault.At(e.Campaign.File, 0, "the campaign cannot be read: %s", plain(unread)).
			Hinted("one whose file is gone can be called by its name; the ledger has: %s", some(known))
	}
	return e.unsent().Hinted("the ledger has: %s", some(known))
}

// unsent is the fault of asking after an issue that was never begun.
func (e *dispatch) unsent() *fault.Fault {
	return fault.At("", 0, "campaign %s, issue %s: nothing of it was sent yet", e.Key.Campaign, e.Key.Issue)
}

// some are the first of many.
func some(names []string) string {
	if len(names) > shown {
		return strings.Join(names[:shown], ", ") + fmt.Sprintf(" … (%d)", len(names))
	}
	return strings.Join(names, ", ")
}
