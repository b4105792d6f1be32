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
}

// Read reads all sources at once. Its error is what is wrong with files, as
// fault.Faults, and which servers gave no answer that can be used.
func (r *Reader) Read(ctx context.Context, sources []Source) (Data, error) {
	values, ids, errs := make([]any, len(sources)), make([][]string, len(sources)), make([]error, len(sources))
	var reads sync.WaitGroup
	for i, s := range sources {
		reads.Go(func() { values[i], ids[i], errs[i] = r.read(ctx, s) })
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
		out.Values[s.Name] = values[i]
		if ids[i] != nil {
			out.IDs[s.Name] = ids[i]
		}
	}
	if len(faults) > 0 {
		return out, faults
	}
	return out, errors.Join(broken...)
}

func (r *Reader) read(ctx context.Context, s Source) (any, []string, error) {
	s.Timeout, s.Max = cmp.Or(s.Timeout, 10*time.Second), cmp.Or(s.Max, 1<<20)
	src, err := r.bytes(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case s.Kind == Feed:
		return r.feed(s, src)
	case s.Online():
		v, err := parseJSON(src)
		return v, nil, err
	}
	v, err := parseFile(s.From, src)
	return v, nil, err
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
