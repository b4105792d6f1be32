package ledgertest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hongyan/internal/ledger"
)

func suppressing() map[string]func(*testing.T, *book) {
	return map[string]func(*testing.T, *book){
		"ASuppressionIsOfOneListOrOfAll":       suppressed,
		"TheEarlierSuppressionStands":          earlierStands,
		"AnAddressIsSuppressedHoweverWritten":  folded,
		"ASuppressionIsTakenBackOfItsListOnly": takenBack,
		"SuppressionsComeByAddressThenList":    suppressionsInOrder,
		"SuppressionsAreFound":                 suppressionsFound,
		"ASuppressionIsSomebodysAct":           suppressionChecked,
		"ManySuppressionsAreAllWritten":        suppressMany,
	}
}

func gone(list, address string, minute int) ledger.Suppression {
	return ledger.Suppression{List: list, Address: address, Source: ledger.Manual, Reason: "asked by phone", By: "li", At: at(minute)}
}

func (b *book) suppress(want int, all ...ledger.Suppression) {
	b.t.Helper()
	if added, err := b.Suppress(b.ctx, all...); err != nil || added != want {
		b.t.Errorf("%d suppressed, want %d, %v", added, want, err)
	}
}

// isGone checks whose suppression stands in the way of list to address; "none"
// for nobody's.
func (b *book) isGone(list, address, want string) {
	b.t.Helper()
	s, ok, err := b.Suppressed(b.ctx, list, address)
	b.must(err)
	got := "none"
	if ok {
		got = s.List + ":" + s.Address
	}
	if got != want {
		b.t.Errorf("%s to %s: got %s, want %s", list, address, got, want)
	}
}

func (b *book) suppressions(f ledger.SuppressionFilter) (out []string) {
	b.t.Helper()
	for s, err := range b.Suppressions(b.ctx, f) {
		b.must(err)
		out = append(out, s.List+":"+s.Address)
	}
	return out
}

func suppressed(t *testing.T, b *book) {
	b.isGone("news", "li@example.com", "none")
	b.suppress(2, gone("news", "li@example.com", 1), gone("", "wang@example.com", 1))
	for range 2 {
		b.isGone("news", "li@example.com", "news:li@example.com")
		b.isGone("offers", "li@example.com", "none")
		b.isGone("", "li@example.com", "none")
		b.isGone("news", "wang@example.com", ":wang@example.com")
		b.isGone("", "wang@example.com", ":wang@example.com")
		b.isGone("news", "zhao@example.com", "none")
		b.reopen()
	}
	b.suppress(1, gone("", "li@example.com", 3))
	b.isGone("news", "li@example.com", "news:li@example.com")
	if s, _, err := b.Suppressed(b.ctx, "news", "li@example.com"); err != nil || s != gone("news", "li@example.com", 1) {
		t.Errorf("it says %+v, %v", s, err)
	}
}

func earlierStands(t *testing.T, b *book) {
	b.suppress(1, gone("news", "li@example.com", 1))
	later := gone("news", "li@example.com", 2)
	later.Source, later.Reason = ledger.Bounce, "no such mailbox"
	b.suppress(1, later, gone("news", "wang@example.com", 2), gone("news", "wang@example.com", 3))
	b.suppress(0, later)
	if s, _, err := b.Suppressed(b.ctx, "news", "li@example.com"); err != nil || s != gone("news", "li@example.com", 1) {
		t.Errorf("it says %+v, %v", s, err)
	}
}

func folded(_ *testing.T, b *book) {
	b.suppress(1, gone("news", " Li@Example.COM ", 1), gone("news", "li@example.com", 2))
	b.isGone("news", "LI@example.com", "news:li@example.com")
	if was, err := b.Unsuppress(b.ctx, "news", "lI@example.com"); err != nil || !was {
		b.t.Errorf("taken back: %v, %v", was, err)
	}
	b.isGone("news", "li@example.com", "none")
}

