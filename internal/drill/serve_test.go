package drill_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/sqlite"
	"hongyan/internal/schedule"
)

// TestAServiceKilledInAScheduledIssueGoesOn ends hongyan serve with SIGKILL
// while the issue of a slot is on its way, again and again: each slot is begun
// once, nobody is lost and nobody mailed twice. A SIGTERM ends it within
// seconds, with everything written down.
func TestAServiceKilledInAScheduledIssueGoesOn(t *testing.T) {
	t.Parallel()
	seed := *killSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("go test ./internal/drill -run Service -kill.seed %d -kills %d", seed, *kills)
	v := &victim{witness: newWitness(t), rand: rand.New(rand.NewPCG(seed, 5)), connections: 5}
	began := time.Now()
	for v.sum.kills < *kills {
		v.newSlot(t)
		for v.sum.kills < *kills && !v.carried(t) {
			v.serveAndDie(t)
		}
		v.restart(t)
		v.serveToTheEnd(t)
		v.open(t, func(s *sqlite.Store) { v.settle(t, s) })
		v.serveToTheEnd(t)
		v.slotOnce(t)
	}
	t.Logf("%s; %s", v.sum, time.Since(began).Round(time.Second))
}

// newSlot lays out a campaign whose one slot was missed an hour ago.
func (v *victim) newSlot(t *testing.T) {
	t.Helper()
	v.turn(t, v.rand.IntN(2) == 0)
	v.desk = newDesk(t, fmt.Sprintf("provider: custom, host: 127.0.0.1, port: %s, tls: none, address: a@example.com, limits: {per_second: 100000, connections: %d}",
		v.port(), v.connections), addresses(rowsKilled)...)
	v.sum.issues++
	spec := schedule.Spec{At: time.Now().Add(-time.Hour).Format("2006-01-02T15:04"), Timezone: "UTC"}
	v.issue = ledger.Key{Campaign: "drill", Issue: spec.At}
	v.write(t, "drill.yaml", "name: drill\nsubject: \"你好，{{.email}}\"\ntemplate: drill.md\nlayout: none\nrecipients: drill.csv\n"+
		"schedule: {at: \""+spec.At+"\", timezone: UTC}\n")
	planned, wrong := schedule.Parse(spec)
	if wrong != nil {
		t.Fatal(wrong)
	}
	since, err := json.Marshal(map[string]any{"schedule": planned.String(), "since": time.Now().Add(-2 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	v.open(t, func(s *sqlite.Store) {
		if err := s.Put(t.Context(), "schedule", "drill", since); err != nil {
			t.Fatal(err)
		}
	})
}

// carried reports whether the issue has nothing left but doubts.
func (v *victim) carried(t *testing.T) bool {
	t.Helper()
	reader, err := sqlite.OpenReader(t.Context(), v.state())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	totals, err := reader.Totals(t.Context(), v.issue)
	if errors.Is(err, ledger.ErrUnknown) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	return totals.Rows == rowsKilled && totals.Queued+totals.Sending+totals.Deferred == 0
}

// begin starts the service.
func (v *victim) begin(t *testing.T) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	if err := os.Remove(v.pidFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	cmd, said := v.command(t, "serve", "--campaigns", ".", "--listen", "127.0.0.1:0", "--pid", v.pidFile())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, said
}

func (v *victim) pidFile() string { return filepath.Join(v.dir, "pid") }

// ready reports whether the service says that it is.
func (v *victim) ready() bool {
	_, err := os.Stat(v.pidFile())
	return err == nil
}

// serveAndDie kills the service soon after a mail of its life was taken.
func (v *victim) serveAndDie(t *testing.T) {
	first := v.firstMail()
	cmd, said := v.begin(t)
	select {
	case <-first:
	case <-time.After(30 * time.Second): // all may be done already
	}
	moment := time.NewTimer(time.Duration(v.rand.IntN(150_000)) * time.Microsecond)
	defer moment.Stop()
	<-moment.C
	if err := cmd.Process.Kill(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if code := exitCode(t, cmd.Wait()); code >= 0 {
		t.Fatalf("the service ended by itself, with exit code %d:\n%s", code, said)
	}
	v.sum.kills++
	v.inspect(t)
}

// serveToTheEnd lets the service carry what is left, then asks it to end.
func (v *victim) serveToTheEnd(t *testing.T) {
	t.Helper()
	v.serveUntil(t, func() bool { return v.ready() && v.carried(t) })
}

// restart asks the service to end in the middle.
func (v *victim) restart(t *testing.T) {
	t.Helper()
	v.serveUntil(t, v.ready)
}

// serveUntil runs the service until enough says so, then ends it by SIGTERM.
func (v *victim) serveUntil(t *testing.T, enough func() bool) {
	t.Helper()
	cmd, said := v.begin(t)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !enough() {
		select {
		case <-tick.C:
		case err := <-ended:
			t.Fatalf("the service ended by itself: %v\n%s", err, said)
		case <-deadline:
			_ = cmd.Process.Kill() // the test has failed already
			<-ended
			t.Fatalf("the service does not come to its end:\n%s", said)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if code := exitCode(t, err); code != 0 {
			t.Fatalf("exit code %d:\n%s", code, said)
		}
	case <-time.After(10 * time.Second):
		_ = cmd.Process.Kill() // likewise
		<-ended
		t.Fatalf("SIGTERM does not end the service:\n%s", said)
	}
	doubts := v.sum.doubts
	v.inspect(t)
	if left := v.sum.doubts - doubts; left > 0 {
		t.Errorf("SIGTERM left %d mails in doubt", left)
	}
}

// slotOnce checks that the slot was begun once, and that everybody has one mail.
func (v *victim) slotOnce(t *testing.T) {
	t.Helper()
	v.open(t, func(s *sqlite.Store) {
		issues, err := s.Issues(t.Context())
		if err != nil || len(issues) != 1 || issues[0].Key != v.issue {
			t.Fatalf("%+v, %v", issues, err)
		}
		for r, err := range schedule.Records(t.Context(), s, "drill") {
			if err != nil || r.Slot != v.issue.Issue || r.State != schedule.Fired {
				t.Fatalf("%+v, %v", r, err)
			}
		}
		b := v.books(t, s)
		if left := b.unsettled(); len(left) > 0 || len(b.taken) != rowsKilled {
			t.Fatalf("%d of %d mails were taken; without one: %q", len(b.taken), rowsKilled, left)
		}
		v.sum.mails += len(b.taken)
	})
}
