package report

import (
	"cmp"
	_ "embed"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"hongyan/internal/ledger"
)

//go:embed page.html
var pageSource string

var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Parse(pageSource))
})

// Bounds of the page: a browser on a phone stays quick, and memory does not
// grow with the list. The CSV has everybody.
const (
	rowsPerState = 400
	mostReasons  = 200
	shownReasons = 12
	mostReply    = 300 // runes
)

// A page gathers what the HTML shows: the first rows of each state, the
// reasons why mails were not sent, and when they were.
type page struct {
	options Options
	words   words
	rows    map[ledger.State][]pageRow
	reasons map[string]*reason
	times   histogram
}

type pageRow struct {
	Line                          int
	Address, Account, Reply, Sent string
}

type reason struct {
	State ledger.State
	Text  string
	N     int
}

func newPage(o Options) *page {
	return &page{options: o, words: wordsOf(o.Lang), rows: map[ledger.State][]pageRow{}, reasons: map[string]*reason{}}
}

func (p *page) add(e ledger.Entry) {
	if e.State == ledger.Sent {
		p.times.add(e.Ended)
	} else if e.Reply != "" {
		p.reason(e)
	}
	if len(p.rows[e.State]) >= rowsPerState {
		return
	}
	p.rows[e.State] = append(p.rows[e.State], pageRow{
		Line: e.Line, Address: Printable(e.Address), Account: Printable(e.Account),
		Reply: bounded(p.words.answer(e), mostReply), Sent: clock(e, p.options.Now.Location()),
	})
}

// reason counts answers that differ only in their numbers and addresses as one.
func (p *page) reason(e ledger.Entry) {
	e.Reply = bounded(e.Reply, 120)
	key := string(e.State) + blur(full(e))
	r := p.reasons[key]
	switch {
	case r != nil:
		r.N++
	case len(p.reasons) < mostReasons:
		p.reasons[key] = &reason{e.State, p.words.answer(e), 1}
	}
}

// blur replaces what differs from mail to mail: words with a digit or an @,
// the leading code aside.
func blur(text string) string {
	first := true
	var b strings.Builder
	for word := range strings.FieldsSeq(text) {
		if !first && strings.ContainsAny(word, "0123456789@") {
			word = "#"
		}
		b.WriteByte(' ')
		b.WriteString(word)
		first = false
	}
	return b.String()
}

func bounded(s string, runes int) string {
	for i := range s {
		if runes == 0 {
			return s[:i] + "…"
		}
		runes--
	}
	return s
}

func clock(e ledger.Entry, zone *time.Location) string {
	if e.State == ledger.Sent && !e.Ended.IsZero() {
		return e.Ended.In(zone).Format("01-02 15:04:05")
	}
	if e.State == ledger.Deferred && !e.Due.IsZero() {
		return "→ " + e.Due.In(zone).Format("01-02 15:04")
	}
	return ""
}

type (
	pageView struct {
		Title, Lang, At, Balance string
		Rows                     stateView
		Words                    words
		States                   []stateView
		Bar                      []segment
		Chart                    *chart
		Reasons                  []reasonView
		Sections                 []section
	}
	stateView  struct{ Class, Label, N, Share string }
	reasonView struct{ Class, Label, N, Text string }
	section    struct {
		Class, Label, N, More string
		Open                  bool
		Rows                  []pageRow
	}
)

func (p *page) write(w io.Writer, t ledger.Totals, title string) error {
	words := p.words
	v := pageView{Title: Printable(title), Lang: words.Lang, Words: words, Rows: stateView{N: thousands(t.Rows), Label: words.counted(t.Rows)}, Bar: bar(t)}
	if !p.options.Now.IsZero() {
		v.At = p.options.Now.Format("2006-01-02 15:04:05 -07:00")
	}
	if err := t.Check(); err != nil {
		v.Balance = err.Error()
	}
	for _, s := range ledger.States() {
		if n := t.Of(s); n > 0 || s == ledger.Sent {
			v.States = append(v.States, stateView{string(s), words.State(s), thousands(n), share(n, t.Rows)})
		}
	}
	v.Chart = p.times.chart(p.options.Now.Location())
	v.Reasons = p.topReasons(words)
	v.Sections = p.sections(words, t)
	return pageTemplate().Execute(w, v)
}

// sections puts first what somebody may have to do something about.
func (p *page) sections(words words, t ledger.Totals) (out []section) {
	for _, s := range []ledger.State{
		ledger.InDoubt, ledger.Refused, ledger.Deferred, ledger.Skipped,
		ledger.Suppressed, ledger.Sending, ledger.Queued, ledger.Sent,
	} {
		rows := p.rows[s]
		if len(rows) == 0 {
			continue
		}
		sec := section{
			Class: string(s), Label: words.State(s), N: thousands(max(t.Of(s), len(rows))), Rows: rows,
			Open: s != ledger.Queued && s != ledger.Sent,
		}
		if more := t.Of(s) - len(rows); more > 0 {
			sec.More = words.more(thousands(more))
		}
		out = append(out, sec)
	}
	return out
}

func (p *page) topReasons(words words) (out []reasonView) {
	all := slices.SortedFunc(maps.Values(p.reasons), func(a, b *reason) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.State, b.State), cmp.Compare(a.Text, b.Text))
	})
	for _, r := range all[:min(len(all), shownReasons)] {
		out = append(out, reasonView{string(r.State), words.State(r.State), thousands(r.N), r.Text})
	}
	return out
}
