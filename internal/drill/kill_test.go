package drill_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/sqlite"
)

var (
	kills    = flag.Int("kills", 15, "how often each of the kill drills kills the program")
	killSeed = flag.Uint64("kill.seed", 0, "what the moments of death are drawn from; 0 = another one each time")
)

// A victim is the program on its way to be killed, issue after issue, and the
// witness that knows the truth about what it sent.
type victim struct {
	desk
	*witness
	rand        *rand.Rand
	connections int
	issue       ledger.Key
	sum         tally
}

// A tally is what a kill drill came to.
type tally struct {
	kills, issues, mails, settled, doubts, most int
}

func (s tally) String() string {
	return fmt.Sprintf("%d kills over %d issues of %d mails in all: lost 0, doubled 0, in doubt %d (at most %d by one kill), settled by a person %d",
		s.kills, s.issues, s.mails, s.doubts, s.most, s.settled)
}

// rowsKilled is how many recipients an issue of the kill drill has: enough for
// several deaths.
const rowsKilled = 2000

// TestKillNineLosesNothingAndDoublesNothing ends the program with SIGKILL at
// random moments of its life, again and again, and after each death opens the
// ledger and compares it with what the witness took.
func TestKillNineLosesNothingAndDoublesNothing(t *testing.T) {
	for _, connections := range []int{1, 20} {
		t.Run(fmt.Sprintf("%d connections", connections), func(t *testing.T) {
			t.Parallel()
			seed := *killSeed
			if seed == 0 {
				seed = rand.Uint64()
			}
			t.Logf("go test ./internal/drill -run Kill -kill.seed %d -kills %d", seed, *kills)
			v := &victim{witness: newWitness(t), rand: rand.New(rand.NewPCG(seed, uint64(connections))), connections: connections}
			began := time.Now()
			for v.sum.kills < *kills {
				v.newIssue(t)
				for v.sum.kills < *kills && v.live(t) {
				}
				v.lastRun(t)
			}
			t.Logf("%s; %s", v.sum, time.Since(began).Round(time.Second))
		})
	}
}

// newIssue begins with another edition; every fifth has a ledger of its own,
// so that opening it stays quick. Whether the server announces pipelining is
// left to chance.
func (v *victim) newIssue(t *testing.T) {
	v.turn(t, v.rand.IntN(2) == 0)
	if v.sum.issues%5 == 0 {
		v.desk = newDesk(t, fmt.Sprintf("provider: custom, host: 127.0.0.1, port: %s, tls: none, address: a@example.com, limits: {per_second: 100000, connections: %d}",
			v.port(), v.connections), addresses(rowsKilled)...)
	}
	v.sum.issues++
	v.issue = ledger.Key{Campaign: "drill", Issue: fmt.Sprint(v.sum.issues)}
}

// live starts the program, kills it and looks at what it left. It returns
// false when the program had come to its end before.
func (v *victim) live(t *testing.T) bool {
	cmd, said := v.command(t, "send", "--yes", "--issue", v.issue.Issue, "drill.yaml")
	first := v.firstMail()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	moment := time.Duration(v.rand.IntN(300_000)) * time.Microsecond
	if v.rand.IntN(4) > 0 { // mostly within the sending, else anywhere from birth on
		select {
		case <-first:
		case err := <-ended:
			return v.ended(t, exitCode(t, err), said.String())
		}
	}
	death := time.NewTimer(moment)
	defer death.Stop()
	select {
	case <-death.C:
		if err := cmd.Process.Kill(); err != nil && !strings.Contains(err.Error(), "finished") {
			t.Fatal(err)
		}
	case err := <-ended:
		return v.ended(t, exitCode(t, err), said.String())
	}
	if code := exitCode(t, <-ended); code >= 0 {
		return v.ended(t, code, said.String())
	}
	v.sum.kills++
	v.inspect(t)
	return true
}

// ended checks a program that came to its end by itself: all are sent, or some
// are in doubt by its earlier deaths.
func (v *victim) ended(t *testing.T, code int, said string) bool {
	t.Helper()
	if code != 0 && code != 3 {
		t.Fatalf("exit code %d:\n%s", code, said)
	}
	v.inspect(t)
	return false
}

// inspect opens the ledger after a death. Whatever was in the air became a
// doubt: one mail a connection at most.
func (v *victim) inspect(t *testing.T) {
	t.Helper()
	v.quiet()
	v.open(t, func(s *sqlite.Store) {
		if s.InDoubt() > v.connections {
			t.Fatalf("one death on %d connections left %d mails in doubt", v.connections, s.InDoubt())
		}
		v.sum.doubts += s.InDoubt()
		v.sum.most = max(v.sum.most, s.InDoubt())
		for finding, err := range s.Verify(t.Context()) {
			t.Fatal("verify: ", finding, err)
		}
		if err := v.books(t, s).audit().err(); err != nil {
			t.Fatalf("after %d kills: %v", v.sum.kills, err)
		}
	})
}

func (v *victim) open(t *testing.T, use func(*sqlite.Store)) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), v.state())
	if err != nil {
		t.Fatal(err)
	}
	use(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func (v *victim) books(t *testing.T, s ledger.Reader) books {
	t.Helper()
	b := books{}
	var err error
	if b.taken, err = v.taken(); err != nil {
		t.Fatal(err)
	}
	for e, err := range s.Entries(t.Context(), v.issue, ledger.Filter{}) {
		if errors.Is(err, ledger.ErrUnknown) { // it died before it had a plan
			return b
		}
		if err != nil {
			t.Fatal(err)
		}
		b.entries = append(b.entries, e)
	}
	totals, err := s.Totals(t.Context(), v.issue)
	if err == nil {
		err = totals.Check()
	}
	if err != nil || totals.Rows != len(b.entries) || totals.Sending > 0 {
		t.Fatalf("%+v of %d entries: %v", totals, len(b.entries), err)
	}
	return b
}

// lastRun lets the program come to its end; then a person who asked the server
// settles the doubts, and after one more run everybody has one mail.
func (v *victim) lastRun(t *testing.T) {
	code, said := v.do(t, "send", "--yes", "--issue", v.issue.Issue, "drill.yaml")
	v.ended(t, code, said)
	v.open(t, func(s *sqlite.Store) { v.settle(t, s) })
	if code, said := v.do(t, "send", "--yes", "--issue", v.issue.Issue, "drill.yaml"); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, said)
	}
	if code, said := v.do(t, "verify"); code != 0 {
		t.Fatalf("verify: exit code %d:\n%s", code, said)
	}
	v.inspect(t)
	v.open(t, func(s *sqlite.Store) {
		b := v.books(t, s)
		if left := b.unsettled(); len(left) > 0 || len(b.taken) != rowsKilled {
			t.Fatalf("%d of %d mails were taken; without one: %q", len(b.taken), rowsKilled, left)
		}
		v.sum.mails += len(b.taken)
	})
}

// settle decides each doubt as the witness says.
func (v *victim) settle(t *testing.T, s *sqlite.Store) {
	t.Helper()
	b := v.books(t, s)
	for _, e := range b.entries {
		if e.State != ledger.InDoubt {
			continue
		}
		to := ledger.Deferred
		if len(b.taken[e.Address]) > 0 {
			to = ledger.Sent
		}
		n, err := s.Settle(t.Context(), v.issue, ledger.Settlement{IDs: []int64{e.ID}, To: to, At: time.Now(), By: "drill"})
		if err != nil || n != 1 {
			t.Fatal(n, err)
		}
		v.sum.settled++
	}
}
