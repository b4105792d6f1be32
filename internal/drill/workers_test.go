//go:build unix

package drill_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/ledger/postgres/postgrestest"
	"hongyan/internal/schedule"
)

var (
	crewMails   = flag.Int("workers.mails", 600, "how many recipients the drill of the workers has")
	crewKills   = flag.Int("workers.kills", 2, "how often it kills a worker")
	crewFreezes = flag.Int("workers.freezes", 1, "how often it freezes one for longer than its lease")
	crewCuts    = flag.Int("workers.cuts", 1, "how often it cuts all off from the database")
	crewServes  = flag.Int("workers.serves", 0, "how often it kills a service, and how often it freezes one; their campaign is due every minute then")
	crewHeirs   = flag.Int("workers.heirs", 1, "how often it kills a worker in peace and measures until others have its accounts")
	crewTakes   = flag.Duration("workers.takes", 30*time.Second, "how long that may take")
)

// A plant is some workers on one database, and a witness behind each account.
type plant struct {
	desk
	t         *testing.T
	gate      *postgrestest.Gate
	url       string
	witnesses map[string]*witness
	rand      *rand.Rand

	mu      sync.Mutex // of both: only whoever has it ends or freezes one
	workers gang
	serves  gang
	said    []*bytes.Buffer // by all that were hired
	thaws   sync.WaitGroup
}

// A gang are processes of one kind.
type gang struct {
	args []string
	at   []*exec.Cmd
}

// connectionsEach is how many connections an account of the plant may have.
const connectionsEach = 2

// perSecond and perMinute are the plant's limits: such that a short drill lasts
// for as long as its storm. Every other account has the latter as well.
func perSecond() int { return max(8, *crewMails/1000) }
func perMinute() int { return 45 * perSecond() }

func limited(account int) bool { return account%2 == 1 }

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
		minute := ""
		if limited(i) {
			minute = fmt.Sprintf("per_minute: %d, ", perMinute())
		}
		fmt.Fprintf(&conf, "  a%d: {provider: custom, host: 127.0.0.1, port: %s, tls: none, address: a%d@example.com, lanes: %d, limits: {%sper_second: %d, connections: %d}}\n",
			i, w.port(), i, 2-min(i, 1), minute, perSecond(), connectionsEach)
	}
	names := slices.Sorted(maps.Keys(p.witnesses))
	p.write(t, "config.yaml", conf.String())
	p.write(t, "drill.yaml", "name: drill\nsubject: drill\ntemplate: drill.md\nlayout: none\nrecipients: drill.csv\naccounts: ["+
		strings.Join(names, ", ")+"]\n")
	if code, said := p.do(t, "migrate"); code != 0 {
		t.Fatal(said)
	}
	p.layOutSlots(names)
	p.workers = gang{[]string{"worker"}, make([]*exec.Cmd, workers)}
	p.serves = gang{[]string{"serve", "--campaigns", "slots", "--listen", "127.0.0.1:0"}, make([]*exec.Cmd, 2)}
	for _, g := range []*gang{&p.workers, &p.serves} {
		for i := range g.at {
			p.hire(g, i)
		}
	}
	t.Cleanup(p.dismiss)
	return p
}

// layOutSlots makes a campaign of its own for two services: an hour ago a slot was
// due that nobody heeded; or there is one every minute.
func (p *plant) layOutSlots(accounts []string) {
	if err := os.Mkdir(filepath.Join(p.dir, "slots"), 0o700); err != nil {
		p.t.Fatal(err)
	}
	now := time.Now().UTC()
	spec := schedule.Spec{At: now.Add(-time.Hour).Format("2006-01-02T15:04"), Timezone: "UTC"}
	when := `at: "` + spec.At + `"`
	if *crewServes > 0 {
		spec = schedule.Spec{Cron: "* * * * *", Timezone: "UTC"}
		when = `cron: "* * * * *"`
	}
	p.write(p.t, "slots/slot.yaml", "name: slot\nsubject: slot\ntemplate: ../drill.md\nlayout: none\nrecipients: slot.csv\naccounts: ["+
		strings.Join(accounts, ", ")+"]\nschedule: {"+when+", timezone: UTC}\n")
	p.write(p.t, "slots/slot.csv", "email\nslot1@example.com\nslot2@example.com\nslot3@example.com\n")
	planned, wrong := schedule.Parse(spec)
	if wrong != nil {
		p.t.Fatal(wrong)
	}
	since, err := json.Marshal(map[string]any{"schedule": planned.String(), "since": now.Add(-2 * time.Hour)})
	if err != nil {
		p.t.Fatal(err)
	}
	if *crewServes > 0 {
		return // from their start on
	}
	s, err := postgres.Open(p.t.Context(), p.url, postgres.Options{Name: "drill"})
	if err != nil {
		p.t.Fatal(err)
	}
	if err := errors.Join(s.Put(p.t.Context(), "schedule", "slot", since), s.Close()); err != nil {
		p.t.Fatal(err)
	}
}

