package ledgertest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"hongyan/internal/ledger"
)

func planning() map[string]func(*testing.T, *book) {
	return map[string]func(*testing.T, *book){
		"TheFirstStartFreezesThePlan":                 firstStart,
		"ARefrozenPlanIsIncompleteAgain":              refreeze,
		"AnIssueThatWasNeverPlannedIsUnknown":         unknown,
		"TwoIssuesOfACampaignKnowNothingOfOneAnother": twoIssues,
	}
}

func firstStart(t *testing.T, b *book) {
	k := ledger.Key{Campaign: "news", Issue: "12"}
	want := map[string]string{"list": "aa", "template": "bb"}
	first, err := b.Plan(b.ctx, k, ledger.Plan{Digests: want, At: at(1)})
	b.must(err)
	if !first.First || first.Complete || !first.At.Equal(at(1)) || !maps.Equal(first.Digests, want) {
		t.Errorf("first start: %+v", first)
	}
	b.reopen()
	second, err := b.Plan(b.ctx, k, ledger.Plan{Digests: map[string]string{"list": "cc"}, At: at(2)})
	b.must(err)
	if second.First || !second.At.Equal(at(1)) || !maps.Equal(second.Digests, want) {
		t.Errorf("second start: %+v", second)
	}
}

func refreeze(t *testing.T, b *book) {
	b.enqueue(people(1)...)
	if p, err := b.Plan(b.ctx, welcome(), ledger.Plan{At: at(1)}); err != nil || !p.Complete {
		t.Fatalf("after Enqueue: %+v, %v", p, err)
	}
	b.must(b.Refreeze(b.ctx, welcome(), ledger.Plan{Digests: map[string]string{"list": "dd"}, At: at(5)}))
	p, err := b.Plan(b.ctx, welcome(), ledger.Plan{At: at(6)})
	b.must(err)
	if p.Complete || p.Digests["list"] != "dd" || !p.At.Equal(at(5)) {
		t.Errorf("refrozen: %+v", p)
	}
}

func unknown(t *testing.T, b *book) {
	k := ledger.Key{Campaign: "nobody", Issue: "main"}
	_, claim := b.Claim(b.ctx, k, "qq", 1, at(0))
	_, _, due := b.NextDue(b.ctx, k, "qq")
	_, totals := b.Totals(b.ctx, k)
	_, enqueue := b.Enqueue(b.ctx, k, list())
	_, settle := b.Settle(b.ctx, k, ledger.Settlement{To: ledger.Sent, At: at(0), By: "me"})
	var entries error
	for _, err := range b.Entries(b.ctx, k, ledger.Filter{}) {
		entries = err
	}
	refrozen := b.Refreeze(b.ctx, k, ledger.Plan{})
	for i, err := range []error{claim, due, totals, enqueue, settle, entries, refrozen} {
		if !errors.Is(err, ledger.ErrUnknown) {
			t.Errorf("call %d: got %v", i, err)
		}
	}
}

func twoIssues(t *testing.T, b *book) {
	k := ledger.Key{Campaign: "welcome", Issue: "2"}
	b.plan(k)
	b.enqueue(people(2)...)
	_, err := b.Enqueue(b.ctx, k, list(people(3)...))
	b.must(err)
	b.bring(b.entry(0).ID, ledger.Sent)
	totals, err := b.Totals(b.ctx, k)
	b.must(err)
	if totals.Rows != 3 || totals.Queued != 3 {
		t.Errorf("the second issue: %+v", totals)
	}
}

