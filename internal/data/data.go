// Package data reads what an issue tells afresh each time: files of values,
// feeds, and answers of servers. Whatever it reads becomes texts, truths, lists
// and maps; numbers stay as they are written, as in a recipient list.
//
// The room must never reach an address that is not public unless the source
// says so, never take more than a source may have, and never know templates,
// campaigns or the ledger.
package data

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"hongyan/internal/fault"
)

// A Kind is how a source is read.
type Kind string

// The kinds of sources.
const (
	File Kind = "file" // YAML, JSON or CSV
	Feed Kind = "feed" // RSS, Atom or JSON Feed, in a file or on a server
	URL  Kind = "url"  // JSON of a server
)

// A Source is one place that values come from.
type Source struct {
	Name    string // what templates call it: .data.NAME
	Kind    Kind
	From    string        // a path, or an address if Online
	Limit   int           // of a feed: the first items; 0 = all
	Timeout time.Duration // 0 = 10 s
	Max     int64         // bytes; 0 = 1 MB
	Private bool          // the server may be one that is not public, and without TLS
	OnlyNew bool          // of a feed: items that no earlier issue had
	Place   Place
}

// A Place is where a source is told, for faults.
type Place struct {
	File string
	Line int
}

// Online reports whether the source lies on a server.
func (s Source) Online() bool { return IsAddress(s.From) }

// IsAddress tells an address from a path.
func IsAddress(from string) bool { return strings.Contains(from, "://") }

// Data are the values of one issue, by the names of their sources. They are
// made of string, bool, []any and map[string]any, and nothing of them is nil.
type Data struct {
	Values map[string]any `json:"values"`
	// IDs are those of all items that a feed had, also of those that Limit and
	// OnlyNew left out.
	IDs map[string][]string `json:"ids,omitempty"`
	// Repeated are the feeds that had nothing new. See [Reader.Repeat].
	Repeated []string `json:"-"`
}

// Parse reads what json.Marshal made of Data.
func Parse(src []byte) (Data, error) {
	var d Data
	if err := json.Unmarshal(src, &d); err != nil {
		return d, fmt.Errorf("data of an issue: %w", err)
	}
	if d.Values == nil {
		d.Values = map[string]any{}
	}
	return d, nil
}

// Items is how many items a feed gave.
func (d Data) Items(name string) int {
	list, _ := d.Values[name].([]any)
	return len(list)
}

// A Reader reads sources. The zero value will do.
type Reader struct {
	Zone *time.Location      // of the dates in feeds; nil: UTC
	Seen map[string][]string // ids of the items that earlier issues had, by feed
	Net  Net
	// Repeat has a feed without anything new give what it has, for mails that are
	// only looked at.
	Repeat bool
}

// A told source is what was read of it.
type told struct {
	value    any
	ids      []string // of a feed
	repeated bool     // there was nothing new
}

// Read reads all sources at once. Its error is what is wrong with files, as
// fault.Faults, and which servers gave no answer that can be used.
func (r *Reader) Read(ctx context.Context, sources []Source) (Data, error) {
	all, errs := make([]told, len(sources)), make([]error, len(sources))
	var reads sync.WaitGroup
	for i, s := range sources {
		reads.Go(func() { all[i], errs[i] = r.read(ctx, s) })
	}
	reads.Wait()
	out := Data{Values: map[string]any{}, IDs: map[string][]string{}}
	var faults fault.Faults
	var broken []error
	for i, s := range sources {
		if f, ok := errors.AsType[*fault.Fault](errs[i]); ok {
			f.File, f.Line = s.Place.File, s.Place.Line
			f.What = fault.Textf("data %s: %s", s.Name, f.What)
			faults = append(faults, f)
			continue
		}
		if errs[i] != nil {
			broken = append(broken, fmt.Errorf("data %s: %s: %w", s.Name, s.From, errs[i]))
			continue
		}
		out.Values[s.Name] = all[i].value
		if all[i].ids != nil {
			out.IDs[s.Name] = all[i].ids
		}
		if all[i].repeated {
			out.Repeated = append(out.Repeated, s.Name)
		}
	}
	if len(faults) > 0 {
		return out, faults
	}
	return out, errors.Join(broken...)
}

func (r *Reader) read(ctx context.Context, s Source) (told, error) {
	s.Timeout, s.Max = cmp.Or(s.Timeout, 10*time.Second), cmp.Or(s.Max, 1<<20)
	src, err := r.bytes(ctx, s)
	if err != nil {
		return told{}, err
	}
	return r.parse(s, src)
}

// parse makes values of bytes. QUIRK(gofeed): 1.4.2 panics over "items": [null],
// as other parsers may over other bytes; whoever serves a feed must not end a
// process that has issues of others on their way.
func (r *Reader) parse(s Source, src []byte) (t told, err error) {
	defer func() {
		if choked := recover(); choked != nil {
			err = s.unreadable(fmt.Sprint(choked))
		}
	}()
	switch {
	case s.Kind == Feed:
		return r.feed(s, src)
	case s.Online():
		t.value, err = parseJSON(src)
	default:
		t.value, err = parseFile(s.From, src)
	}
	return t, err
}

func (s Source) unreadable(why string) error {
	if s.Kind == Feed {
		return fault.At("", 0, "this is no feed: %s", why).Hinted("a feed is RSS, Atom or JSON Feed")
	}
	return fault.At("", 0, "%s cannot be read: %s", s.From, why)
}

func (r *Reader) bytes(ctx context.Context, s Source) ([]byte, error) {
	if s.Online() {
		return r.Net.get(ctx, s)
	}
	info, err := os.Stat(s.From)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fault.At("", 0, "there is no file %s", s.From)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fault.At("", 0, "%s is not a file", s.From)
	case info.Size() > s.Max:
		return nil, fault.At("", 0, "%s has more than %d bytes", s.From, s.Max).Hinted("say max: 5MB, for example, if it may")
	}
	return os.ReadFile(s.From)
}

// extensions are the files that values are read from.
var extensions = []string{".yaml", ".yml", ".json", ".csv"}

func parseFile(name string, src []byte) (any, error) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml":
		return parseYAML(src)
	case ".json":
		return parseJSON(src)
	case ".csv":
		return parseCSV(src)
	}
	return nil, fault.At("", 0, "%s is none of %s", name, strings.Join(extensions, ", "))
}
