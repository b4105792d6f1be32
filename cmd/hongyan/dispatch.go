package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hongyan/internal/campaign"
	"hongyan/internal/config"
	"hongyan/internal/edition"
	"hongyan/internal/edition/fresh"
	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/message"
	"hongyan/internal/parcel"
	"hongyan/internal/proof"
	"hongyan/internal/run"
	"hongyan/internal/unsubscribe"
)

// A dispatch is an edition and what the configuration says of it: above all, by
// which accounts it goes.
type dispatch struct {
	*edition.Edition
	conf     *config.Config
	accounts []config.Account
	proof    *proof.Proof // nil of one that was recalled or thawed
}

// open reads the configuration and a campaign with all that it names. All faults of
// all files come back at once.
func (d *door) open(ctx context.Context, path, issue string, from fresh.Reading) (*dispatch, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		_, broken := d.config()
		return nil, append(fault.In(broken), fault.At(path, 0, "the campaign cannot be read: %s", plain(err)).
			Hinted("hongyan init makes a first one"))
	}
	return d.openWritten(ctx, path, src, issue, from)
}

// openWritten is open for a campaign that was read before.
func (d *door) openWritten(ctx context.Context, path string, src []byte, issue string, from fresh.Reading) (*dispatch, error) {
	conf, err := d.config()
	faults := fault.In(err)
	if err != nil && faults == nil {
		return nil, err
	}
	camp, err := campaign.Parse(path, src)
	faults = append(faults, fault.In(err)...)
	if camp == nil {
		return nil, faults
	}
	faults = append(faults, camp.Check()...)
	source := edition.Source{Campaign: camp, Text: src, Issue: issue, Fresh: fresh.Source{
		Reading: from, Net: d.net, Said: d.said,
		Shelf: func(ctx context.Context) (ledger.Papers, func(), error) { return d.shelf(ctx, conf) },
	}}
	e := &dispatch{conf: conf}
	if conf != nil {
		var more fault.Faults
		e.accounts, more = accountsFor(conf, camp)
		faults = append(faults, more...)
		settings := settingsOf(conf)
		source.Settings = &settings
	}
	source.Faults = faults
	if e.Edition, err = edition.Open(ctx, source); err != nil {
		return nil, err
	}
	e.proof = &proof.Proof{Edition: e.Edition, Options: camp.Lint.Over(conf.Lint)}
	for _, a := range e.accounts {
		e.proof.Senders = append(e.proof.Senders, proof.Sender{
			Account: a.Name, Provider: a.Provider, MaxSize: a.Quirks.MaxSize, Bare: a.Quirks.ListBare && a.DKIM == nil,
		})
	}
	return e, nil
}

// settingsOf is what a configuration adds to an edition.
func settingsOf(conf *config.Config) edition.Settings {
	return edition.Settings{
		Templates: filepath.Join(conf.Dir, "templates"), Theme: conf.Theme,
		Unsubscribe: unsubscribe.Links{URL: conf.Unsubscribe.URL, Mailto: conf.Unsubscribe.Mailto},
		Storage:     storageOf(conf, nil),
	}
}

func storageOf(c *config.Config, key []byte) parcel.Options {
	return parcel.Options{At: c.Storage.At, Public: c.Storage.URL, Key: key}
}

// accountsFor are the accounts that the campaign, or else the configuration, names.
func accountsFor(conf *config.Config, camp *campaign.Campaign) (out []config.Account, faults fault.Faults) {
	names, line := camp.Accounts, camp.Lines["account"]
	if line == 0 {
		line = camp.Lines["accounts"]
	}
	if len(names) == 0 {
		names, line = []string{conf.Account}, 0
	}
	for _, name := range names {
		account, ok := conf.Accounts[strings.ToLower(name)]
		if !ok {
			faults = append(faults, unknownAccount(conf, camp.File, line, name))
			continue
		}
		out = append(out, account)
	}
	return out, faults
}

func unknownAccount(conf *config.Config, file string, line int, name string) *fault.Fault {
	var known []string
	for n := range conf.Accounts {
		known = append(known, n)
	}
	slices.Sort(known)
	f := fault.At(file, line, "there is no account %q in %s", name, conf.File)
	if near := fault.Near(name, known); near != "" {
		return f.Hinted("did you mean %q?", near)
	}
	return f.Hinted("known accounts: %s", strings.Join(known, ", "))
}

// accountNames are those of the accounts that it goes by.
func (e *dispatch) accountNames() (names []string) {
	for _, account := range e.accounts {
		names = append(names, account.Name)
	}
	return names
}

// mailing makes the press for mails from one account.
func (e *dispatch) mailing(account config.Account, key []byte, signer *message.Signer) (*run.Mailing, error) {
	return e.Mailing(mailbox(account.DisplayName, account.Address), key, signer)
}

// glance makes the press for mails that are only looked at.
func (e *dispatch) glance() (*run.Mailing, error) {
	return e.mailing(e.accounts[0], message.Throwaway(), nil)
}