func enqueuing() map[string]func(*testing.T, *book) {
	return map[string]func(*testing.T, *book){
		"ANewAddressIsQueuedAsTheListHasIt":            asListed,
		"ARowThatSaysWhyIsSkipped":                     skippedRow,
		"EnqueueTwiceAddsNobody":                       twice,
		"AKnownEntryKeepsAllButItsLine":                knownKeeps,
		"ASkippedEntryIsCuredByEditing":                cured,
		"ASkippedEntryThatWasTriedIsDueByItsAccount":   curedTried,
		"ASkippedEntryMayHaveAnotherFault":             anotherFault,
		"AnAddressTwiceInAPassIsADuplicate":            duplicates,
		"AnAddressInAnotherCaseIsTheSame":              anotherCase,
		"ARowWithoutAddressIsKnownByItsLine":           addressless,
		"ARowWithoutAddressMustSayWhy":                 mustSayWhy,
		"ABrokenListKeepsWhatWasWritten":               brokenList,
		"ClaimsAreServedWhileTheListIsRead":            streaming,
		"OnlyOneEnqueueOfAnIssueRunsAtATime":           oneAtATime,
		"ACuredEntryIsOfferedThoughTheLineHasPassedIt": curedBehind,
		"AnEditedListIsFollowed":                       editedList,
	}
}

func asListed(t *testing.T, b *book) {
	row := ledger.Row{Line: 7, Address: "li@例子.example", Name: "李四 <x>", Fields: map[string]string{
		"城市": "北京", "note": "a \"b\" <c> & \n\t ', 𝄞", "empty": "",
	}}
	done := b.enqueue(row, ledger.Row{Line: 8, Address: "bare@example.com"})
	if done.Added != 2 || done.Rows != 2 {
		t.Errorf("pass: %+v", done)
	}
	b.reopen()
	e := b.entry(0)
	if e.Key != welcome() || e.Line != 7 || e.Address != row.Address || e.Name != row.Name || !maps.Equal(e.Fields, row.Fields) {
		t.Errorf("read back: %+v", e)
	}
	if e.State != ledger.Queued || e.Attempts != 0 || e.Account != "" || !e.Begun.IsZero() || !e.Ended.IsZero() || !e.Due.IsZero() {
		t.Errorf("not untouched: %+v", e)
	}
	if bare := b.entry(1); bare.ID <= e.ID || len(bare.Fields) != 0 {
		t.Errorf("the second: %+v", bare)
	}
}

func skippedRow(t *testing.T, b *book) {
	row := person(2, "a@example.com")
	row.Skip = "field name is missing"
	if done := b.enqueue(row); done.Added != 1 || done.Skipped != 1 {
		t.Errorf("pass: %+v", done)
	}
	if e := b.entry(0); e.State != ledger.Skipped || e.Reply != row.Skip {
		t.Errorf("entry: %+v", e)
	}
	if got := b.claim("qq", 9, at(1)); len(got) > 0 {
		t.Errorf("a skipped entry was offered: %+v", got)
	}
}

func twice(t *testing.T, b *book) {
	b.enqueue(people(5)...)
	b.bring(b.entry(2).ID, ledger.Sent)
	b.reopen()
	done := b.enqueue(append(people(5), person(7, "new@example.com"))...)
	if done.Known != 5 || done.Added != 1 || done.Duplicates != 0 {
		t.Errorf("second pass: %+v", done)
	}
	if e := b.entry(2); e.State != ledger.Sent {
		t.Errorf("a sent entry became %s", e.State)
	}
}

func knownKeeps(t *testing.T, b *book) {
	b.enqueue(person(2, "a@example.com"))
	was := b.entry(0)
	b.enqueue(ledger.Row{Line: 9, Address: "a@example.com", Name: "new", Fields: map[string]string{"email": "other"}})
	now := b.entry(0)
	if now.Line != 9 || now.Name != was.Name || now.Fields["email"] != "a@example.com" || now.ID != was.ID {
		t.Errorf("known entry: %+v", now)
	}
}

func cured(t *testing.T, b *book) {
	row := person(2, "a@example.com")
	row.Skip = "no name"
	b.enqueue(row, person(3, "b@example.com"))
	b.bring(b.entry(1).ID, ledger.Skipped)
	row.Skip, row.Name, row.Line, row.Fields = "", "阿", 4, map[string]string{"name": "阿"}
	done := b.enqueue(row, person(3, "b@example.com"))
	if done.Cured != 2 || done.Known != 0 {
		t.Errorf("pass: %+v", done)
	}
	e := b.entry(0)
	if e.State != ledger.Queued || e.Reply != "" || e.Name != "阿" || e.Line != 4 || e.Fields["name"] != "阿" || !e.Ended.IsZero() {
		t.Errorf("cured: %+v", e)
	}
	b.same("offered", addresses(b.claim("qq", 9, at(1))), []string{"a@example.com", "b@example.com"})
}