func takenBack(t *testing.T, b *book) {
	b.suppress(3, gone("news", "li@example.com", 1), gone("offers", "li@example.com", 1), gone("", "li@example.com", 1))
	for _, c := range []struct {
		list string
		want bool
	}{{"news", true}, {"news", false}, {"other", false}, {"", true}, {"", false}} {
		if was, err := b.Unsuppress(b.ctx, c.list, "li@example.com"); err != nil || was != c.want {
			t.Errorf("taken back of %q: %v, %v", c.list, was, err)
		}
	}
	b.isGone("news", "li@example.com", "none")
	b.isGone("offers", "li@example.com", "offers:li@example.com")
}

func suppressionsInOrder(_ *testing.T, b *book) {
	var all []ledger.Suppression
	var want []string
	for i := range 12 {
		for _, list := range []string{"", "news"} {
			s := gone(list, fmt.Sprintf("p%02d@example.com", i), i)
			all = append(all, s)
			want = append(want, list+":"+s.Address)
		}
	}
	slices.Reverse(all)
	b.suppress(24, all...)
	b.same("all", b.suppressions(ledger.SuppressionFilter{}), want)
	var got []string
	f := ledger.SuppressionFilter{Limit: 7}
	for range 4 {
		for s, err := range b.Suppressions(b.ctx, f) {
			b.must(err)
			got = append(got, s.List+":"+s.Address)
			f.After = s
		}
	}
	b.same("in pages", got, want)
}

func suppressionsFound(_ *testing.T, b *book) {
	reasoned := gone("news", "wang@example.com", 1)
	reasoned.Reason = "Moved to 100% post"
	b.suppress(3, gone("news", "li@example.com", 1), gone("", "li@example.com", 1), reasoned)
	news, all := "news", ""
	for _, c := range []struct {
		name string
		f    ledger.SuppressionFilter
		want []string
	}{
		{"one list", ledger.SuppressionFilter{List: &news}, []string{"news:li@example.com", "news:wang@example.com"}},
		{"those of all lists", ledger.SuppressionFilter{List: &all}, []string{":li@example.com"}},
		{"address", ledger.SuppressionFilter{Text: "LI@"}, []string{":li@example.com", "news:li@example.com"}},
		{"reason", ledger.SuppressionFilter{Text: "moved to 100%"}, []string{"news:wang@example.com"}},
		{"percent is no wildcard", ledger.SuppressionFilter{Text: "m%d"}, nil},
		{"both", ledger.SuppressionFilter{List: &news, Text: "li@"}, []string{"news:li@example.com"}},
	} {
		b.same(c.name, b.suppressions(c.f), c.want)
	}
}