// hire starts a process in a place that is free.
func (p *plant) hire(g *gang, i int) {
	cmd, said := p.command(p.t, g.args...)
	p.said = append(p.said, said)
	if err := cmd.Start(); err != nil {
		p.t.Error(err)
		return
	}
	g.at[i] = cmd
}

// dismiss ends all.
func (p *plant) dismiss() {
	p.thaws.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range []*gang{&p.workers, &p.serves} {
		for i, cmd := range g.at {
			if cmd != nil {
				_ = cmd.Process.Signal(os.Interrupt) // it may have ended
				_ = cmd.Wait()                       // how is seen in the books
				g.at[i] = nil
			}
		}
	}
}

// kill ends a process at once and puts another in its place.
func (p *plant) kill(g *gang, i int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = g.at[i].Process.Kill() // it may have ended
	_ = g.at[i].Wait()         // by the kill
	p.hire(g, i)
}

func (p *plant) any(g *gang) int { return p.rand.IntN(len(g.at)) }

// bequeath kills a worker while nothing else happens, and returns the longest that
// one of its accounts waited for the first mail by another.
func (p *plant) bequeath() time.Duration {
	var i int
	var accounts []string
	p.until("a worker has an account that others do not", func(ctx context.Context, r *postgres.Reader) bool {
		workers, err := r.Workers(ctx)
		if err != nil {
			return false
		}
		i = p.any(&p.workers)
		at := slices.IndexFunc(workers, func(w postgres.Worker) bool {
			return w.Works && strings.HasSuffix(w.Name, ":"+strconv.Itoa(p.workers.at[i].Process.Pid))
		})
		if at < 0 {
			return false
		}
		accounts = slices.DeleteFunc(workers[at].Accounts, func(name string) bool {
			return name == "a0" || limited(int(name[1]-'0')) // its other lane is another's, or it may have to wait anyway
		})
		return len(accounts) > 0
	})
	killed := time.Now()
	p.kill(&p.workers, i)
	var longest time.Duration
	for _, name := range accounts {
		w := p.witnesses[name]
		p.until(name+" has an heir, or nothing is left to do", func(ctx context.Context, r *postgres.Reader) bool {
			if waited, ok := w.firstBy(killed); ok {
				longest = max(longest, waited)
				return true
			}
			totals, err := r.Totals(ctx, key)
			return err == nil && totals.Queued == 0
		})
	}
	return longest
}

// freeze stops a process for longer than a lease; it wakes up while others work.
func (p *plant) freeze(g *gang) {
	p.mu.Lock()
	process := g.at[p.any(g)].Process
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
		return err == nil && slices.ContainsFunc(plan, func(i ledger.Issue) bool { return i.Key == key && i.Complete })
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
		blows = append(blows, func() { p.kill(&p.workers, p.any(&p.workers)) })
	}
	for range *crewFreezes {
		blows = append(blows, func() { p.freeze(&p.workers) })
	}
	for range *crewCuts {
		blows = append(blows, p.cut)
	}
	for range *crewServes {
		blows = append(blows, func() { p.kill(&p.serves, p.any(&p.serves)) }, func() { p.freeze(&p.serves) })
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
	var takeover time.Duration
	for range *crewHeirs {
		takeover = max(takeover, p.bequeath())
	}
	p.storm()
	p.until("nothing is left", func(ctx context.Context, r *postgres.Reader) bool {
		issues, err := r.Issues(ctx)
		return err == nil && len(issues) > 1 && !slices.ContainsFunc(issues, func(i ledger.Issue) bool {
			return !i.Complete || i.Queued+i.Sending+i.Deferred > 0
		}) && p.slotsBegun(ctx, r)
	})
	p.dismiss()
	doubts := p.inspect()
	t.Logf("%d mails, %d kills, %d freezes, %d cuts, %d services killed and frozen: lost 0, doubled 0, in doubt %d, slots %d, each once; an account of a killed worker waited %s at most; %s",
		*crewMails, *crewKills, *crewFreezes, *crewCuts, *crewServes, doubts, p.slots(), takeover.Round(10*time.Millisecond), time.Since(began).Round(time.Second))
	if takeover > *crewTakes {
		t.Errorf("an account waited %s for an heir", takeover)
	}
}

