// Package edition puts one issue of a campaign together: the campaign's file, its
// list, template, attachments, data and event, and how its recipients leave. What
// has opened can be at fault in single rows only. It freezes what an issue is made
// of when it begins, has it again from there, and tells what has changed since.
//
// It must never know accounts, nor talk to people.
package edition

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"hongyan/internal/campaign"
	"hongyan/internal/edition/fresh"
	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/list"
	"hongyan/internal/message"
	"hongyan/internal/parcel"
	"hongyan/internal/render"
	"hongyan/internal/run"
	"hongyan/internal/unsubscribe"
)

// An Edition is one issue of a campaign with everything that it is made of.
type Edition struct {
	Key      ledger.Key
	Campaign *campaign.Campaign
	List     *list.List // nil of a thawed one, whose rows are in the ledger
	Survey   list.Survey
	Template *render.Template
	Markdown []byte // the template as it is written
	Fresh    *fresh.Fresh

	settings    Settings
	written     []byte // the campaign as it is written
	attachments []run.Attachment
	headers     []run.Header
	invite      *run.Invite
	files       *message.Files
	keys        *unsubscribe.Keyring // nil: the mails are only looked at
	depot       *parcel.Depot        // nil until it is asked for
	linked      []linked             // what lies in it
	parcels     map[string]string    // where it lies, once it does: file → key
}

// Settings are what a configuration adds to each of its campaigns.
type Settings struct {
	Templates   string            // folder of layouts and partials for all; "" = none
	Theme       map[string]string // where a campaign's own says nothing
	Unsubscribe unsubscribe.Links // URL and Mailto
	Storage     parcel.Options    // of what goes as a link, without the key
}

// A Source is where an edition is read from.
type Source struct {
	Campaign *campaign.Campaign
	Text     []byte       // as it is written
	Faults   fault.Faults // what is wrong with it by itself
	Issue    string       // "" = as the campaign says, else main
	Settings *Settings    // nil = at fault themselves: nothing is held against them
	Fresh    fresh.Source
}

// Open reads an edition. The error is a [fault.Faults] with all that is wrong with
// the campaign or any file that it names, or a breakdown.
func Open(ctx context.Context, from Source) (*Edition, error) {
	e := &Edition{Campaign: from.Campaign, Key: keyOf(from.Campaign, from.Issue), written: from.Text}
	faults := from.Faults
	if !nameable(e.Key.Issue) {
		faults = append(faults, fault.At(e.Campaign.File, 0, "an issue cannot be called %q", e.Key.Issue).
			Hinted("a name has up to 200 bytes of printable text, without blanks around it"))
	}
	if from.Settings != nil {
		e.settings = *from.Settings
		faults = append(faults, e.unlinkable()...)
	}
	var err error
	e.Fresh, err = fresh.Gather(ctx, e.Campaign, e.Key.Issue, from.Fresh)
	faults = append(faults, fault.In(err)...)
	if err == nil || fault.In(err) != nil {
		err = e.read(&faults)
	}
	if err == nil {
		err = faults.Err()
	}
	if err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

func keyOf(camp *campaign.Campaign, issue string) ledger.Key {
	return ledger.Key{Campaign: camp.Name, Issue: cmp.Or(issue, camp.Issue, "main")}
}

// nameable reports whether an issue may be called so: tables, addresses and people
// have to take it.
func nameable(issue string) bool {
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }
	return len(issue) <= 200 && strings.TrimSpace(issue) == issue && !strings.ContainsFunc(issue, odd)
}

// read opens list, template and attachments, and collects what is wrong with them.
func (e *Edition) read(faults *fault.Faults) error {
	if !exists(e.Campaign.Recipients.File) || !exists(e.Campaign.Template) {
		return nil // it is told already
	}
	collect := func(err error) error {
		more := fault.In(err)
		*faults = append(*faults, more...)
		if more == nil {
			return err
		}
		return nil
	}
	if err := collect(e.readList()); err != nil {
		return err
	}
	var columns []string
	if e.List != nil {
		columns = e.List.Columns()
	}
	if hidden := e.hidden(columns); hidden != nil {
		*faults = append(*faults, hidden)
	}
	names := e.names(columns)
	if err := collect(e.readTemplate(names)); err != nil {
		return err
	}
	if err := collect(e.readLines(names)); err != nil {
		return err
	}
	if e.Template != nil {
		*faults = append(*faults, e.unlinked()...)
	}
	if len(*faults) > 0 {
		return nil
	}
	return e.openFiles()
}

func (e *Edition) readList() (err error) {
	if e.List, err = list.Open(e.Campaign.Recipients.File, e.Campaign.ListOptions()); err != nil {
		e.List = nil
		return err
	}
	e.Survey, err = e.List.Survey()
	return err
}

func (e *Edition) readTemplate(names render.Names) (err error) {
	if e.Template, err = render.Parse(e.source(names)); err != nil {
		return err
	}
	e.Markdown, err = os.ReadFile(e.Campaign.Template)
	return err
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// openFiles opens the folder of attachments, if there are any.
func (e *Edition) openFiles() (err error) {
	if len(e.Campaign.Carried()) > 0 {
		e.files, err = message.NewFiles(e.Campaign.AttachmentsRoot)
	}
	return err
}

// Named is an issue to look back at: by the campaign's file or, where that cannot
// be read, by the campaign's name. No mail can be made of it. The error is why the
// file could not be read; whatever else is wrong with it matters to nobody then.
func Named(name, issue string) (*Edition, error) {
	var camp *campaign.Campaign
	src, err := os.ReadFile(name)
	if err == nil {
		camp, err = campaign.Parse(name, src)
	}
	if camp == nil || camp.Name == "" {
		camp = &campaign.Campaign{File: name, Dir: filepath.Dir(name), Name: name}
	} else {
		err = nil
	}
	return &Edition{Campaign: camp, Key: keyOf(camp, issue)}, err
}

// Reopen takes the list of one to look back at, where it is as it was.
func (e *Edition) Reopen() {
	if l, err := list.Open(e.Campaign.Recipients.File, e.Campaign.ListOptions()); err == nil {
		e.List = l
	}
}

// Close lets go of all files.
func (e *Edition) Close() {
	if e.List != nil {
		e.List.Close()
	}
	if e.files != nil {
		e.files.Close()
	}
	if e.depot != nil {
		e.depot.Close()
	}
}

// Rows is the list as the ledger takes it.
func (e *Edition) Rows(ctx context.Context) func(yield func(ledger.Row, error) bool) {
	return func(yield func(ledger.Row, error) bool) {
		for r, err := range e.List.Recipients() {
			if err == nil {
				err = ctx.Err()
			}
			row := ledger.Row{Line: r.Line, Address: r.Address, Name: r.Name, Fields: r.Fields}
			if r.Fault != nil {
				row.Skip = r.Fault.What.String()
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}
