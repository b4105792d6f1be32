package ledger_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hongyan/internal/ledger"
)

func TestEveryStateIsEitherSettledOrOpen(t *testing.T) {
	t.Parallel()
	for _, s := range ledger.States() {
		if s.Settled() == s.Open() {
			t.Errorf("%s: settled %v, open %v", s, s.Settled(), s.Open())
		}
	}
	if s := ledger.State("lost"); s.Settled() || s.Open() || s.From() != nil {
		t.Errorf("%q is no state", s)
	}
}

func TestNothingLeadsOutOfASettledState(t *testing.T) {
	t.Parallel()
	for _, to := range ledger.States() {
		for _, from := range to.From() {
			if from.Settled() || from == ledger.InDoubt {
				t.Errorf("an event leads from %s to %s", from, to)
			}
		}
	}
}

func TestOnlySendingLeadsToSent(t *testing.T) {
	t.Parallel()
	for _, to := range []ledger.State{ledger.Sent, ledger.InDoubt} {
		if got := to.From(); !slices.Equal(got, []ledger.State{ledger.Sending}) {
			t.Errorf("%s comes from %v", to, got)
		}
	}
}

func TestTheBooksBalance(t *testing.T) {
	t.Parallel()
	var totals ledger.Totals
	for i, s := range ledger.States() {
		totals.Rows += i
		if !totals.Add(s, i) || totals.Of(s) != i {
			t.Errorf("%s: %d, want %d", s, totals.Of(s), i)
		}
	}
	if err := totals.Check(); err != nil || totals.Open()+totals.Settled() != totals.Rows {
		t.Errorf("balanced books: %v", err)
	}
	totals.Rows++
	want := "the books do not balance: 29 rows, but 0 queued + 1 sending + 2 sent + 3 refused + 4 deferred + 5 in-doubt + 6 skipped + 7 suppressed"
	if err := totals.Check(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if totals.Add("lost", 1) || totals.Of("lost") != 0 {
		t.Error("lost was counted as a state")
	}
}

func TestATakenEventNamesItsEntries(t *testing.T) {
	t.Parallel()
	var err error = &ledger.Taken{IDs: []int64{3<<32 | 57, 3<<32 | 58}}
	if !errors.Is(err, ledger.ErrTaken) || errors.Is(err, ledger.ErrBroken) || err.Error() != "entry 3.57 3.58: not ours to change" {
		t.Errorf("got %v", err)
	}
}

func TestAnEntryIsNamedAsSentencesBegin(t *testing.T) {
	t.Parallel()
	e := ledger.Entry{Line: 57, Address: "li@example.com"}
	if got := e.String(); got != "line 57, li@example.com" {
		t.Errorf("got %s", got)
	}
	e.Address = ""
	if got := e.String(); got != "line 57" {
		t.Errorf("got %s", got)
	}
}

func FuzzABoundedReplyIsTextOfBoundedLength(f *testing.F) {
	f.Add("550 太频繁", 1)
	f.Add("\xff鸿", 2000)
	f.Add("𝄞", 700)
	f.Fuzz(func(t *testing.T, s string, n int) {
		long := strings.Repeat(s, min(max(n, 1), 4000))
		got := ledger.Bounded(long)
		whole := strings.ToValidUTF8(long, "\uFFFD")
		if !strings.HasPrefix(whole, got) || len(got) > ledger.MaxReply || len(got) < min(len(whole), ledger.MaxReply-3) {
			t.Errorf("%d of %d bytes", len(got), len(whole))
		}
	})
}

func TestWhySomebodyWasLeftOutIsReadBack(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.Local)
	for _, source := range ledger.Sources() {
		for _, reason := range []string{"", "too often", "550 no: such user on 2026-01-01: x"} {
			want := ledger.Suppression{Source: source, Reason: reason, At: day}
			if got, ok := ledger.ReadWhy(string(source), want.Why()); !ok || got != want {
				t.Errorf("%q is read as %+v, %v", want.Why(), got, ok)
			}
		}
	}
	for rule, reply := range map[string]string{
		"": " on 2026-11-23", "qq/no-user": "qq/no-user on 2026-11-23", "bounce": "bounce on Monday", "manual": "bounce on 2026-11-23", "import": "Ok",
	} {
		if got, ok := ledger.ReadWhy(rule, reply); ok {
			t.Errorf("%q by %q is read as %+v", reply, rule, got)
		}
	}
}
