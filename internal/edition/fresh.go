package edition

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"hongyan/internal/campaign"
	"hongyan/internal/data"
	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/schedule"
)

// This file is what an issue tells afresh: read when it begins, and frozen with
// it, so that whoever gets the mail last gets the same as who got it first.

// A Reading says where an edition takes its data from.
type Reading uint8

// What a reading may have.
const (
	Frozen  Reading = 1 << iota // the issue's own, if it has begun
	Local                       // files are read
	Network                     // servers are asked; else what they said last is taken
	Repeat                      // a feed without anything new gives what it has
)

// Sending goes on with what the issue began with; a test shows that, or, when
// there is nothing new, what there is; previews show what the next issue would
// have; a check asks nobody unless told so; and who looks back at an issue
// composes nothing.
const (
	ToSend     = Frozen | Local | Network
	ToTest     = Frozen | Local | Network | Repeat
	ToPreview  = Local | Network | Repeat
	ToCheck    = Local | Repeat
	ToLookBack = Frozen
)

func (r Reading) has(what Reading) bool { return r&what != 0 }

// Papers are what earlier issues left.
type Papers interface {
	reader
	Papers(ctx context.Context, shelf string) iter.Seq2[ledger.Paper, error]
}

type reader interface {
	Paper(ctx context.Context, shelf, name string) ([]byte, error)
}

// fresh is what an edition tells afresh.
type fresh struct {
	data.Data
	frozen   bool     // it was frozen when the issue began
	thawed   bool     // the campaign has more sources since
	networks []string // what was asked, for people
	unread   []string // sources that nobody was asked for
}

func (f *fresh) empty() {
	f.Data = data.Data{Values: map[string]any{}, IDs: map[string][]string{}}
}

func frozenShelf(campaign string) string { return "data/" + campaign }
func seenShelf(campaign string) string   { return "feed/" + campaign }

// gather reads the data of an edition.
func (e *Edition) gather(ctx context.Context, from Source) error {
	if len(e.Campaign.Data) == 0 {
		return nil
	}
	shelf, done, err := from.Shelf(ctx)
	if err != nil {
		return err
	}
	defer done()
	e.fresh.empty()
	if from.Reading.has(Frozen) && shelf != nil {
		if err := e.takeFrozen(ctx, shelf); err != nil {
			return err
		}
	}
	ask, err := e.toAsk(ctx, shelf, from)
	if err != nil || len(ask) == 0 {
		return err
	}
	r := data.Reader{Zone: zoneOf(e.Campaign), Net: from.Net, Repeat: from.Reading.has(Repeat)}
	if shelf != nil {
		if r.Seen, err = seen(ctx, shelf, e.Campaign); err != nil {
			return err
		}
	}
	for _, s := range ask {
		e.fresh.Values[s.Name] = nil // not known, should it be at fault
	}
	got, err := r.Read(ctx, ask)
	if err != nil {
		return err
	}
	maps.Copy(e.fresh.Values, got.Values)
	maps.Copy(e.fresh.IDs, got.IDs)
	e.fresh.Repeated = got.Repeated
	if from.Asked != nil {
		for _, s := range ask {
			from.Asked[s] = got.Values[s.Name]
		}
	}
	return nil
}

// takeFrozen takes what the issue was begun with.
func (e *Edition) takeFrozen(ctx context.Context, shelf reader) error {
	body, err := shelf.Paper(ctx, frozenShelf(e.Key.Campaign), e.Key.Issue)
	if err != nil || body == nil {
		return err
	}
	e.fresh.empty()
	frozen, err := data.Parse(body)
	if err != nil {
		return err
	}
	e.fresh.frozen = true
	for _, s := range e.Campaign.Data {
		if v, ok := frozen.Values[s.Name]; ok {
			e.fresh.Values[s.Name] = v
		}
	}
	maps.Copy(e.fresh.IDs, frozen.IDs)
	return nil
}

// toAsk are the sources that are still to be read. Those that may not be get
// what they had last.
func (e *Edition) toAsk(ctx context.Context, shelf Papers, from Source) (ask []data.Source, err error) {
	for _, s := range e.Campaign.Data {
		if _, ok := e.fresh.Values[s.Name]; ok {
			continue
		}
		e.fresh.thawed = e.fresh.frozen
		said, asked := from.Asked[s]
		switch {
		case s.Online() && asked:
			e.fresh.Values[s.Name] = said
		case !s.Online() && from.Reading.has(Local):
			ask = append(ask, s)
		case s.Online() && from.Reading.has(Network):
			ask = append(ask, s)
			e.fresh.networks = append(e.fresh.networks, s.Name+" ("+s.From+")")
		default:
			if err := e.takeLast(ctx, shelf, s); err != nil {
				return nil, err
			}
		}
	}
	return ask, nil
}

