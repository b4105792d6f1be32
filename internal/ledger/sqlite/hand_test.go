package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/sqlite"
)

func clerk(t *testing.T, dir string) *sqlite.Clerk {
	t.Helper()
	c, err := sqlite.OpenClerk(t.Context(), dir)
	must(t, err)
	t.Cleanup(func() { must(t, c.Close()) })
	return c
}

// TestOtherProcessesWriteBesideTheLine has processes of their own suppress
// addresses, note it and race for a paper, while this one has the ledger and
// records mail after mail.
func TestOtherProcessesWriteBesideTheLine(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := open(t, dir)
	planned(t, s, 4000)
	var others sync.WaitGroup
	for i := range 3 {
		others.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), fmt.Sprintf("HONGYAN_TEST_CLERK=%d:%s", i, dir))
			if said, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("clerk %d: %v: %s", i, err, said)
			}
		})
	}
	send(t, s, 3000, 4)
	others.Wait()
	totals, err := s.Totals(t.Context(), key)
	if err != nil || totals.Sent < 3000 {
		t.Errorf("the line: %+v, %v", totals, err)
	}
	suppressed := 0
	for _, err := range s.Suppressions(t.Context(), ledger.SuppressionFilter{}) {
		must(t, err)
		suppressed++
	}
	var by []string
	for a, err := range s.Acts(t.Context(), 0, 0) {
		must(t, err)
		by = append(by, a.By)
	}
	slices.Sort(by)
	if suppressed != 3*1200 || !slices.Equal(by, []string{"0", "1", "2"}) {
		t.Errorf("%d suppressed, acts of %v", suppressed, by)
	}
	if first, err := s.Paper(t.Context(), "slots", "9:00"); err != nil || len(first) != 1 {
		t.Errorf("the paper says %q, %v", first, err)
	}
	sound(t, s)
}

// besideTheLine is what such a process does; of all of them one puts the paper.
func besideTheLine(name, dir string) error {
	ctx := context.Background()
	c, err := sqlite.OpenClerk(ctx, dir)
	if err != nil {
		return err
	}
	var all []ledger.Suppression
	for i := range 1200 {
		all = append(all, ledger.Suppression{Address: fmt.Sprintf("p%d@%s.example", i, name), Source: ledger.Import, By: name, At: time.Now()})
	}
	added, err := c.Suppress(ctx, all...)
	if err != nil || added != len(all) {
		return fmt.Errorf("%d added: %w", added, err)
	}
	if _, ok, err := c.Suppressed(ctx, "news", all[7].Address); err != nil || !ok {
		return fmt.Errorf("it does not see what it wrote: %w", err)
	}
	put, err := c.PutNew(ctx, "slots", "9:00", []byte(name))
	if err != nil {
		return err
	}
	if paper, err := c.Paper(ctx, "slots", "9:00"); err != nil || put != (string(paper) == name) {
		return fmt.Errorf("put: %v, but it says %q: %w", put, paper, err)
	}
	return errors.Join(c.Note(ctx, ledger.Act{At: time.Now(), By: name, What: "suppress"}), c.Close())
}

func TestAClerkMakesTheLedgerThatIsMissing(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	c := clerk(t, dir+"/new")
	added, err := c.Suppress(t.Context(), ledger.Suppression{Address: "li@example.com", Source: ledger.Manual, By: "wang", At: time.Now()})
	if err != nil || added != 1 {
		t.Fatalf("%d added, %v", added, err)
	}
	s := open(t, dir+"/new") // the clerk holds nobody up
	if _, ok, err := s.Suppressed(t.Context(), "news", "li@example.com"); err != nil || !ok {
		t.Errorf("the next start: %v, %v", ok, err)
	}
	if was, err := c.Unsuppress(t.Context(), "", "li@example.com"); err != nil || !was {
		t.Errorf("taken back: %v, %v", was, err)
	}
	if _, ok, err := s.Suppressed(t.Context(), "news", "li@example.com"); err != nil || ok {
		t.Errorf("after it was taken back: %v, %v", ok, err)
	}
}