// slotsBegun reports that no slot is about to begin.
func (p *plant) slotsBegun(ctx context.Context, r *postgres.Reader) bool {
	for slot, err := range schedule.Records(ctx, r, "slot") {
		if err != nil || slot.State == schedule.Starting {
			return false
		}
	}
	return true
}

// slots checks that each slot was begun once, and returns how many there were: of a
// slot that was fired there is one issue, and no other issue is there.
func (p *plant) slots() (n int) {
	r, err := postgres.OpenReader(p.t.Context(), p.url)
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Close()
	fired := map[string]bool{}
	for slot, err := range schedule.Records(p.t.Context(), r, "slot") {
		if err != nil || slot.State != schedule.Fired && slot.State != schedule.Skipped {
			p.t.Errorf("slot %+v, %v", slot, err)
		}
		fired[slot.Slot] = slot.State == schedule.Fired
	}
	issues, err := r.Issues(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, i := range issues {
		if i.Campaign != "slot" {
			continue
		}
		if !fired[i.Issue] || i.Rows != 3 {
			p.t.Errorf("%s: fired %t, %d recipients", i.Key, fired[i.Issue], i.Rows)
		}
		n++
		delete(fired, i.Issue)
	}
	for slot, lost := range fired {
		if lost {
			p.t.Errorf("slot %s was fired, and has no issue", slot)
		}
	}
	if n == 0 {
		p.t.Error("no slot was begun")
	}
	return n
}

// inspect compares the books of each issue with the records of all witnesses, and
// returns how many are in doubt.
func (p *plant) inspect() (doubts int) {
	taken := map[string][]string{} // recipients by Message-ID
	for i := range len(p.witnesses) {
		name := fmt.Sprintf("a%d", i)
		w := p.witnesses[name]
		w.quiet()
		record, err := w.taken()
		if err != nil {
			p.t.Fatal(err)
		}
		for to, ids := range record {
			for _, id := range ids {
				taken[id] = append(taken[id], to)
			}
		}
		p.withinLimits(i, w)
	}
	r, err := postgres.OpenReader(p.t.Context(), p.url)
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Close()
	issues, err := r.Issues(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, issue := range issues {
		b := books{taken: map[string][]string{}}
		for e, err := range r.Entries(p.t.Context(), issue.Key, ledger.Filter{}) {
			if err != nil {
				p.t.Fatal(err)
			}
			b.entries = append(b.entries, e)
			for _, to := range taken[e.MessageID] {
				b.taken[to] = append(b.taken[to], e.MessageID)
			}
			delete(taken, e.MessageID)
			if e.State == ledger.InDoubt {
				doubts++
			}
		}
		if err := b.audit().err(); err != nil {
			p.t.Errorf("%s: %v", issue.Key, err)
		}
		if issue.Key == key && len(b.entries) != *crewMails {
			p.t.Errorf("%d entries", len(b.entries))
		}
	}
	if len(taken) > 0 {
		p.t.Errorf("%d mails were taken that no book knows: %v", len(taken), taken)
	}
	for finding, err := range r.Verify(p.t.Context()) {
		p.t.Error(finding, err)
	}
	return doubts
}

// withinLimits: a mail has its turn before it is on its way, so that in any window
// as many more may arrive as can be on their way when it begins: one a connection.
func (p *plant) withinLimits(i int, w *witness) {
	if w.most > connectionsEach {
		p.t.Errorf("account a%d was on %d connections", i, w.most)
	}
	windows := map[time.Duration]int{time.Second: perSecond()}
	if limited(i) {
		windows[time.Minute] = perMinute()
	}
	for per, limit := range windows {
		if most := fullest(w.times(), per); most > limit+connectionsEach {
			p.t.Errorf("account a%d sent %d mails within %s, and may send %d", i, most, per, limit)
		}
	}
}
