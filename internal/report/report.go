// Package report makes of an issue's ledger entries a table for people (CSV, a
// page) and for programs (JSON lines), and a list of those who got no mail
// that can be fed straight back. The ledger is the truth: the room counts
// nothing that the ledger can tell, keeps nothing between two writings, and
// must never know mail, sockets or the list's file.
package report

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hongyan/internal/ledger"
)

// A Source is what a report is made from; every [ledger.Reader] is one.
type Source interface {
	Entries(ctx context.Context, k ledger.Key, f ledger.Filter) iter.Seq2[ledger.Entry, error]
	Totals(ctx context.Context, k ledger.Key) (ledger.Totals, error)
}

// Options say how a report looks.
type Options struct {
	Columns []string  // the list's own, in its order; nil: those of the first entries, sorted
	Email   string    // the list's e-mail column; "" if it is called email
	Lang    string    // of the page: "zh…" for Chinese, else English
	Title   string    // of the page; "" = campaign/issue
	Now     time.Time // the moment that the page shows; its zone is that of all times in CSV and page
	Trace   TraceID   // nil: there are no traces, and no column for them
}

// A TraceID says under which id an entry's way can be found where traces are kept.
type TraceID func(ledger.Entry) string

// Paths are the files of a report.
type Paths struct{ CSV, JSONL, HTML, Failed string }

// Write writes ISSUE.csv, ISSUE.jsonl, ISSUE.html and ISSUE.failed.csv into
// dir, in one pass over the entries and in constant memory. Each file is
// complete or is not replaced. Only their owner may read them: they hold
// addresses and what servers said of them.
func Write(ctx context.Context, s Source, k ledger.Key, dir string, o Options) (paths Paths, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Paths{}, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Paths{}, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	base := Name(k.Issue)
	set, err := openSet(root, base)
	if err != nil {
		return Paths{}, err
	}
	if err := fill(ctx, s, k, set, o); err != nil {
		return Paths{}, errors.Join(err, set.discard())
	}
	at := func(ext string) string { return filepath.Join(dir, base+ext) }
	return Paths{CSV: at(".csv"), JSONL: at(".jsonl"), HTML: at(".html"), Failed: at(".failed.csv")}, set.keep()
}

// fill streams every entry into all files. Totals come first: the page begins
// with them, and a run that goes on meanwhile can only add to the rows.
func fill(ctx context.Context, s Source, k ledger.Key, set *set, o Options) error {
	totals, err := s.Totals(ctx, k)
	if err != nil {
		return err
	}
	w := newTables(set, o)
	for e, err := range s.Entries(ctx, k, ledger.Filter{}) {
		if err != nil {
			return err
		}
		if err := w.add(e); err != nil {
			return err
		}
	}
	if err := w.flush(); err != nil {
		return err
	}
	return w.page.write(set.html, totals, cmp.Or(o.Title, k.String()))
}

// peek is how many entries are looked at for their columns.
const peek = 1000

// tables are the files of a report while it is written.
type tables struct {
	options Options
	set     *set
	page    *page
	head    []ledger.Entry // waits until the columns are known
	csv     *table
	lines   *lines
	failed  *failed
}

func newTables(set *set, o Options) *tables {
	w := &tables{options: o, set: set, page: newPage(o), lines: &lines{w: set.jsonl, trace: o.Trace}}
	if o.Columns != nil {
		w.begin(o.Columns)
	}
	return w
}

func (w *tables) begin(columns []string) {
	w.csv = newTable(w.set.csv, columns, w.options)
	w.failed = newFailed(w.set.failed, columns, w.options.Email)
}

func (w *tables) add(e ledger.Entry) error {
	if w.csv != nil {
		return w.put(e)
	}
	w.head = append(w.head, e)
	if len(w.head) < peek {
		return nil
	}
	return w.flush()
}

func (w *tables) flush() error {
	if w.csv == nil {
		w.begin(columnsOf(w.head))
	}
	for _, e := range w.head {
		if err := w.put(e); err != nil {
			return err
		}
	}
	w.head = nil
	return errors.Join(w.csv.header(), w.failed.header())
}

func (w *tables) put(e ledger.Entry) error {
	w.page.add(e)
	if err := w.csv.add(e); err != nil {
		return err
	}
	if err := w.lines.add(e); err != nil {
		return err
	}
	return w.failed.add(e)
}

func columnsOf(entries []ledger.Entry) []string {
	union := map[string]bool{}
	for _, e := range entries {
		for name := range e.Fields {
			union[name] = true
		}
	}
	return slices.Sorted(maps.Keys(union))
}

// Name is the file name of an issue without its extension: an issue may be
// called 2026-11-23T09:00, a file on a shared folder may not. Other names that no
// file can have, or that another issue's files have, get a sum of themselves.
func Name(issue string) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) || unicode.IsControl(r) || r == utf8.RuneError {
			return '-'
		}
		return r
	}, issue)
	if name == "" || strings.HasPrefix(name, ".") {
		name = "_" + name
	}
	if name == issue && len(name) <= longestName && !strings.HasSuffix(strings.ToLower(name), ".failed") || slot(issue) {
		return name
	}
	sum := sha256.Sum256([]byte(issue))
	cut := strings.ToValidUTF8(name[:min(len(name), longestName)], "")
	return cut + "~" + hex.EncodeToString(sum[:4])
}

// longestName leaves room for the extensions in the 255 bytes that a file's name has.
const longestName = 200

// slot reports whether an issue is called like a slot of a schedule.
func slot(issue string) bool {
	_, err := time.Parse("2006-01-02T15:04", issue)
	return err == nil
}
