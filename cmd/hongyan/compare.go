package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"hongyan/internal/ledger"
)

// A comparison is what the issue would be made of now, against what it was made
// of when it began.
type comparison struct {
	now     ledger.Plan
	known   bool      // it began
	began   time.Time // when
	changed []change  // inputs that are not what they were
}

// same reports whether the issue began and nothing has changed.
func (c comparison) same() bool { return c.known && len(c.changed) == 0 }

// compare writes nothing: who says no to the plan has begun nothing.
func (h *house) compare(ctx context.Context, e *edition) (c comparison, err error) {
	c.now.At = time.Now()
	if c.now.Digests, err = e.digests(); err != nil {
		return c, err
	}
	issues, err := h.store.Issues(ctx)
	if err != nil {
		return c, err
	}
	i := slices.IndexFunc(issues, func(issue ledger.Issue) bool { return issue.Key == e.key && issue.Rows > 0 })
	if i < 0 {
		return c, nil
	}
	c.known, c.began, c.changed = true, issues[i].At, difference(issues[i].Digests, c.now.Digests)
	return c, nil
}

// refuse is the answer to a difference that is not accepted.
func (h *house) refuse(ctx context.Context, e *edition, c comparison) error {
	lines := []string{h.door.say("%s has changed since its first start on %s:", e.key.String(), stamp(c.began))}
	for _, change := range c.changed {
		more, err := h.describe(ctx, e, change)
		if err != nil {
			return err
		}
		lines = append(append(lines, change.String()), more...)
	}
	lines = append(lines, h.door.say("Go on with --accept-changes (who has the mail gets no second one), or start a new edition with --issue NAME."))
	return usageError{errors.New(strings.Join(lines, "\n"))}
}

// freeze writes down what the issue is made of. It reports whether the whole
// list is in the ledger already.
func (h *house) freeze(ctx context.Context, e *edition, c comparison) (bool, error) {
	if err := h.freezeFiles(ctx, e); err != nil {
		return false, err
	}
	if !c.same() {
		if err := e.keepTexts(ctx, h.store); err != nil {
			return false, err
		}
	}
	frozen, err := h.store.Plan(ctx, e.key, c.now)
	if err != nil {
		return false, err
	}
	whole := c.same() && frozen.Complete
	if !frozen.First && !c.same() {
		err = h.store.Refreeze(ctx, e.key, c.now)
	}
	return whole, errors.Join(err, e.remember(ctx, h.store))
}

// freezeFiles keeps what the mails are made of beside the list: data as they were
// read, and files that they link to.
func (h *house) freezeFiles(ctx context.Context, e *edition) error {
	key, err := h.store.Key(ctx)
	if err != nil {
		return err
	}
	return errors.Join(e.freezeData(ctx, h.store), e.leaveParcels(ctx, key))
}

// digests are the fingerprints of everything that the issue is made of.
func (e *edition) digests() (map[string]string, error) {
	written := sha256.Sum256(e.written)
	out := map[string]string{e.named(e.camp.File): hex.EncodeToString(written[:])}
	if err := e.fresh.digest(out); err != nil {
		return nil, err
	}
	for _, file := range append(e.sources(e.camp.Attachments)[1:], e.camp.Recipients.File) {
		sum, err := digest(file)
		if errors.Is(err, os.ErrNotExist) {
			continue // part of the program, not of the user's files
		}
		if err != nil {
			return nil, err
		}
		out[e.named(file)] = sum
	}
	return out, nil
}

func digest(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read %s: %w", file, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
