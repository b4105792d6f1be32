package drill_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/ledger/postgres/postgrestest"
)

var (
	crewMails   = flag.Int("workers.mails", 600, "how many recipients the drill of the workers has")
	crewKills   = flag.Int("workers.kills", 2, "how often it kills a worker")
	crewFreezes = flag.Int("workers.freezes", 1, "how often it freezes one for longer than its lease")
	crewCuts    = flag.Int("workers.cuts", 1, "how often it cuts all off from the database")
)

// A plant is some workers on one database, and a witness behind each account.
type plant struct {
	desk
	t         *testing.T
	gate      *postgrestest.Gate
	url       string
	witnesses map[string]*witness
	rand      *rand.Rand

	mu      sync.Mutex // of the workers: only whoever has it ends or freezes one
	workers []*exec.Cmd
	said    []*bytes.Buffer // by all that were hired
	thaws   sync.WaitGroup
}

// connectionsEach is how many connections an account of the plant may have.
const connectionsEach = 2

func newPlant(t *testing.T, accounts, workers int) *plant {
	server := postgrestest.Start(t, false)
	p := &plant{t: t, gate: postgrestest.NewGate(t, server), url: server.Place(t), witnesses: map[string]*witness{}}
	p.desk = newDesk(t, "provider: sandbox", addresses(*crewMails)...)
	p.env = append(p.env, "HONGYAN_STATE="+p.gate.Through(p.url))
	var conf strings.Builder
	fmt.Fprintf(&conf, "account: a0\naccounts:\n")
	for i := range accounts {
		w := newWitness(t)
		w.patience = 3 * time.Second // less than a lease: a frozen worker's connections end before it is replaced
		p.witnesses[fmt.Sprintf("a%d", i)] = w
		fmt.Fprintf(&conf, "  a%d: {provider: custom, host: 127.0.0.1, port: %s, tls: none, address: a%d@example.com, lanes: %d, limits: {per_second: 100, connections: %d}}\n",
			i, w.port(), i, 2-min(i, 1), connectionsEach)
	}
	names := slices.Sorted(maps.Keys(p.witnesses))
	p.write(t, "config.yaml", conf.String())
	p.write(t, "drill.yaml", "name: drill\nsubject: drill\ntemplate: drill.md\nlayout: none\nrecipients: drill.csv\naccounts: ["+
		strings.Join(names, ", ")+"]\n")
	if code, said := p.do(t, "migrate"); code != 0 {
		t.Fatal(said)
	}
	p.workers = make([]*exec.Cmd, workers)
	for i := range p.workers {
		p.hire(i)
	}
	t.Cleanup(p.dismiss)
	return p
}

// hire starts a worker in a place that is free.
func (p *plant) hire(i int) {
	cmd, said := p.command(p.t, "worker")
	p.said = append(p.said, said)
	if err := cmd.Start(); err != nil {
		p.t.Error(err)
		return
	}
	p.workers[i] = cmd
}

// dismiss ends all workers.
func (p *plant) dismiss() {
	p.thaws.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, cmd := range p.workers {
		if cmd != nil {
			_ = cmd.Process.Signal(os.Interrupt) // it may have ended
			_ = cmd.Wait()                       // how is seen in the books
			p.workers[i] = nil
		}
	}
}

// kill ends a worker at once and puts another in its place.
func (p *plant) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.rand.IntN(len(p.workers))
	_ = p.workers[i].Process.Kill() // it may have ended
	_ = p.workers[i].Wait()         // by the kill
	p.hire(i)
}

// freeze stops a worker for longer than its lease; it wakes up while others work.
func (p *plant) freeze() {
	p.mu.Lock()
	i := p.rand.IntN(len(p.workers))
	process := p.workers[i].Process
	_ = process.Signal(syscall.SIGSTOP)
	p.mu.Unlock()
	long := 7*time.Second + time.Duration(p.rand.IntN(4000))*time.Millisecond
	p.thaws.Go(func() {
		time.Sleep(long)
		_ = process.Signal(syscall.SIGCONT) // it may have been killed meanwhile
	})
}

// cut parts all workers from the database for a while.
func (p *plant) cut() {
	p.gate.Shut(true)
	time.Sleep(time.Duration(500+p.rand.IntN(7000)) * time.Millisecond)
	p.gate.Shut(false)
}

