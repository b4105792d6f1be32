package main

import (
	"cmp"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"hongyan/internal/campaign"
	"hongyan/internal/config"
	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/lint"
	"hongyan/internal/list"
	"hongyan/internal/message"
	"hongyan/internal/parcel"
	"hongyan/internal/render"
	"hongyan/internal/run"
	"hongyan/internal/unsubscribe"
)

// An edition is one issue of a campaign with everything it is made of, read
// and found good: nothing of it can be at fault any more but single rows.
type edition struct {
	conf        *config.Config
	camp        *campaign.Campaign
	key         ledger.Key
	list        *list.List
	survey      list.Survey
	template    *render.Template
	markdown    []byte      // the template as it is written, for findings
	memory      lint.Memory // of the template's mails
	attachments []run.Attachment
	headers     []run.Header
	invite      *run.Invite
	files       *message.Files
	accounts    []config.Account
	keys        *unsubscribe.Keyring // nil: the mails are only looked at
	written     []byte               // the campaign as it is written
	depot       *parcel.Depot        // nil until it is asked for
	linked      []linked             // what lies in it
	parcels     map[string]string    // where it lies, once it does: file → key
	fresh       fresh
}

// accountNames are those of the accounts that the edition goes by.
func (e *edition) accountNames() (names []string) {
	for _, account := range e.accounts {
		names = append(names, account.Name)
	}
	return names
}

// open reads the configuration and a campaign with its list, template, data and
// attachments. All faults of all files come back at once.
func (d *door) open(ctx context.Context, path, issue string, from reading) (*edition, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		_, broken := d.config()
		return nil, append(faultsIn(broken), fault.At(path, 0, "the campaign cannot be read: %s", plain(err)).
			Hinted("hongyan init makes a first one"))
	}
	return d.openWritten(ctx, path, src, issue, from)
}

// openWritten is open for a campaign that was read before.
func (d *door) openWritten(ctx context.Context, path string, src []byte, issue string, from reading) (*edition, error) {
	conf, err := d.config()
	if err != nil && faultsIn(err) == nil {
		return nil, err
	}
	faults := faultsIn(err)
	camp, err := campaign.Parse(path, src)
	faults = append(faults, faultsIn(err)...)
	if camp == nil {
		return nil, faults
	}
	faults = append(faults, camp.Check()...)
	e := &edition{conf: conf, camp: camp, written: src, key: ledger.Key{Campaign: camp.Name, Issue: cmp.Or(issue, camp.Issue, "main")}}
	if !nameable(e.key.Issue) {
		faults = append(faults, fault.At(path, 0, "an issue cannot be called %q", e.key.Issue).
			Hinted("a name has up to 200 bytes of printable text, without blanks around it"))
	}
	if conf != nil {
		faults = append(faults, e.chooseAccounts()...)
		faults = append(faults, linkable(conf, camp)...)
	}
	err = d.gather(ctx, e, from)
	faults = append(faults, faultsIn(err)...)
	if err == nil || faultsIn(err) != nil {
		err = e.read(&faults)
	}
	if err != nil {
		e.close()
		return nil, err
	}
	if err := faults.Err(); err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

// nameable reports whether an issue may be called so: tables, addresses and people
// have to take it.
func nameable(issue string) bool {
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }
	return len(issue) <= 200 && strings.TrimSpace(issue) == issue && !strings.ContainsFunc(issue, odd)
}

