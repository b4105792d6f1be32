// Scale simulates many workers on one database: how many mails a second leave,
// what each costs the database, and where it bends. Its constants are measured
// (deploy/SCALE.md says how); everything else is queues.
//
//	go run -C internal/tools ./scale
package main

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// What was measured of one database and one worker.
type costs struct {
	way    time.Duration // between worker and database, there and back
	begin  time.Duration // of the database's processor for a transaction
	row    time.Duration // and for each row it changes
	flush  time.Duration // until the log is on disk; shared by all who wait
	cores  int           // of the database
	worker time.Duration // of a worker's processor for a mail
	power  int           // a worker's cores
}

// A fleet is what is simulated.
type fleet struct {
	workers, accounts int
	connections       int           // of an account
	answer            time.Duration // a server's, from MAIL to the final reply
	pause             time.Duration // an account's between two mails of a connection
}

const (
	span = 20 * time.Second // simulated, after the crowd of the first claims is over
	warm = 10 * time.Second
	lot  = 100 // mails claimed at once
)

func main() {
	c := costs{
		way: 300 * time.Microsecond, begin: 310 * time.Microsecond, row: 33 * time.Microsecond,
		flush: 200 * time.Microsecond, cores: 4, worker: 180 * time.Microsecond, power: 2,
	}
	for _, f := range []struct {
		name  string
		fleet fleet
	}{
		{"1,000 mailboxes, one connection, a mail every 8 s", fleet{accounts: 1000, connections: 1, answer: 300 * time.Millisecond, pause: 7700 * time.Millisecond}},
		{"1,000 relay accounts, one connection, 50 ms an answer", fleet{accounts: 1000, connections: 1, answer: 50 * time.Millisecond}},
		{"1,000 relay accounts, four connections, 50 ms an answer", fleet{accounts: 1000, connections: 4, answer: 50 * time.Millisecond}},
	} {
		fmt.Printf("\n%s\n\n| workers | mails/s | transactions/s | transactions a mail | rows a transaction | commit, 99 %% | database | workers' processors |\n| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n", f.name)
		for _, n := range []int{1, 2, 4, 8, 16, 32, 64} {
			f.fleet.workers = n
			fmt.Println(simulate(c, f.fleet))
		}
	}
}

// An event is something that will happen.
type event struct {
	at time.Duration
	do func()
}

type agenda []event

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at < a[j].at }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)        { *a = append(*a, x.(event)) }
func (a *agenda) Pop() any {
	old := *a
	last := old[len(old)-1]
	*a = old[:len(old)-1]
	return last
}

// A world is a fleet at work.
type world struct {
	costs
	fleet
	now    time.Duration
	agenda agenda

	database *processors
	disk     []func() // who waits for the next flush
	flushing bool
	offices  []*office

	mails, transactions, rows int
	commits                   []time.Duration
}

// processors serve one after the other.
type processors struct {
	free []time.Duration // when each is free again
	busy time.Duration
}

func (p *processors) serve(w *world, work time.Duration, then func()) {
	i := 0
	for j, at := range p.free {
		if at < p.free[i] {
			i = j
		}
	}
	p.free[i] = max(p.free[i], w.now) + work
	if w.now > warm {
		p.busy += work
	}
	w.after(p.free[i]-w.now, then)
}

// An office is a worker: its processors, and the one committer that all its
// connections share.
type office struct {
	crew    processors
	waiting []*wish
	busy    bool
	flying  int           // mails whose intent is durable and whose outcome has not come
	took    time.Duration // the last commit
	leave   func()        // of the commit that still waits for mails to come back
}

// A wish is an intent or an outcome that is to become durable.
type wish struct {
	since time.Duration
	then  func()
}

func (w *world) after(d time.Duration, do func()) {
	heap.Push(&w.agenda, event{w.now + d, do})
}