// order has send hand the issue over, and leaves it to the workers.
func (p *plant) order() {
	p.until("a worker is there", func(ctx context.Context, r *postgres.Reader) bool {
		workers, err := r.Workers(ctx)
		return err == nil && slices.ContainsFunc(workers, func(w postgres.Worker) bool { return w.Works })
	})
	cmd, said := p.command(p.t, "send", "--yes", "drill.yaml")
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.until("the issue is handed over", func(ctx context.Context, r *postgres.Reader) bool {
		plan, err := r.Issues(ctx)
		return err == nil && len(plan) == 1 && plan[0].Complete
	})
	_ = cmd.Process.Signal(os.Interrupt) // it may be at its end
	if code := exitCode(p.t, cmd.Wait()); code != 130 && code != 0 {
		p.t.Fatalf("send ended with %d: %s", code, said)
	}
}

// until asks the ledger, past the gate, until it says yes.
func (p *plant) until(what string, yes func(context.Context, *postgres.Reader) bool) {
	p.t.Helper()
	r, err := postgres.OpenReader(p.t.Context(), p.url)
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Close()
	for end := time.Now().Add(5 * time.Minute); !yes(p.t.Context(), r); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			_, status := p.do(p.t, "status")
			p.dismiss()
			p.t.Fatalf("it never came to this: %s\n%s\n%s", what, status, p.said)
		}
	}
}

// storm does to the workers what the flags say, in any order.
func (p *plant) storm() {
	var blows []func()
	for range *crewKills {
		blows = append(blows, p.kill)
	}
	for range *crewFreezes {
		blows = append(blows, p.freeze)
	}
	for range *crewCuts {
		blows = append(blows, p.cut)
	}
	p.rand.Shuffle(len(blows), func(i, j int) { blows[i], blows[j] = blows[j], blows[i] })
	for _, blow := range blows {
		time.Sleep(time.Duration(300+p.rand.IntN(1500)) * time.Millisecond)
		blow()
	}
}

// TestWorkersLoseNothingAndDoubleNothing kills, freezes and cuts off workers
// while they share an issue, and compares the books with what was taken.
func TestWorkersLoseNothingAndDoubleNothing(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("the storm's seed is %d", seed)
	p := newPlant(t, 8, 3)
	p.rand = rand.New(rand.NewPCG(seed, 0))
	began := time.Now()
	p.order()
	p.storm()
	p.until("nothing is left", func(ctx context.Context, r *postgres.Reader) bool {
		totals, err := r.Totals(ctx, key)
		return err == nil && totals.Queued+totals.Sending+totals.Deferred == 0
	})
	p.dismiss()
	t.Logf("%d mails, %d kills, %d freezes, %d cuts: lost 0, doubled 0, in doubt %d; %s", *crewMails, *crewKills, *crewFreezes,
		*crewCuts, p.inspect(), time.Since(began).Round(time.Second))
}

// inspect compares the books with the records of all witnesses, and returns how
// many are in doubt.
func (p *plant) inspect() int {
	b := books{taken: map[string][]string{}}
	for name, w := range p.witnesses {
		w.quiet()
		taken, err := w.taken()
		if err != nil {
			p.t.Fatal(err)
		}
		for to, ids := range taken {
			b.taken[to] = append(b.taken[to], ids...)
		}
		if w.most > connectionsEach {
			p.t.Errorf("account %s was on %d connections", name, w.most)
		}
	}
	r, err := postgres.OpenReader(p.t.Context(), p.url)
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Close()
	doubts := 0
	for e, err := range r.Entries(p.t.Context(), key, ledger.Filter{}) {
		if err != nil {
			p.t.Fatal(err)
		}
		b.entries = append(b.entries, e)
		if e.State == ledger.InDoubt {
			doubts++
		}
	}
	for finding, err := range r.Verify(p.t.Context()) {
		p.t.Error(finding, err)
	}
	if err := b.audit().err(); err != nil {
		p.t.Error(err)
	}
	if len(b.entries) != *crewMails {
		p.t.Errorf("%d entries", len(b.entries))
	}
	return doubts
}