// read opens list, template and attachments, and collects what is wrong with them.
func (e *edition) read(faults *fault.Faults) error {
	collect := func(err error) error {
		more := faultsIn(err)
		*faults = append(*faults, more...)
		if more == nil {
			return err
		}
		return nil
	}
	var columns []string
	if !exists(e.camp.Recipients.File) || !exists(e.camp.Template) {
		return nil // Check has told it
	}
	l, err := list.Open(e.camp.Recipients.File, e.camp.ListOptions())
	if err := collect(err); err != nil {
		return err
	}
	if l != nil && err == nil {
		e.list, columns = l, l.Columns()
		e.survey, err = l.Survey()
		if err := collect(err); err != nil {
			return err
		}
	}
	if hidden := e.hidden(columns); hidden != nil {
		*faults = append(*faults, hidden)
	}
	names := e.names(columns)
	e.template, err = render.Parse(e.source(names))
	if err := collect(err); err != nil {
		return err
	}
	if e.template != nil {
		if e.markdown, err = os.ReadFile(e.camp.Template); err != nil {
			return err
		}
	}
	if err := collect(e.readLines(names)); err != nil {
		return err
	}
	if e.template != nil {
		*faults = append(*faults, e.unlinked()...)
	}
	if len(e.camp.Carried()) == 0 || len(*faults) > 0 {
		return nil
	}
	e.files, err = message.NewFiles(e.camp.AttachmentsRoot)
	return err
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func (e *edition) source(names render.Names) render.Source {
	theme := map[string]string{}
	if e.conf != nil {
		maps.Copy(theme, e.conf.Theme)
	}
	maps.Copy(theme, e.camp.Theme)
	return render.Source{
		Template: e.camp.Template, Layout: e.camp.Layout, Subject: e.camp.Subject,
		SubjectFile: e.camp.File, SubjectLine: e.camp.Lines["subject"],
		Preheader: e.camp.Preheader, PreheaderLine: e.camp.Lines["preheader"], Lines: e.camp.Lines,
		Root: e.templates(), Names: names, Theme: theme, Links: e.camp.Links,
		Unsubscribe: e.conf != nil && e.conf.Unsubscribe.URL != "",
	}
}

// templates is the folder of layouts and partials: the template's own if it
// has any, else the one beside the configuration, else only what ships.
func (e *edition) templates() string {
	for _, dir := range e.templateRoots() {
		for _, sub := range []string{"layouts", "partials"} {
			if info, err := os.Stat(filepath.Join(dir, sub)); err == nil && info.IsDir() {
				return dir
			}
		}
	}
	return ""
}

func (e *edition) templateRoots() []string {
	roots := []string{filepath.Dir(e.camp.Template)}
	if e.conf != nil {
		roots = append(roots, filepath.Join(e.conf.Dir, "templates"))
	}
	return roots
}

// readLines parses the templates of one line: attachments and headers.
func (e *edition) readLines(names render.Names) error {
	var faults fault.Faults
	parse := func(line int, src string) *render.Line {
		l, err := render.ParseLine(e.camp.File, line, src, names)
		faults = append(faults, faultsIn(err)...)
		return l
	}
	for _, a := range e.camp.Carried() {
		attachment := run.Attachment{File: parse(a.Line, a.File)}
		if a.Name != "" {
			attachment.Name = parse(a.Line, a.Name)
		}
		e.attachments = append(e.attachments, attachment)
	}
	for _, h := range e.camp.Headers {
		e.headers = append(e.headers, run.Header{Name: h.Name, Value: parse(h.Line, h.Value)})
	}
	e.readInvite(parse)
	return faults.Err()
}

// chooseAccounts finds the accounts that the campaign, or else the configuration, names.
func (e *edition) chooseAccounts() (faults fault.Faults) {
	names, line := e.camp.Accounts, e.camp.Lines["account"]
	if line == 0 {
		line = e.camp.Lines["accounts"]
	}
	if len(names) == 0 {
		names, line = []string{e.conf.Account}, 0
	}
	for _, name := range names {
		account, ok := e.conf.Accounts[strings.ToLower(name)]
		if !ok {
			faults = append(faults, unknownAccount(e.conf, e.camp.File, line, name))
			continue
		}
		e.accounts = append(e.accounts, account)
	}
	return faults
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

// mailing makes the press for one account; its mails are signed with DKIM if
// there is a signer.
func (e *edition) mailing(account config.Account, key []byte, signer *message.Signer) (*run.Mailing, error) {
	head := message.Letterhead{
		Campaign: e.key.Campaign, Issue: e.key.Issue, Key: key, Signer: signer,
		From: mailbox(account.DisplayName, account.Address), Headers: e.listHeaders(account),
	}
	if e.camp.ReplyTo != "" {
		address, name, _, f := list.ParseAddress(e.camp.ReplyTo)
		if f != nil {
			return nil, f
		}
		head.ReplyTo = append(head.ReplyTo, mailbox(name, address))
	}
	composer, err := message.NewComposer(head, e.files)
	if err != nil {
		return nil, err
	}
	downloads, err := e.wrap(key)
	if err != nil {
		return nil, err
	}
	return &run.Mailing{
		Template: e.template, Attachments: e.attachments, Headers: e.headers, Composer: composer,
		Invite: e.invitation(key), Leave: e.leave(), Downloads: downloads,
	}, nil
}

// named is a file as seen from the campaign's folder, wherever that lies.
func (e *edition) named(file string) string {
	dir, err := filepath.Abs(e.camp.Dir)
	if err != nil {
		return file
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return file
	}
	rel, err := filepath.Rel(dir, abs)
	if err != nil {
		return file
	}
	return filepath.ToSlash(rel)
}

// sources are the files that all mails are made of, the campaign first, the list
// aside, with those of some attachments.
func (e *edition) sources(attachments []campaign.Attachment) []string {
	files := append([]string{e.camp.File}, e.template.Files()...)
	for _, a := range attachments {
		if !a.Templated() {
			files = append(files, filepath.Join(e.camp.AttachmentsRoot, a.File))
		}
	}
	return files
}

func (e *edition) close() {
	if e.list != nil {
		e.list.Close()
	}
	if e.files != nil {
		e.files.Close()
	}
	if e.depot != nil {
		e.depot.Close()
	}
}

// config reads the configuration that the flags name or that lies above.
func (d *door) config() (*config.Config, error) {
	file, err := d.configFile()
	if err != nil {
		return nil, err
	}
	return config.Load(file, os.Environ())
}

func (d *door) configFile() (string, error) {
	if d.flags.config != "" {
		return d.flags.config, nil
	}
	return config.Find(".")
}

// rows is the list as the ledger takes it.
func (e *edition) rows(ctx context.Context) func(yield func(ledger.Row, error) bool) {
	return func(yield func(ledger.Row, error) bool) {
		for r, err := range e.list.Recipients() {
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
