package ledgertest

import (
	"testing"

	"hongyan/internal/ledger"
)

func settling() map[string]func(*testing.T, *book) {
	return map[string]func(*testing.T, *book){
		"ADoubtIsSettledAsSent":      settleSent,
		"ADoubtIsSettledAsDueAgain":  settleAgain,
		"OnlyDoubtsAreSettled":       onlyDoubts,
		"SomeDoubtsAreSettledByName": settleSome,
		"ASettlementIsSomebodysWord": settleChecked,
	}
}

// doubts makes n entries that are in doubt: with an answer of sorts, and every
// other one found at the start.
func (b *book) doubts(n int) (ids []int64) {
	b.t.Helper()
	b.enqueue(people(n)...)
	for i, e := range b.entries(ledger.Filter{}) {
		o := outcome(e.ID, ledger.InDoubt, 2)
		o.Stage, o.Bytes = "dot", 4096
		b.record(begin(e.ID, 1))
		if i%2 == 0 {
			b.record(o)
		}
		ids = append(ids, e.ID)
	}
	b.reopen()
	return ids
}

func (b *book) settle(s ledger.Settlement, want int) {
	b.t.Helper()
	n, err := b.Settle(b.ctx, welcome(), s)
	b.must(err)
	if n != want {
		b.t.Errorf("settled %d, want %d", n, want)
	}
}

func settleSent(t *testing.T, b *book) {
	b.doubts(2)
	b.settle(ledger.Settlement{To: ledger.Sent, At: at(30), By: "li"}, 2)
	b.settle(ledger.Settlement{To: ledger.Sent, At: at(31), By: "wang"}, 0)
	for i, e := range b.entries(ledger.Filter{}) {
		if e.State != ledger.Sent || e.SettledBy != "li" || e.SettledAt != at(30) || e.Begun != at(1) || e.Attempts != 1 {
			t.Errorf("settled: %+v", e)
		}
		if i == 0 && (e.Ended != at(2) || e.Stage != "dot" || e.Bytes != 4096) || i == 1 && (e.Ended != at(30) || e.Reply != ledger.AbandonedWhy) {
			t.Errorf("evidence: %+v", e)
		}
	}
	b.history("qq", at(0), 1, 1)
}

func settleAgain(t *testing.T, b *book) {
	b.doubts(1)
	b.settle(ledger.Settlement{To: ledger.Deferred, At: at(30), By: "li"}, 1)
	if e := b.entry(0); e.State != ledger.Deferred || e.Due != at(30) || e.Account != "qq" || e.SettledBy != "li" {
		t.Errorf("settled: %+v", e)
	}
	b.same("too early", addresses(b.claim("qq", 1, at(29))), nil)
	got := b.claim("qq", 1, at(30))
	b.same("due", addresses(got), []string{"p00000@example.com"})
	b.record(begin(got[0].ID, 31), sent(got[0].ID, 32))
	if e := b.entry(0); e.Attempts != 2 || e.SettledBy != "" || e.State != ledger.Sent {
		t.Errorf("sent again: %+v", e)
	}
	b.history("qq", at(0), 1, 31)
}

func onlyDoubts(t *testing.T, b *book) {
	b.enqueue(people(len(ledger.States()))...)
	var ids []int64
	for i, s := range ledger.States() {
		b.bring(b.entry(i).ID, s)
		ids = append(ids, b.entry(i).ID)
	}
	b.settle(ledger.Settlement{IDs: ids, To: ledger.Deferred, At: at(30), By: "li"}, 1)
	for i, s := range ledger.States() {
		if e := b.entry(i); e.State != s && s != ledger.InDoubt {
			t.Errorf("%s became %s", s, e.State)
		}
	}
}

func settleSome(t *testing.T, b *book) {
	ids := b.doubts(3)
	k := ledger.Key{Campaign: "news", Issue: "1"}
	b.plan(k)
	if n, err := b.Settle(b.ctx, k, ledger.Settlement{IDs: ids, To: ledger.Sent, At: at(30), By: "li"}); n != 0 || err != nil {
		t.Errorf("another issue's doubts: %d, %v", n, err)
	}
	b.settle(ledger.Settlement{IDs: ids[1:2], To: ledger.Sent, At: at(30), By: "li"}, 1)
	b.settle(ledger.Settlement{IDs: []int64{}, To: ledger.Sent, At: at(30), By: "li"}, 0)
	b.same("states", []string{string(b.entry(0).State), string(b.entry(1).State), string(b.entry(2).State)},
		[]string{"in-doubt", "sent", "in-doubt"})
}

func settleChecked(t *testing.T, b *book) {
	b.doubts(1)
	for _, s := range []ledger.Settlement{
		{To: ledger.Refused, At: at(3), By: "li"},
		{To: ledger.Queued, At: at(3), By: "li"},
		{To: ledger.Sent, By: "li"},
		{To: ledger.Sent, At: at(3)},
	} {
		if _, err := b.Settle(b.ctx, welcome(), s); err == nil {
			t.Errorf("%+v was taken", s)
		}
	}
}