// takeLast gives a source the value that the latest issue had of it.
func (e *Edition) takeLast(ctx context.Context, shelf Papers, s data.Source) error {
	e.fresh.Values[s.Name] = nil
	var newest time.Time
	if shelf != nil {
		for paper, err := range shelf.Papers(ctx, frozenShelf(e.Key.Campaign)) {
			if err != nil {
				return err
			}
			had, err := data.Parse(paper.Body)
			if err != nil {
				return err
			}
			if v, ok := had.Values[s.Name]; ok && paper.At.After(newest) {
				newest, e.fresh.Values[s.Name] = paper.At, v
			}
		}
	}
	if newest.IsZero() {
		e.fresh.unread = append(e.fresh.unread, s.Name)
	}
	return nil
}

// zoneOf is where the dates of feeds are told for.
func zoneOf(camp *campaign.Campaign) *time.Location {
	if camp.Schedule != nil {
		return camp.Schedule.Zone()
	}
	return schedule.Home()
}

// seen are the items that earlier issues had.
func seen(ctx context.Context, shelf reader, camp *campaign.Campaign) (map[string][]string, error) {
	out := map[string][]string{}
	if camp.OnlyNew == "" {
		return out, nil
	}
	body, err := shelf.Paper(ctx, seenShelf(camp.Name), camp.OnlyNew)
	if err != nil || body == nil {
		return out, err
	}
	var ids []string
	if err := json.Unmarshal(body, &ids); err != nil {
		return out, fmt.Errorf("what the feed %s had: %w", camp.OnlyNew, err)
	}
	out[camp.OnlyNew] = ids
	return out, nil
}

// Asked are the sources whose servers were asked, for people.
func (e *Edition) Asked() []string { return e.fresh.networks }

// Unread are the sources whose servers were not asked and that no issue has had yet.
func (e *Edition) Unread() []string { return e.fresh.unread }

// Nothing says that there is nothing to begin an issue for, nil if there is.
func (e *Edition) Nothing() *schedule.Nothing {
	name := e.Campaign.OnlyNew
	news := e.fresh.Items(name) > 0 && !slices.Contains(e.fresh.Repeated, name)
	if name == "" || e.fresh.frozen || slices.Contains(e.fresh.unread, name) || news {
		return nil
	}
	return &schedule.Nothing{Why: fault.Textf("nothing new in %s since the last issue", name)}
}

// Shows reports whether there is something to compose mails of, be it old.
func (e *Edition) Shows() bool {
	return len(e.fresh.unread) == 0 && (e.Nothing() == nil || e.fresh.Items(e.Campaign.OnlyNew) > 0)
}

// freezeData keeps the data of an issue that is about to begin.
func (e *Edition) freezeData(ctx context.Context, shelf ledger.Shelf) error {
	if len(e.Campaign.Data) == 0 {
		return nil
	}
	body, err := json.Marshal(e.fresh.Data)
	if err != nil {
		return err
	}
	switch {
	case e.fresh.thawed:
		err = shelf.Put(ctx, frozenShelf(e.Key.Campaign), e.Key.Issue, body)
	case !e.fresh.frozen:
		var first bool
		first, err = shelf.PutNew(ctx, frozenShelf(e.Key.Campaign), e.Key.Issue, body)
		if err == nil && !first {
			return fmt.Errorf("another process has begun %s just now, with data of its own", e.Key)
		}
	}
	if err != nil {
		return err
	}
	e.fresh.frozen, e.fresh.thawed = true, false
	return nil
}

// remembered is how many items of a feed are remembered.
const remembered = 2000

// Remember keeps which items the feed has had, the latest first, when an issue
// that tells them has begun. It may be done again.
func (e *Edition) Remember(ctx context.Context, shelf ledger.Shelf) error {
	name := e.Campaign.OnlyNew
	if name == "" {
		return nil
	}
	before, err := seen(ctx, shelf, e.Campaign)
	if err != nil {
		return err
	}
	ids := slices.Clone(e.fresh.IDs[name])
	for _, id := range before[name] {
		if !slices.Contains(ids, id) && len(ids) < remembered {
			ids = append(ids, id)
		}
	}
	body, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	return shelf.Put(ctx, seenShelf(e.Key.Campaign), name, body)
}

// text is all that the data say: links in it are the same for everybody.
func (f *fresh) text() string {
	var b strings.Builder
	var write func(v any)
	write = func(v any) {
		switch v := v.(type) {
		case string:
			b.WriteString(v + "\n")
		case []any:
			for _, item := range v {
				write(item)
			}
		case map[string]any:
			for _, item := range v {
				write(item)
			}
		}
	}
	for _, v := range f.Values {
		write(v)
	}
	return b.String()
}