func curedTried(t *testing.T, b *book) {
	b.enqueue(people(1)...)
	id := b.entry(0).ID
	b.bring(id, ledger.Deferred)
	b.record(outcome(id, ledger.Skipped, 4))
	b.enqueue(people(1)...)
	if e := b.entry(0); e.State != ledger.Deferred || e.Account != "qq" || e.Attempts != 1 {
		t.Errorf("cured: %+v", e)
	}
	if got := b.claim("other", 1, at(9)); len(got) > 0 {
		t.Errorf("it was offered to another account")
	}
	if got := b.claim("qq", 1, at(9)); len(got) != 1 {
		t.Errorf("it was not offered to its own account")
	}
}

func anotherFault(t *testing.T, b *book) {
	row := person(2, "a@example.com")
	row.Skip = "no name"
	b.enqueue(row)
	row.Skip = "no invoice"
	if done := b.enqueue(row); done.Known != 1 || done.Skipped != 1 {
		t.Errorf("pass: %+v", done)
	}
	if e := b.entry(0); e.State != ledger.Skipped || e.Reply != "no invoice" {
		t.Errorf("entry: %+v", e)
	}
}

func anotherCase(t *testing.T, b *book) {
	done := b.enqueue(person(2, "Ann@example.com"), person(3, "ANN@example.com"), person(4, "b@example.com"))
	if done.Added != 2 || done.Duplicates != 1 || done.Listed[0] != (ledger.Duplicate{Address: "ANN@example.com", Line: 3, First: 2}) {
		t.Errorf("pass: %+v", done)
	}
	b.bring(b.entry(0).ID, ledger.Sent)
	for range 2 { // by the same process, and by the next
		if done := b.enqueue(person(2, "ann@example.com"), person(3, "B@example.com")); done.Known != 2 || done.Added != 0 {
			t.Errorf("retyped: %+v", done)
		}
		b.reopen()
	}
	if e := b.entry(0); e.Address != "Ann@example.com" || e.State != ledger.Sent {
		t.Errorf("the entry: %+v", e)
	}
	b.same("offered", addresses(b.claim("qq", 9, at(1))), []string{"b@example.com"})
	b.healthy()
}

func duplicates(t *testing.T, b *book) {
	rows := []ledger.Row{person(2, "a@example.com"), person(3, "b@example.com"), person(4, "a@example.com")}
	for i := range 150 {
		rows = append(rows, person(5+i, "b@example.com"))
	}
	for pass := range 2 {
		done := b.enqueue(rows...)
		if done.Duplicates != 151 || len(done.Listed) != ledger.ListedDuplicates {
			t.Fatalf("pass %d: %d duplicates, %d listed", pass, done.Duplicates, len(done.Listed))
		}
		want := ledger.Duplicate{Address: "a@example.com", Line: 4, First: 2}
		if done.Listed[0] != want || done.Listed[1].First != 3 {
			t.Errorf("pass %d: %+v", pass, done.Listed[:2])
		}
	}
	if n := len(b.entries(ledger.Filter{})); n != 2 {
		t.Errorf("%d entries, want 2", n)
	}
}

func addressless(t *testing.T, b *book) {
	bad := func(line int, why string) ledger.Row { return ledger.Row{Line: line, Skip: why} }
	b.enqueue(person(2, "a@example.com"), bad(3, "no address"), bad(4, "no address"))
	if e := b.entry(1); e.Address != "" || e.State != ledger.Skipped || e.Line != 3 {
		t.Errorf("entry: %+v", e)
	}
	done := b.enqueue(person(2, "a@example.com"), person(3, "cured@example.com"), bad(4, "still none"))
	if done.Added != 1 || done.Known != 2 {
		t.Errorf("second pass: %+v", done)
	}
	b.same("what is left", addresses(b.entries(ledger.Filter{})), []string{"a@example.com", "", "cured@example.com"})
	if e := b.entry(1); e.Line != 4 || e.Reply != "still none" {
		t.Errorf("the one that is left: %+v", e)
	}
}

