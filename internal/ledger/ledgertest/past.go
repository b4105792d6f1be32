package ledgertest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hongyan/internal/ledger"
)

func reopening() map[string]func(*testing.T, *book) {
	return map[string]func(*testing.T, *book){
		"ARefusalIsReopenedAndSentAgain": reopenSent,
		"OnlyRefusalsAreReopened":        onlyRefusals,
		"RefusalsAreReopenedByClass":     reopenClasses,
		"AReopeningIsSomebodysWord":      reopenChecked,
		"EarlierAttemptsAreKept":         earlierAttempts,
		"ATimelineHasEveryEvent":         timeline,
	}
}

func (b *book) reopenRefused(w ledger.Reopening, want int) {
	b.t.Helper()
	w.At, w.By = at(30), "li"
	n, err := b.Reopen(b.ctx, welcome(), w)
	b.must(err)
	if n != want {
		b.t.Errorf("reopened %d, want %d", n, want)
	}
}

func refused(id int64, class string) ledger.Outcome {
	o := outcome(id, ledger.Refused, 2)
	o.Stage, o.Code, o.Reply, o.Class, o.Rule = "rcpt", 550, "No", class, "qq/"+class
	return o
}

func reopenSent(t *testing.T, b *book) {
	b.enqueue(people(2)...)
	id := b.entry(0).ID
	b.record(begin(id, 1), refused(id, "content"))
	b.record(refused(b.entry(1).ID, "content")) // before any intent
	b.reopenRefused(ledger.Reopening{Classes: []string{"content"}}, 2)
	b.reopenRefused(ledger.Reopening{Classes: []string{"content"}}, 0)
	b.reopen()
	e := b.entry(0)
	if e.State != ledger.Deferred || e.Due != at(30) || e.SettledBy != "li" || e.SettledAt != at(30) || e.Reply != "No" || e.Attempts != 1 {
		t.Errorf("reopened: %+v", e)
	}
	b.same("another account's", addresses(b.claim("163", 2, at(31))), nil)
	b.same("too early", addresses(b.claim("qq", 2, at(29))), nil)
	if got := b.claim("qq", 2, at(30)); len(got) != 2 {
		t.Fatalf("due: %v", addresses(got))
	}
	b.record(begin(id, 31), sent(id, 32))
	if e := b.entry(0); e.State != ledger.Sent || e.Attempts != 2 || e.SettledBy != "" || e.Class != "" {
		t.Errorf("sent again: %+v", e)
	}
	past, err := b.Attempts(b.ctx, id)
	if err != nil || len(past) != 1 || past[0].Class != "content" || past[0].SettledBy != "li" || past[0].SettledAt != at(30) {
		t.Errorf("history: %+v, %v", past, err)
	}
	b.history("qq", at(0), 1, 2, 31)
}

func onlyRefusals(t *testing.T, b *book) {
	b.enqueue(people(len(ledger.States()))...)
	var ids []int64
	for i, s := range ledger.States() {
		b.bring(b.entry(i).ID, s)
		ids = append(ids, b.entry(i).ID)
	}
	b.reopenRefused(ledger.Reopening{IDs: ids}, 1)
	for i, s := range ledger.States() {
		want := s
		if s == ledger.Refused {
			want = ledger.Deferred
		}
		if e := b.entry(i); e.State != want {
			t.Errorf("%s became %s", s, e.State)
		}
	}
	k := ledger.Key{Campaign: "news", Issue: "1"}
	b.plan(k)
	if n, err := b.Reopen(b.ctx, k, ledger.Reopening{IDs: ids, At: at(30), By: "li"}); n != 0 || err != nil {
		t.Errorf("another issue's refusals: %d, %v", n, err)
	}
}

func reopenClasses(_ *testing.T, b *book) {
	b.enqueue(people(4)...)
	var ids []int64
	for i, class := range []string{"content", "size", "content", "mailbox"} {
		ids = append(ids, b.entry(i).ID)
		b.record(begin(ids[i], 1), refused(ids[i], class))
	}
	b.reopenRefused(ledger.Reopening{Classes: []string{}}, 0)
	b.reopenRefused(ledger.Reopening{Classes: []string{"content"}, IDs: ids[2:]}, 1)
	b.reopenRefused(ledger.Reopening{Classes: []string{"content", "size"}}, 2)
	b.same("left", addresses(b.entries(ledger.Filter{States: []ledger.State{ledger.Refused}})), []string{"p00003@example.com"})
}

func reopenChecked(t *testing.T, b *book) {
	for _, bad := range []ledger.Reopening{
		{Classes: []string{"content"}, By: "li"},
		{Classes: []string{"content"}, At: at(1)},
		{At: at(1), By: "li"},
	} {
		if _, err := b.Reopen(b.ctx, welcome(), bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func earlierAttempts(t *testing.T, b *book) {
	b.enqueue(people(2)...)
	id := b.entry(0).ID
	unseen := later(id, 7, 8)
	unseen.Free, unseen.Reply = true, "link lost"
	b.record(begin(id, 1), later(id, 2, 3), unseen, begin(id, 9), sent(id, 10))
	got, err := b.Attempts(b.ctx, id)
	b.must(err)
	want := []ledger.Attempt{
		{Account: "qq", MessageID: "id@example.com", Begun: at(1), Ended: at(2), Stage: "rcpt", Code: 450},
		{Account: "qq", MessageID: "id@example.com", Ended: at(7), Stage: "rcpt", Code: 450, Reply: "link lost"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("attempts:\ngot  %+v\nwant %+v", got, want)
	}
	for _, id := range []int64{b.entry(1).ID, 1 << 40} {
		if got, err := b.Attempts(b.ctx, id); err != nil || len(got) != 0 {
			t.Errorf("attempts of %d: %+v, %v", id, got, err)
		}
	}
}

func timeline(t *testing.T, b *book) {
	b.enqueue(append(people(7), ledger.Row{Line: 99, Skip: "no address"})...)
	for i, minute := range []int{1, 1, 4, 12, 12} {
		id := b.entry(i).ID
		b.record(begin(id, minute), sent(id, minute))
	}
	b.record(begin(b.entry(5).ID, 13))
	moments := func(step time.Duration) (out []string) {
		got, err := b.Timeline(b.ctx, welcome(), step)
		b.must(err)
		for _, m := range got {
			out = append(out, fmt.Sprintf("%s: %d = %d sent, %d sending", m.At.Format("15:04"), m.Rows, m.Sent, m.Sending))
		}
		return out
	}
	b.same("by 5 minutes", moments(5*time.Minute), []string{"09:00: 3 = 3 sent, 0 sending", "09:10: 3 = 2 sent, 1 sending"})
	b.same("by the hour", moments(time.Hour), []string{"09:00: 6 = 5 sent, 1 sending"})
	if _, err := b.Timeline(b.ctx, welcome(), 0); err == nil {
		t.Error("a step of nothing was taken")
	}
	if _, err := b.Timeline(b.ctx, ledger.Key{Campaign: "none", Issue: "1"}, time.Hour); err == nil {
		t.Error("an issue that is not there has a timeline")
	}
}
