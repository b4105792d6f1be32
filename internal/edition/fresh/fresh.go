// Package fresh is what an issue tells afresh, such as news and prices: read when it
// begins, and frozen with it, so that whoever gets the mail last gets the same as
// who got it first.
//
// It must never know mails.
package fresh

import (
	"context"
	"encoding/json"
	"fmt"
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

// A Reading says where an issue takes its data from.
type Reading uint8

const (
	frozen  Reading = 1 << iota // the issue's own, if it has begun
	local                       // files are read
	network                     // servers are asked; else what they said last is taken
	repeat                      // a feed without anything new gives what it has
)

// Sending goes on with what the issue began with; a test shows that, or, when
// there is nothing new, what there is; previews show what the next issue would
// have; a check asks nobody unless told so; and who looks back at an issue
// composes nothing.
const (
	ToSend        = frozen | local | network
	ToTest        = frozen | local | network | repeat
	ToPreview     = local | network | repeat
	ToCheck       = local | repeat
	ToCheckOnline = local | network | repeat
	ToLookBack    = frozen
)

func (r Reading) has(what Reading) bool { return r&what != 0 }

// A Source is where the data are to be had.
type Source struct {
	Reading Reading
	Net     data.Net
	Said    map[data.Source]any // when not nil, keeps what servers said, so that they are asked once
	// Shelf opens the papers of earlier issues, nil if there are none yet. It is
	// called where there are data to read, and its func when they are read.
	Shelf func(context.Context) (ledger.Papers, func(), error)
}

// Fresh is what one issue tells afresh.
type Fresh struct {
	data.Data
	Asked  []string // the sources whose servers were asked, for people
	Unread []string // those whose servers were not asked, and that no issue has had yet

	camp   *campaign.Campaign
	issue  string
	frozen bool // it was frozen when the issue began
	grown  bool // the campaign has more sources since
}

type reader interface {
	Paper(ctx context.Context, shelf, name string) ([]byte, error)
}

func nothingYet(camp *campaign.Campaign, issue string) *Fresh {
	return &Fresh{Data: data.Data{Values: map[string]any{}, IDs: map[string][]string{}}, camp: camp, issue: issue}
}

func frozenShelf(campaign string) string { return "data/" + campaign }
func seenShelf(campaign string) string   { return "feed/" + campaign }

// Gather reads the data of an issue. With an error come the names of those that are
// not known.
func Gather(ctx context.Context, camp *campaign.Campaign, issue string, from Source) (*Fresh, error) {
	f := nothingYet(camp, issue)
	if len(camp.Data) == 0 {
		return f, nil
	}
	shelf, done, err := from.Shelf(ctx)
	if err != nil {
		return f, err
	}
	defer done()
	if from.Reading.has(frozen) && shelf != nil {
		if err := f.take(ctx, shelf); err != nil {
			return f, err
		}
	}
	return f, f.read(ctx, shelf, from)
}

// Thaw has what an issue was begun with.
func Thaw(ctx context.Context, camp *campaign.Campaign, issue string, shelf reader) (*Fresh, error) {
	f := nothingYet(camp, issue)
	return f, f.take(ctx, shelf)
}

// read reads the sources that are still to be read.
func (f *Fresh) read(ctx context.Context, shelf ledger.Papers, from Source) error {
	ask, err := f.toAsk(ctx, shelf, from)
	if err != nil || len(ask) == 0 {
		return err
	}
	r := data.Reader{Zone: zoneOf(f.camp), Net: from.Net, Repeat: from.Reading.has(repeat)}
	if shelf != nil {
		if r.Seen, err = seen(ctx, shelf, f.camp); err != nil {
			return err
		}
	}
	for _, s := range ask {
		f.Values[s.Name] = nil // not known, should it be at fault
	}
	got, err := r.Read(ctx, ask)
	if err != nil {
		return err
	}
	maps.Copy(f.Values, got.Values)
	maps.Copy(f.IDs, got.IDs)
	f.Repeated = got.Repeated
	if from.Said != nil {
		for _, s := range ask {
			from.Said[s] = got.Values[s.Name]
		}
	}
	return nil
}

// take takes what the issue was begun with.
func (f *Fresh) take(ctx context.Context, shelf reader) error {
	body, err := shelf.Paper(ctx, frozenShelf(f.camp.Name), f.issue)
	if err != nil || body == nil {
		return err
	}
	kept, err := data.Parse(body)
	if err != nil {
		return err
	}
	f.frozen = true
	for _, s := range f.camp.Data {
		if v, ok := kept.Values[s.Name]; ok {
			f.Values[s.Name] = v
		}
	}
	maps.Copy(f.IDs, kept.IDs)
	return nil
}

// toAsk are the sources that are still to be read. Those that may not be get
// what they had last.
func (f *Fresh) toAsk(ctx context.Context, shelf ledger.Papers, from Source) (ask []data.Source, err error) {
	for _, s := range f.camp.Data {
		if _, ok := f.Values[s.Name]; ok {
			continue
		}
		f.grown = f.frozen
		said, asked := from.Said[s]
		switch {
		case s.Online() && asked:
			f.Values[s.Name] = said
		case !s.Online() && from.Reading.has(local):
			ask = append(ask, s)
		case s.Online() && from.Reading.has(network):
			ask = append(ask, s)
			f.Asked = append(f.Asked, s.Name+" ("+s.From+")")
		default:
			if err := f.takeLast(ctx, shelf, s); err != nil {
				return nil, err
			}
		}
	}
	return ask, nil
}

// takeLast gives a source the value that the latest issue had of it.
func (f *Fresh) takeLast(ctx context.Context, shelf ledger.Papers, s data.Source) error {
	f.Values[s.Name] = nil
	var newest time.Time
	if shelf != nil {
		for paper, err := range shelf.Papers(ctx, frozenShelf(f.camp.Name)) {
			if err != nil {
				return err
			}
			had, err := data.Parse(paper.Body)
			if err != nil {
				return err
			}
			if v, ok := had.Values[s.Name]; ok && paper.At.After(newest) {
				newest, f.Values[s.Name] = paper.At, v
			}
		}
	}
	if newest.IsZero() {
		f.Unread = append(f.Unread, s.Name)
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

// Nothing says that there is nothing to begin an issue for, nil if there is.
func (f *Fresh) Nothing() *schedule.Nothing {
	name := f.camp.OnlyNew
	news := f.Items(name) > 0 && !slices.Contains(f.Repeated, name)
	if name == "" || f.frozen || slices.Contains(f.Unread, name) || news {
		return nil
	}
	return &schedule.Nothing{Why: fault.Textf("nothing new in %s since the last issue", name)}
}

// Shows reports whether there is something to compose mails of, be it old.
func (f *Fresh) Shows() bool {
	return len(f.Unread) == 0 && (f.Nothing() == nil || f.Items(f.camp.OnlyNew) > 0)
}

// Freeze keeps the data of an issue that is about to begin. It may be done again.
func (f *Fresh) Freeze(ctx context.Context, shelf ledger.Shelf) error {
	if len(f.camp.Data) == 0 {
		return nil
	}
	body, err := json.Marshal(f.Data)
	if err != nil {
		return err
	}
	switch {
	case f.grown:
		err = shelf.Put(ctx, frozenShelf(f.camp.Name), f.issue, body)
	case !f.frozen:
		var first bool
		first, err = shelf.PutNew(ctx, frozenShelf(f.camp.Name), f.issue, body)
		if err == nil && !first {
			return fmt.Errorf("another process has begun %s just now, with data of its own", ledger.Key{Campaign: f.camp.Name, Issue: f.issue})
		}
	}
	if err != nil {
		return err
	}
	f.frozen, f.grown = true, false
	return nil
}

// remembered is how many items of a feed are remembered.
const remembered = 2000

// Remember keeps which items the feed has had, the latest first, when an issue
// that tells them has begun. It may be done again.
func (f *Fresh) Remember(ctx context.Context, shelf ledger.Shelf) error {
	name := f.camp.OnlyNew
	if name == "" {
		return nil
	}
	before, err := seen(ctx, shelf, f.camp)
	if err != nil {
		return err
	}
	ids := slices.Clone(f.IDs[name])
	for _, id := range before[name] {
		if !slices.Contains(ids, id) && len(ids) < remembered {
			ids = append(ids, id)
		}
	}
	body, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	return shelf.Put(ctx, seenShelf(f.camp.Name), name, body)
}

// Text is all that the data say: links in it are the same for everybody.
func (f *Fresh) Text() string {
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
