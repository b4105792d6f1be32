package campaign

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml/ast"

	"hongyan/internal/data"
	"hongyan/internal/fault"
)

// sources takes where the data of an issue come from.
func (r *reader) sources(into *[]data.Source) func(string, ast.Node) {
	return func(path string, value ast.Node) {
		r.mapping(value, path, []key{{anyKey, func(full string, value ast.Node) {
			s := data.Source{Name: strings.TrimPrefix(full, path+"."), Place: data.Place{File: r.file, Line: r.lines[full]}}
			if !isName(s.Name) {
				r.atLine(s.Place.Line, "%q cannot be the name of data", s.Name).
					Hinted("letters, 汉字, digits and _ , no digit first: templates call it .data.NAME")
			}
			r.oneSource(&s, full, value)
			*into = append(*into, s)
		}}})
	}
}

// isName reports whether templates can write a name after a dot.
func isName(s string) bool {
	return s != "" && !unicode.IsDigit([]rune(s)[0]) && !strings.ContainsFunc(s, func(c rune) bool {
		return c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c)
	})
}

func (r *reader) oneSource(s *data.Source, path string, value ast.Node) {
	var file, feed, url, limit, timeout, most, private string
	before := len(r.faults)
	r.mapping(value, path, []key{
		{"file", r.line(&file)},
		{"feed", r.line(&feed)},
		{"url", r.line(&url)},
		{"limit", r.line(&limit)},
		{"timeout", r.line(&timeout)},
		{"max", r.line(&most)},
		{"private", r.line(&private)},
	})
	if len(r.faults) > before {
		return
	}
	told := slices.DeleteFunc([]string{"file", "feed", "url"}, func(k string) bool { return r.lines[join(path, k)] == 0 })
	if len(told) != 1 {
		r.at(value, "%s must say one of file, feed and url", path).
			Hinted("like {feed: https://example.com/rss.xml, limit: 10}, or {file: prices.csv}")
		return
	}
	s.Kind, s.From = data.Kind(told[0]), cmp.Or(file, feed, url)
	r.address(s, path)
	r.limit(s, path, limit)
	r.timeout(s, path, timeout)
	r.most(s, path, most)
	switch private {
	case "", "false":
	case "true":
		s.Private = true
	default:
		r.badOption(path, "private", "%s is %q and must be true or false", private)
	}
}

func (r *reader) badOption(path, name, format string, value string) *fault.Fault {
	full := join(path, name)
	return r.atLine(r.lines[full], format, full, value)
}

func (r *reader) address(s *data.Source, path string) {
	line := r.lines[join(path, string(s.Kind))]
	switch {
	case s.From == "":
		r.atLine(line, "%s is empty", join(path, string(s.Kind)))
	case s.Kind == data.File && s.Online():
		r.atLine(line, "%s is an address, not a file", s.From).Hinted("write url: for JSON on a server, feed: for a feed")
	case s.Kind == data.URL && !s.Online():
		r.atLine(line, "%s is no address", s.From).Hinted("write the whole address, like https://example.com/stats.json; file: is for files")
	}
}

func (r *reader) limit(s *data.Source, path, text string) {
	if text == "" {
		return
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || s.Kind != data.Feed {
		r.badOption(path, "limit", "%s: %q will not do", text).Hinted("a number from 1, of a feed's items")
		return
	}
	s.Limit = n
}

func (r *reader) timeout(s *data.Source, path, text string) {
	if text == "" {
		return
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > time.Minute {
		r.badOption(path, "timeout", "%s: %q will not do", text).Hinted("like 10s, up to 1m")
		return
	}
	s.Timeout = d
}

// most reads a size: 500KB, 1MB, 20MB.
func (r *reader) most(s *data.Source, path, text string) {
	if text == "" {
		return
	}
	number, unit := strings.ToUpper(strings.ReplaceAll(text, " ", "")), int64(1)
	for _, u := range []struct {
		name string
		size int64
	}{{"KB", 1 << 10}, {"MB", 1 << 20}} {
		if n, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = n, u.size
		}
	}
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || n < 1 || n*unit > 64<<20 {
		r.badOption(path, "max", "%s: %q will not do", text).Hinted("like 500KB or 5MB, up to 64MB")
		return
	}
	s.Max = n * unit
}

// onlyNew marks the feed whose new items the campaign waits for.
func (r *reader) onlyNew(c *Campaign) {
	line := r.lines["only_new"]
	if line == 0 {
		return
	}
	for i, s := range c.Data {
		if s.Name == c.OnlyNew && s.Kind == data.Feed {
			c.Data[i].OnlyNew = true
			return
		}
	}
	f := r.atLine(line, "only_new: there is no feed %q in data", c.OnlyNew)
	var feeds []string
	for _, s := range c.Data {
		if s.Kind == data.Feed {
			feeds = append(feeds, s.Name)
		}
	}
	if near := fault.Near(c.OnlyNew, feeds); near != "" {
		f.Hinted("did you mean %q?", near)
	}
}
