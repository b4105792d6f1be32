package data

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/mmcdole/gofeed"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// feed makes a list of a feed's items, the latest first. Their values are
// texts: a feed's HTML is not trusted, and what is kept of it is what it says.
func (r *Reader) feed(s Source, src []byte) (told, error) {
	parsed, err := gofeed.NewParser().Parse(bytes.NewReader(src))
	if err != nil {
		return told{}, s.unreadable(err.Error())
	}
	var seen []string
	if s.OnlyNew {
		seen = r.Seen[s.Name]
	}
	title := titleOf
	if parsed.FeedType == "json" {
		title = oneLine // its titles are plain text
	}
	news, old, ids := []any{}, []any{}, []string{}
	for _, item := range latestFirst(parsed.Items) {
		id := idOf(item)
		if slices.Contains(ids, id) {
			continue
		}
		ids = append(ids, id)
		pile := &news
		if slices.Contains(seen, id) {
			pile = &old
		}
		if s.Limit > 0 && len(*pile) == s.Limit {
			continue
		}
		*pile = append(*pile, map[string]any{
			"id": id, "title": title(item.Title), "link": strings.TrimSpace(item.Link),
			"summary": shorten(textOf(summaryOf(item))), "date": r.date(item), "author": authorOf(item),
		})
	}
	if len(news) == 0 && r.Repeat {
		return told{old, ids, s.OnlyNew}, nil
	}
	return told{news, ids, false}, nil
}

// latestFirst is the order of the feed unless all items have a date.
func latestFirst(items []*gofeed.Item) []*gofeed.Item {
	if !slices.ContainsFunc(items, func(i *gofeed.Item) bool { return dateOf(i) == nil }) {
		slices.SortStableFunc(items, func(a, b *gofeed.Item) int { return dateOf(b).Compare(*dateOf(a)) })
	}
	return items
}

func dateOf(item *gofeed.Item) *time.Time {
	if item.PublishedParsed != nil {
		return item.PublishedParsed
	}
	return item.UpdatedParsed
}

// date is as people write it, so that templates can show it in another way.
func (r *Reader) date(item *gofeed.Item) string {
	t := dateOf(item)
	if t == nil {
		return ""
	}
	zone := r.Zone
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone).Format("2006-01-02 15:04")
}

// idOf is what an item is known by: what its feed says, or else what it is.
func idOf(item *gofeed.Item) string {
	for _, id := range []string{item.GUID, item.Link} {
		if id = strings.TrimSpace(id); id != "" && len(id) <= 200 {
			return id
		}
	}
	sum := sha256.Sum256([]byte(item.GUID + "\x00" + item.Link + "\x00" + item.Title))
	return hex.EncodeToString(sum[:16])
}

func summaryOf(item *gofeed.Item) string {
	if strings.TrimSpace(item.Description) != "" {
		return item.Description
	}
	return item.Content
}

func authorOf(item *gofeed.Item) string {
	var names []string
	for _, a := range item.Authors {
		if a != nil && a.Name != "" {
			names = append(names, oneLine(a.Name))
		}
	}
	return strings.Join(names, ", ")
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// longest is how much of an item's summary is kept, in runes.
const longest = 500

func shorten(s string) string {
	runes := []rune(s)
	if len(runes) <= longest {
		return s
	}
	return strings.TrimRightFunc(string(runes[:longest]), unicode.IsSpace) + "…"
}

// titleOf is a title as text. What kind it is gofeed does not say: whatever marks
// up words is taken for HTML, and the rest, as in Map<K, V>, for what it says.
func titleOf(src string) string {
	var b strings.Builder
	for z := html.NewTokenizer(strings.NewReader(src)); ; {
		kind, raw := z.Next(), string(z.Raw())
		token := z.Token()
		switch {
		case kind == html.ErrorToken:
			return oneLine(b.String() + raw)
		case kind == html.TextToken:
			b.WriteString(token.Data)
		case token.DataAtom == atom.Br || token.DataAtom == atom.P:
			b.WriteByte(' ')
		case !marks(token.DataAtom):
			b.WriteString(raw)
		}
	}
}

// marks tells the elements that mark up words.
func marks(a atom.Atom) bool {
	switch a {
	case atom.A, atom.Abbr, atom.B, atom.Bdi, atom.Big, atom.Cite, atom.Code, atom.Del, atom.Dfn, atom.Em, atom.Font, atom.I,
		atom.Ins, atom.Kbd, atom.Mark, atom.Q, atom.S, atom.Samp, atom.Small, atom.Span, atom.Strong, atom.Sub, atom.Sup,
		atom.U, atom.Var, atom.Wbr:
		return true
	}
	return false
}

// textOf is what a piece of HTML says, on one line.
func textOf(src string) string {
	var b strings.Builder
	hidden := 0 // elements around that show no text
	for z := html.NewTokenizer(strings.NewReader(src)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			return oneLine(b.String())
		}
		token := z.Token()
		silent := token.DataAtom == atom.Script || token.DataAtom == atom.Style
		switch {
		case kind == html.TextToken && hidden == 0:
			b.WriteString(token.Data)
		case kind == html.StartTagToken && silent:
			hidden++
		case kind == html.EndTagToken && silent:
			hidden = max(hidden-1, 0)
		case parts(token.DataAtom):
			b.WriteByte(' ')
		}
	}
}

// parts tells the elements that part words.
func parts(a atom.Atom) bool {
	switch a {
	case atom.P, atom.Br, atom.Div, atom.Li, atom.Ul, atom.Ol, atom.Tr, atom.Td, atom.Th, atom.Table, atom.Blockquote,
		atom.Pre, atom.Hr, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Img, atom.Figure, atom.Section:
		return true
	}
	return false
}