// TestWhoeverSuppressesSeesItAtOnce although a moment ago there was nobody; and
// what another process does is seen soon.
func TestWhoeverSuppressesSeesItAtOnce(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s, c := open(t, dir), clerk(t, dir)
	gone := func(address string) bool {
		_, ok, err := s.Suppressed(t.Context(), "news", address)
		must(t, err)
		return ok
	}
	leave := func(by ledger.Suppressor, address string) {
		_, err := by.Suppress(t.Context(), ledger.Suppression{Address: address, Source: ledger.Manual, By: "li", At: time.Now()})
		must(t, err)
	}
	if gone("li@example.com") {
		t.Error("nobody has left yet")
	}
	leave(c, "wang@example.com")
	for end := time.Now().Add(10 * time.Second); !gone("wang@example.com"); {
		if time.Now().After(end) {
			t.Fatal("another process's suppression is never seen")
		}
	}
	_, err := c.Unsuppress(t.Context(), "", "wang@example.com")
	must(t, err)
	if gone("wang@example.com") || gone("li@example.com") {
		t.Error("nobody is left")
	}
	leave(s, "li@example.com")
	if !gone("li@example.com") {
		t.Error("it does not see its own")
	}
}

// BenchmarkSuppressed is what a mail pays for the question, without anybody
// suppressed and with many.
func BenchmarkSuppressed(b *testing.B) {
	for _, many := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("of=%d", many), func(b *testing.B) {
			s := open(b, b.TempDir())
			all := make([]ledger.Suppression, many)
			for i := range all {
				all[i] = ledger.Suppression{Address: fmt.Sprintf("p%d@example.com", i), Source: ledger.Import, By: "li", At: time.Now()}
			}
			if _, err := s.Suppress(b.Context(), all...); err != nil {
				b.Fatal(err)
			}
			report := measure(b, b.N, "mail")
			for range b.N {
				if _, ok, err := s.Suppressed(b.Context(), "news", "li@example.com"); ok || err != nil {
					b.Fatal(ok, err)
				}
			}
			report()
		})
	}
}

// BenchmarkPage is the dashboard's table of an issue of 100,000: one page of 50,
// by the filter that takes longest, a text that nobody has.
func BenchmarkPage(b *testing.B) {
	s := open(b, b.TempDir())
	planned(b, s, 100_000)
	for name, f := range map[string]ledger.Filter{
		"all":   {Limit: 50},
		"state": {Limit: 50, States: []ledger.State{ledger.Refused}},
		"text":  {Limit: 50, Text: "zzzz"},
	} {
		b.Run(name, func(b *testing.B) {
			report := measure(b, b.N, "page")
			for range b.N {
				for _, err := range s.Entries(b.Context(), key, f) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			report()
		})
	}
	b.Run("timeline", func(b *testing.B) {
		report := measure(b, b.N, "page")
		for range b.N {
			if _, err := s.Timeline(b.Context(), key, time.Minute); err != nil {
				b.Fatal(err)
			}
		}
		report()
	})
}

func TestAClerkThatIsClosedWritesNothing(t *testing.T) {
	t.Parallel()
	c, err := sqlite.OpenClerk(t.Context(), folder(t))
	must(t, err)
	must(t, c.Close())
	if err := c.Put(t.Context(), "slots", "a", nil); !errors.Is(err, ledger.ErrBroken) {
		t.Errorf("got %v", err)
	}
}

// TestAClerkWaitsForWhoeverIsMakingTheLedger: the lock is taken before there is
// anything to read.
func TestAClerkWaitsForWhoeverIsMakingTheLedger(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	var crowd sync.WaitGroup
	for range 4 {
		crowd.Go(func() {
			c, err := sqlite.OpenClerk(t.Context(), dir)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := c.PutNew(t.Context(), "slots", "a", nil); err != nil {
				t.Error(err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	crowd.Wait()
}

// TestALedgerOfTheFirstVersionIsBroughtUpToDate opens a file that the release
// before the office wrote.
func TestALedgerOfTheFirstVersionIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	must(t, os.CopyFS(dir, os.DirFS("testdata/version1")))
	if _, err := sqlite.OpenReader(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "made by an older hongyan (version 1)") {
		t.Errorf("before: %v", err)
	}
	c := clerk(t, dir)
	totals, err := c.Totals(t.Context(), key)
	want := ledger.Totals{Rows: 12, Queued: 5, Sent: 1, Refused: 1, Deferred: 1, InDoubt: 2, Skipped: 1, Suppressed: 1}
	if err != nil || totals != want {
		t.Errorf("it has %+v, %v", totals, err)
	}
	s := open(t, dir)
	for e, err := range s.Entries(t.Context(), key, ledger.Filter{States: []ledger.State{ledger.Deferred}}) {
		past, failed := s.Attempts(t.Context(), e.ID)
		must(t, errors.Join(err, failed))
		if len(past) != 1 || past[0].Reply != "greylisted" || e.Reply != "greylisted again" {
			t.Errorf("history: %+v of %+v", past, e)
		}
	}
	holds, err := s.Holds(t.Context())
	if err != nil || len(holds) != 1 || holds[0].Account != "qq" {
		t.Errorf("holds: %+v, %v", holds, err)
	}
	sound(t, s)
}