func simulate(c costs, f fleet) string {
	w := &world{costs: c, fleet: f, database: &processors{free: make([]time.Duration, c.cores)}}
	r := rand.New(rand.NewPCG(1, uint64(f.workers)))
	for range f.workers {
		w.offices = append(w.offices, &office{crew: processors{free: make([]time.Duration, c.power)}})
	}
	for a := range f.accounts {
		for range f.connections {
			o := w.offices[a%f.workers]
			w.after(time.Duration(r.Int64N(int64(f.answer+f.pause))), func() { w.mail(o, 0) })
		}
	}
	for len(w.agenda) > 0 && w.now < warm+span {
		e := heap.Pop(&w.agenda).(event)
		w.now = e.at
		e.do()
	}
	return w.line()
}

// mail carries one mail and then the next: composed, its intent durable, sent,
// its outcome durable. Every so many mails are claimed by a transaction.
func (w *world) mail(o *office, n int) {
	claim := func(then func()) { then() }
	if n%lot == 0 {
		claim = func(then func()) { w.transact(lot, then) }
	}
	claim(func() {
		o.crew.serve(w, w.worker, func() {
			w.commit(o, func() {
				o.flying++
				w.after(w.answer, func() {
					o.flying--
					w.commit(o, func() {
						if w.now > warm {
							w.mails++
						}
						w.after(w.pause, func() { w.mail(o, n+1) })
					})
				})
			})
		})
	})
}

// commit makes a wish durable together with all that wait in the office.
func (w *world) commit(o *office, then func()) {
	o.waiting = append(o.waiting, &wish{w.now, then})
	switch {
	case !o.busy:
		w.assemble(o)
	case o.leave != nil && (o.flying == 0 || len(o.waiting) >= enough):
		o.leave()
	}
}

// The store's.
const (
	longestWait = 5 * time.Millisecond
	enough      = 64
)

// assemble waits about as long as the last commit took for mails in flight.
func (w *world) assemble(o *office) {
	o.busy = true
	if o.flying == 0 || len(o.waiting) >= enough {
		w.gather(o)
		return
	}
	left := false
	o.leave = func() {
		if !left {
			left, o.leave = true, nil
			w.gather(o)
		}
	}
	w.after(min(o.took, longestWait), o.leave)
}

func (w *world) gather(o *office) {
	group, begun := o.waiting, w.now
	o.waiting = nil
	w.transact(len(group), func() {
		o.busy, o.took = false, w.now-begun
		for _, g := range group {
			if w.now > warm {
				w.commits = append(w.commits, w.now-g.since)
			}
			g.then()
		}
		if !o.busy && len(o.waiting) > 0 {
			w.assemble(o)
		}
	})
}

// transact is the way to the database, its work, the flush and the way back.
func (w *world) transact(rows int, then func()) {
	if w.now > warm {
		w.transactions++
		w.rows += rows
	}
	w.after(w.way/2, func() {
		w.database.serve(w, w.begin+time.Duration(rows)*w.row, func() {
			w.disk = append(w.disk, func() { w.after(w.way/2, then) })
			if !w.flushing {
				w.flushDisk()
			}
		})
	})
}

func (w *world) flushDisk() {
	group := w.disk
	w.disk, w.flushing = nil, true
	w.after(w.flush, func() {
		w.flushing = false
		for _, then := range group {
			then()
		}
		if len(w.disk) > 0 {
			w.flushDisk()
		}
	})
}

func (w *world) line() string {
	seconds := span.Seconds()
	slices.Sort(w.commits)
	late := w.commits[len(w.commits)*99/100]
	var busy time.Duration
	for _, o := range w.offices {
		busy += o.crew.busy
	}
	return fmt.Sprintf("| %d | %.0f | %.0f | %.2f | %.1f | %.1f ms | %.0f %% | %.0f %% |",
		w.workers, float64(w.mails)/seconds, float64(w.transactions)/seconds,
		float64(w.transactions)/float64(max(w.mails, 1)), float64(w.rows)/float64(w.transactions),
		float64(late.Microseconds())/1000,
		100*w.database.busy.Seconds()/seconds/float64(w.cores),
		100*busy.Seconds()/seconds/float64(w.power*w.workers))
}
