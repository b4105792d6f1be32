package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"hongyan/internal/campaign"
	"hongyan/internal/config"
	"hongyan/internal/data"
	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/lint"
	"hongyan/internal/render"
	"hongyan/internal/schedule"
)

// This file is what an issue tells afresh: read when it begins, and frozen with
// it, so that whoever gets the mail last gets the same as who got it first.

// A reading says where an edition takes its data from.
type reading struct {
	frozen  bool // the issue's own, if it has begun
	files   bool // files are read
	network bool // servers are asked; else what they said last is taken
	repeat  bool // a feed without anything new gives what it has

	// asked, when not nil, keeps what servers said, so that they are asked once.
	asked map[data.Source]any
}

// Sending goes on with what the issue began with; a test shows that, or, when
// there is nothing new, what there is; previews show what the next issue would
// have; a check asks nobody unless told so; and who looks back at an issue
// composes nothing.
var (
	toSend     = reading{frozen: true, files: true, network: true}
	toTest     = reading{frozen: true, files: true, network: true, repeat: true}
	toPreview  = reading{files: true, network: true, repeat: true}
	toCheck    = reading{files: true, repeat: true}
	toLookBack = reading{frozen: true}
)

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
func (d *door) gather(ctx context.Context, e *edition, from reading) error {
	if len(e.camp.Data) == 0 {
		return nil
	}
	shelf, done, err := d.shelf(ctx, e.conf)
	if err != nil {
		return err
	}
	defer done()
	e.fresh.empty()
	if from.frozen && shelf != nil {
		if err := e.takeFrozen(ctx, shelf); err != nil {
			return err
		}
	}
	ask, err := e.toAsk(ctx, shelf, from)
	if err != nil || len(ask) == 0 {
		return err
	}
	r := data.Reader{Zone: zoneOf(e.camp), Net: d.net, Repeat: from.repeat}
	if r.Seen, err = seen(ctx, shelf, e.camp); err != nil {
		return err
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
	if from.asked != nil {
		for _, s := range ask {
			from.asked[s] = got.Values[s.Name]
		}
	}
	return nil
}

// shelf opens the ledger to read its papers; there may be none yet.
func (d *door) shelf(ctx context.Context, conf *config.Config) (papers, func(), error) {
	if conf == nil { // its faults are told
		return nil, func() {}, nil
	}
	reader, err := d.openReader(ctx, conf)
	if errors.Is(err, os.ErrNotExist) {
		return nil, func() {}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return reader, func() { reader.Close() }, nil
}

// takeFrozen takes what the issue was begun with.
func (e *edition) takeFrozen(ctx context.Context, shelf reader) error {
	body, err := shelf.Paper(ctx, frozenShelf(e.key.Campaign), e.key.Issue)
	if err != nil || body == nil {
		return err
	}
	e.fresh.empty()
	frozen, err := data.Parse(body)
	if err != nil {
		return err
	}
	e.fresh.frozen = true
	for _, s := range e.camp.Data {
		if v, ok := frozen.Values[s.Name]; ok {
			e.fresh.Values[s.Name] = v
		}
	}
	maps.Copy(e.fresh.IDs, frozen.IDs)
	return nil
}

// toAsk are the sources that are still to be read. Those that may not be get
// what they had last.
func (e *edition) toAsk(ctx context.Context, shelf papers, from reading) (ask []data.Source, err error) {
	for _, s := range e.camp.Data {
		if _, ok := e.fresh.Values[s.Name]; ok {
			continue
		}
		e.fresh.thawed = e.fresh.frozen
		said, asked := from.asked[s]
		switch {
		case s.Online() && asked:
			e.fresh.Values[s.Name] = said
		case !s.Online() && from.files:
			ask = append(ask, s)
		case s.Online() && from.network:
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
func (e *edition) takeLast(ctx context.Context, shelf papers, s data.Source) error {
	e.fresh.Values[s.Name] = nil
	var newest time.Time
	if shelf != nil {
		for paper, err := range shelf.Papers(ctx, frozenShelf(e.key.Campaign)) {
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
func seen(ctx context.Context, shelf papers, camp *campaign.Campaign) (map[string][]string, error) {
	out := map[string][]string{}
	if shelf == nil || camp.OnlyNew == "" {
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

// nothing says that there is nothing to begin an issue for, nil if there is.
func (e *edition) nothing() *schedule.Nothing {
	name := e.camp.OnlyNew
	news := e.fresh.Items(name) > 0 && !slices.Contains(e.fresh.Repeated, name)
	if name == "" || e.fresh.frozen || slices.Contains(e.fresh.unread, name) || news {
		return nil
	}
	return &schedule.Nothing{Why: fault.Textf("nothing new in %s since the last issue", name)}
}

// shows reports whether there is something to compose mails of, be it old.
func (e *edition) shows() bool {
	return len(e.fresh.unread) == 0 && (e.nothing() == nil || e.fresh.Items(e.camp.OnlyNew) > 0)
}

// freezeData keeps the data of an issue that is about to begin. It may be done
// again.
func (e *edition) freezeData(ctx context.Context, shelf ledger.Shelf) error {
	if len(e.camp.Data) == 0 {
		return nil
	}
	body, err := json.Marshal(e.fresh.Data)
	if err != nil {
		return err
	}
	switch {
	case e.fresh.thawed:
		err = shelf.Put(ctx, frozenShelf(e.key.Campaign), e.key.Issue, body)
	case !e.fresh.frozen:
		var first bool
		first, err = shelf.PutNew(ctx, frozenShelf(e.key.Campaign), e.key.Issue, body)
		if err == nil && !first {
			return fmt.Errorf("another process has begun %s just now, with data of its own", e.key)
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

// remember keeps which items the feed has had, the latest first, when an issue
// that tells them has begun. It may be done again.
func (e *edition) remember(ctx context.Context, shelf ledger.Shelf) error {
	name := e.camp.OnlyNew
	if name == "" {
		return nil
	}
	before, err := seen(ctx, shelf, e.camp)
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
	return shelf.Put(ctx, seenShelf(e.key.Campaign), name, body)
}

// digest adds the fingerprints of the data to those of the files.
func (f *fresh) digest(into map[string]string) error {
	for name, value := range f.Values {
		src, err := json.Marshal(value)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(src)
		into["data:"+name] = hex.EncodeToString(sum[:])
	}
	return nil
}

// names is what the templates of an edition may name.
func (e *edition) names(columns []string) render.Names {
	out := render.Names{Columns: columns, Downloads: e.downloads()}
	if len(e.camp.Data) > 0 {
		out.Data = e.fresh.Values
	}
	return out
}

// hidden refuses a column that templates would look for in vain.
func (e *edition) hidden(columns []string) *fault.Fault {
	if len(e.camp.Data) == 0 || !slices.Contains(columns, "data") {
		return nil
	}
	return fault.At(e.camp.File, e.camp.Lines["data"], "the list has a column data, which .data would hide").
		Hinted("rename the column")
}

// notRead are findings for what a check did not ask for.
func (e *edition) notRead() (out []lint.Finding) {
	for _, name := range e.fresh.unread {
		f := lint.Found("data-unread", fault.Textf("the data %s come from a server that was not asked; no mail was composed", name),
			fault.Textf("hongyan check --online asks it; later, what the last issue had is taken"))
		f.File, f.Line = e.camp.File, e.camp.Lines["data."+name]
		out = append(out, f)
	}
	return out
}

// sayNothing is the answer when there is nothing to begin an issue for.
func (d *door) sayNothing(e *edition, why *schedule.Nothing) error {
	if d.flags.json {
		return json.NewEncoder(d.out).Encode(summary{Campaign: e.key.Campaign, Issue: e.key.Issue, Nothing: why.Error()})
	}
	fmt.Fprintln(d.out, d.say("Nothing to send: %s", d.text(why.Why)))
	return nil
}

// sayOld tells who only looks at the mails that none would be sent now.
func (d *door) sayOld(e *edition) {
	why := e.nothing()
	switch {
	case why == nil:
	case e.shows():
		fmt.Fprintln(d.err, d.say("Nothing would be sent: %s. What is shown has the items that there are now.", d.text(why.Why)))
	default:
		fmt.Fprintln(d.err, d.say("Nothing would be sent: %s", d.text(why.Why)))
	}
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

// sayAsked tells which servers were asked.
func (d *door) sayAsked(e *edition) {
	if len(e.fresh.networks) > 0 {
		fmt.Fprintln(d.err, d.say("Read from the network: %s", strings.Join(e.fresh.networks, ", ")))
	}
}

// dataFiles are those that the data come from.
func dataFiles(camp *campaign.Campaign) (out []string) {
	for _, s := range camp.Data {
		if !s.Online() {
			out = append(out, cmp.Or(s.From, camp.File))
		}
	}
	return out
}