func suppressionChecked(t *testing.T, b *book) {
	for name, spoil := range map[string]func(*ledger.Suppression){
		"no address": func(s *ledger.Suppression) { s.Address = " " },
		"no source":  func(s *ledger.Suppression) { s.Source = "whim" },
		"nobody":     func(s *ledger.Suppression) { s.By = "" },
		"no time":    func(s *ledger.Suppression) { s.At = time.Time{} },
	} {
		bad := gone("news", "li@example.com", 1)
		spoil(&bad)
		if _, err := b.Suppress(b.ctx, gone("news", "wang@example.com", 1), bad); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	b.same("suppressions", b.suppressions(ledger.SuppressionFilter{}), nil)
}

func suppressMany(t *testing.T, b *book) {
	var all []ledger.Suppression
	for i := range 2100 {
		all = append(all, gone("news", fmt.Sprintf("p%04d@example.com", i), 1))
	}
	b.suppress(2100, all...)
	if got := b.suppressions(ledger.SuppressionFilter{}); len(got) != 2100 || !slices.IsSorted(got) {
		t.Errorf("%d are there", len(got))
	}
}

func noting() map[string]func(*testing.T, *book) {
	return map[string]func(*testing.T, *book){
		"TheLatestActComesFirst": acts,
		"ActsComeInPages":        actsInPages,
		"AnActIsSomebodys":       actChecked,
	}
}

func acts(t *testing.T, b *book) {
	lift := ledger.Act{At: at(1), By: "li", What: "lift", About: "qq"}
	settle := ledger.Act{At: at(2), By: "wang", What: "settle", Key: welcome(), Note: "3 as sent " + strings.Repeat("鸿", ledger.MaxReply)}
	b.must(b.Note(b.ctx, lift))
	b.must(b.Note(b.ctx, settle))
	b.reopen()
	var got []ledger.Act
	for a, err := range b.Acts(b.ctx, 0, 0) {
		b.must(err)
		got = append(got, a)
	}
	if len(got) != 2 || got[0].ID <= got[1].ID || got[1].ID <= 0 {
		t.Fatalf("acts: %+v", got)
	}
	lift.ID, settle.ID, settle.Note = got[1].ID, got[0].ID, ledger.Bounded(settle.Note)
	if got[0] != settle || got[1] != lift {
		t.Errorf("acts: %+v", got)
	}
}

func actsInPages(_ *testing.T, b *book) {
	var want []string
	for i := range 1100 {
		b.must(b.Note(b.ctx, ledger.Act{At: at(1), By: "li", What: "suppress", About: fmt.Sprint(i)}))
		want = append(want, fmt.Sprint(1099-i))
	}
	read := func(before int64, limit int) (about []string, last int64) {
		for a, err := range b.Acts(b.ctx, before, limit) {
			b.must(err)
			about, last = append(about, a.About), a.ID
		}
		return about, last
	}
	all, _ := read(0, 0)
	b.same("all", all, want)
	first, last := read(0, 10)
	second, _ := read(last, 1090)
	b.same("two pages", append(first, second...), want)
}

func actChecked(t *testing.T, b *book) {
	for _, bad := range []ledger.Act{{By: "li", What: "lift"}, {At: at(1), What: "lift"}, {At: at(1), By: "li"}} {
		if b.Note(b.ctx, bad) == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func shelving() map[string]func(*testing.T, *book) {
	return map[string]func(*testing.T, *book){
		"APaperIsKeptUntilItIsDiscarded": papers,
		"OfManyAtOnceOnePutsANewPaper":   onePutsNew,
	}
}

// shelf checks what lies on a shelf.
func (b *book) shelf(shelf string, want ...string) {
	b.t.Helper()
	var got []string
	for p, err := range b.Papers(b.ctx, shelf) {
		b.must(err)
		got = append(got, p.Name+"="+string(p.Body))
		if time.Since(p.At).Abs() > time.Hour || p.At.Location() != time.UTC {
			b.t.Errorf("%s was put there at %v", p.Name, p.At)
		}
	}
	b.same("shelf "+shelf, got, want)
}

func papers(t *testing.T, b *book) {
	b.must(b.Put(b.ctx, "slots", "b", []byte("1")))
	b.must(b.Put(b.ctx, "slots", "a", []byte("2")))
	b.must(b.Put(b.ctx, "tokens", "a", nil))
	b.must(b.Put(b.ctx, "slots", "b", []byte("3")))
	b.reopen()
	b.shelf("slots", "a=2", "b=3")
	b.shelf("tokens", "a=")
	b.shelf("nothing")
	for name, want := range map[string][]byte{"slots/b": []byte("3"), "tokens/a": {}, "slots/c": nil, "none/a": nil} {
		shelf, paper, _ := strings.Cut(name, "/")
		got, err := b.Paper(b.ctx, shelf, paper)
		if b.must(err); string(got) != string(want) || (got == nil) != (want == nil) {
			t.Errorf("%s: got %#v, want %#v", name, got, want)
		}
	}
	b.must(b.Discard(b.ctx, "slots", "a"))
	b.must(b.Discard(b.ctx, "slots", "never was"))
	b.shelf("slots", "b=3")
}

func onePutsNew(t *testing.T, b *book) {
	var won atomic.Int64
	var crowd sync.WaitGroup
	for i := range 16 {
		crowd.Go(func() {
			ok, err := b.PutNew(b.ctx, "slots", "2026-11-23T09:00", fmt.Append(nil, i))
			if err != nil {
				t.Error(err)
			}
			if ok {
				won.Add(int64(i) + 1)
			}
		})
	}
	crowd.Wait()
	b.shelf("slots", fmt.Sprint("2026-11-23T09:00=", won.Load()-1))
	b.must(b.Discard(b.ctx, "slots", "2026-11-23T09:00"))
	if ok, err := b.PutNew(b.ctx, "slots", "2026-11-23T09:00", nil); err != nil || !ok {
		t.Errorf("after it was taken away: %v, %v", ok, err)
	}
}