func mustSayWhy(t *testing.T, b *book) {
	if _, err := b.Enqueue(b.ctx, welcome(), list(ledger.Row{Line: 3})); err == nil {
		t.Error("a row with neither address nor reason was taken")
	}
}

func brokenList(t *testing.T, b *book) {
	breakdown := errors.New("the stick was pulled")
	_, err := b.Enqueue(b.ctx, welcome(), func(yield func(ledger.Row, error) bool) {
		if yield(person(2, "a@example.com"), nil) {
			yield(ledger.Row{}, breakdown)
		}
	})
	if !errors.Is(err, breakdown) {
		t.Errorf("got %v", err)
	}
	if p, err := b.Plan(b.ctx, welcome(), ledger.Plan{}); err != nil || p.Complete {
		t.Errorf("the issue is complete: %+v, %v", p, err)
	}
	done := b.enqueue(person(2, "a@example.com"), person(3, "b@example.com"))
	if done.Added+done.Known != 2 || len(b.entries(ledger.Filter{})) != 2 {
		t.Errorf("the next pass: %+v", done)
	}
}

func streaming(t *testing.T, b *book) {
	var early []ledger.Entry
	_, err := b.Enqueue(b.ctx, welcome(), func(yield func(ledger.Row, error) bool) {
		for i, row := range people(6000) {
			if i == 5999 {
				early = b.claim("qq", 1, at(1))
			}
			if !yield(row, nil) {
				return
			}
		}
	})
	b.must(err)
	b.same("offered early", addresses(early), []string{"p00000@example.com"})
	b.record(begin(early[0].ID, 1))
}

func oneAtATime(t *testing.T, b *book) {
	var second error
	_, err := b.Enqueue(b.ctx, welcome(), func(func(ledger.Row, error) bool) {
		_, second = b.Enqueue(b.ctx, welcome(), list(people(1)...))
	})
	b.must(err)
	if second == nil {
		t.Error("a second Enqueue ran beside the first")
	}
}

func curedBehind(t *testing.T, b *book) {
	row := person(2, "a@example.com")
	row.Skip = "no name"
	b.enqueue(row, person(3, "b@example.com"))
	b.same("first", addresses(b.claim("qq", 5, at(1))), []string{"b@example.com"})
	b.enqueue(person(2, "a@example.com"), person(3, "b@example.com"))
	b.same("then", addresses(b.claim("qq", 5, at(1))), []string{"a@example.com"})
}

// editedList takes rows out, puts rows in, and moves rows, over several pages.
func editedList(t *testing.T, b *book) {
	rows := people(3000)
	b.enqueue(rows...)
	rows = slices.Delete(rows, 1200, 1203)
	rows = slices.Insert(rows, 400, person(0, "x@example.com"), person(0, "y@example.com"))
	rows[10], rows[2700] = rows[2700], rows[10]
	for i := range rows {
		rows[i].Line = i + 2
	}
	rows = append(rows, person(len(rows)+2, rows[0].Address))
	done := b.enqueue(rows...)
	if done.Added != 2 || done.Known != 2997 || done.Duplicates != 1 || done.Listed[0].First != 2 {
		t.Errorf("pass: %d added, %d known, %v", done.Added, done.Known, done.Listed)
	}
	lines := map[string]int{}
	for _, e := range b.entries(ledger.Filter{}) {
		lines[e.Address] = e.Line
	}
	for _, r := range rows[:len(rows)-1] {
		if lines[r.Address] != r.Line {
			t.Fatalf("%s: line %d, want %d", r.Address, lines[r.Address], r.Line)
		}
	}
	if again := b.enqueue(rows...); again.Known != 2999 {
		t.Errorf("once more: %s", fmt.Sprint(again.Added, again.Known))
	}
}
