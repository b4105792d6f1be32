package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"hongyan/internal/campaign"
	"hongyan/internal/data"
	"hongyan/internal/edition"
	"hongyan/internal/edition/fresh"
	"hongyan/internal/fault"
	"hongyan/internal/list"
	"hongyan/internal/preview"
	"hongyan/internal/preview/live"
	"hongyan/internal/run"
)

// serveLive shows the campaign's mails in the browser until it is interrupted.
func (d *door) serveLive(ctx context.Context, file, listen string) error {
	d.said = map[data.Source]any{} // looks come one after the other
	server := &live.Server{
		Lang: d.Lang,
		Look: func(ctx context.Context) (live.Look, error) { return d.look(ctx, file) },
	}
	err := server.Listen(ctx, listen)
	if errors.Is(err, live.ErrExposed) {
		return d.usagef("%s can be reached from outside; only loopback addresses are allowed", listen)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(d.out, server.URL())
	fmt.Fprintln(d.err, d.Say("The page follows every change of the campaign's files; stop with Ctrl-C."))
	return server.Run(ctx)
}

// look opens the campaign as it is now. What cannot be read is a fault here:
// it may be mended while the page waits.
func (d *door) look(ctx context.Context, file string) (live.Look, error) {
	e, err := d.open(ctx, file, "", fresh.ToPreview)
	if err == nil {
		var l *liveEdition
		if l, err = d.liveEdition(ctx, e); err == nil {
			return live.Look{Edition: l, Files: d.dependsOn(file, e)}, nil
		}
		e.Close()
	}
	if ctx.Err() != nil {
		return live.Look{}, context.Cause(ctx)
	}
	return live.Look{Faults: d.liveFaults(err), Files: d.dependsOn(file, nil)}, nil
}

func (d *door) liveFaults(err error) []live.Fault {
	faults := fault.In(err)
	if faults == nil {
		return []live.Fault{{What: err.Error()}}
	}
	out := make([]live.Fault, len(faults))
	for i, f := range faults.Sorted() {
		out[i] = live.Fault{Place: strings.TrimSuffix(d.place(f), ": "), What: d.Text(f.What), Hint: d.Text(f.Hint)}
	}
	return out
}

// A liveEdition is an edition with an index of its list. Rows are read again
// when they are looked at.
type liveEdition struct {
	*dispatch
	door    *door
	mailing *run.Mailing
	index   []live.Row

	mu   sync.Mutex
	from int // of the rows that were read last
	kept []list.Recipient
}

func (d *door) liveEdition(ctx context.Context, e *dispatch) (*liveEdition, error) {
	mailing, err := e.glance()
	if err != nil {
		return nil, err
	}
	l := &liveEdition{dispatch: e, door: d, mailing: mailing, index: make([]live.Row, 0, e.Survey.Rows)}
	for r, err := range e.List.Recipients() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		l.index = append(l.index, live.Row{Line: r.Line, Address: r.Address, Faulty: r.Fault != nil})
	}
	return l, nil
}

func (l *liveEdition) Len() int { return len(l.index) }

func (l *liveEdition) Row(i int) live.Row { return l.index[i] }

func (l *liveEdition) Close() error { l.dispatch.Close(); return nil }

// Mails composes the mails of some rows.
func (l *liveEdition) Mails(ctx context.Context, from, to int) ([]live.Mail, error) {
	rows, err := l.rows(ctx, from, to)
	if err != nil && fault.In(err) == nil {
		return nil, err
	}
	now := time.Now()
	out := make([]live.Mail, 0, to-from)
	for i := from; i < to; i++ {
		m := live.Mail{Mail: preview.Mail{Line: l.index[i].Line, Address: l.index[i].Address}}
		switch r, ok := rows[m.Line]; {
		case err != nil:
			m.Faults = l.door.liveFaults(err)
		case !ok:
			m.Faults = []live.Fault{{What: l.door.Say("the list has changed meanwhile")}}
		default:
			l.compose(&m, r, now)
		}
		out = append(out, m)
	}
	return out, nil
}

func (l *liveEdition) compose(m *live.Mail, r list.Recipient, now time.Time) {
	mail, err := l.door.previewMail(l.dispatch, l.mailing, r, now)
	if err == nil {
		m.Mail = mail
		return
	}
	m.Faults = l.door.liveFaults(err)
	if m.Faults[0].Place == "" {
		m.Faults[0].Place = fmt.Sprintf("%s:%d", l.Campaign.Recipients.File, r.Line)
	}
}

// rows reads a stretch of the list, by line.
func (l *liveEdition) rows(ctx context.Context, from, to int) (map[int]list.Recipient, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if from < l.from || to > l.from+len(l.kept) {
		if err := l.readRows(ctx, from, to); err != nil {
			return nil, err
		}
	}
	out := make(map[int]list.Recipient, to-from)
	for _, r := range l.kept {
		out[r.Line] = r
	}
	return out, nil
}

func (l *liveEdition) readRows(ctx context.Context, from, to int) error {
	options := l.Campaign.ListOptions()
	options.Rows = fmt.Sprintf("%d-%d", l.index[from].Line, l.index[to-1].Line)
	part, err := list.Open(l.Campaign.Recipients.File, options)
	if err != nil {
		return err
	}
	defer part.Close()
	l.from, l.kept = from, l.kept[:0]
	for r, err := range part.Recipients() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if next := from + len(l.kept); next < to && l.index[next].Line == r.Line {
			l.kept = append(l.kept, r)
		}
	}
	return nil
}

// dependsOn lists the files and folders that the mails are made of, or would
// be if they were there. Without an edition nobody knows them all, so that
// whole folders stand for those that the campaign may mean.
func (d *door) dependsOn(file string, e *dispatch) []string {
	out := []string{file}
	if found, err := d.configFile(); err == nil {
		out = append(out, found)
	}
	if e != nil {
		return append(out, e.Files()...)
	}
	src, err := os.ReadFile(file)
	if err != nil {
		return out
	}
	camp, _ := campaign.Parse(file, src) // its faults have been told
	if camp == nil {
		return out
	}
	settings := edition.Settings{}
	if conf, _ := d.config(); conf != nil { // likewise
		settings = settingsOf(conf)
	}
	out = append(out, edition.Files(camp, settings)...)
	out = append(out, foldersBelow(camp.Dir)...)
	return append(out, foldersBelow(filepath.Dir(camp.Template))...)
}

// foldersBelow is a folder and those in it, as far as pictures are likely to lie.
func foldersBelow(dir string) (out []string) {
	const deepest, most = 2, 100
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error { // what cannot be read has no part in it
		if err != nil || !entry.IsDir() {
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		hidden := path != dir && strings.HasPrefix(entry.Name(), ".")
		if err != nil || hidden || strings.Count(rel, string(filepath.Separator)) >= deepest {
			return fs.SkipDir
		}
		if out = append(out, path); len(out) == most {
			return fs.SkipAll
		}
		return nil
	})
	return out
}
